#include "storage/read/missing.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "storage/format/chunkindex.h"
#include "storage/read/rollback.h"
#include "storage/repo/blocklist.h"
#include "storage/repo/chain.h"
#include "storage/repo/lastseen.h"

/* The newest label that names this backup; NULL: none does. */
static const struct label *
successor(const struct backup_list *list, const char *id)
{
    for (size_t i = list->n; i-- > 0;) {
        const struct label *l = list->v[i].label;

        for (size_t k = 0; l != NULL && k < l->n_heads; k++) {
            if (strcmp(l->heads[k].id, id) == 0) {
                return l;
            }
        }
    }
    return NULL;
}

char *
missing_witness(struct repo *r, const char *db, const struct backup_list *list, const char *id)
{
    const struct label *after = successor(list, id);
    struct lastseen     seen;
    bool                remembered;

    if (after != NULL) {
        return xasprintf("backup %s names it", after->id);
    }
    lastseen_load(r, db, &seen);
    remembered = strcmp(seen.backup, id) == 0;
    lastseen_free(&seen);
    return remembered ? xstrdup("this host has seen it") : NULL;
}

static void
add_missing(const struct backup_list *list, const char *id, const char *who, struct strlist *out)
{
    strlist_take(out,
                 xasprintf("backup %s is missing: %s, and no prune says that it expired%s", id, who,
                           strlist_has(&list->unlabelled, id) ? "; its manifest and chunk list are "
                                                                "still there"
                                                              : ""));
}

/* Those named by labels: heads that neither exist nor were expired. */
static int
find_named(struct repo *r, const char *db, const struct backup_list *list, struct strlist *ids,
           struct strlist *out, struct err *e)
{
    for (size_t i = list->n; i-- > 0;) {
        const struct label *l = list->v[i].label;

        for (size_t k = 0; l != NULL && k < l->n_heads; k++) {
            const char *id = l->heads[k].id;
            bool        expired = false;
            char       *who;

            if (backup_list_find(list, id) != NULL || strlist_has(ids, id)) {
                continue;
            }
            if (chain_expired(r, db, &list->tombstones, id, l->heads[k].sha256, &expired, e) != 0) {
                return -1;
            }
            if (!expired) {
                who = xasprintf("backup %s names it", l->id);
                add_missing(list, id, who, out);
                strlist_add(ids, id);
                free(who);
            }
        }
    }
    return 0;
}

/* Chunks that no trash list names: the first is enough. */
struct stray {
    size_t            prefix; /* length of "<db>/chunks/" */
    struct chunkindex trashed;
    bool              any;
};

static int
add_trashed(void *ctx, const char *name, struct err *e)
{
    struct stray     *s = ctx;
    struct chunk_name parsed;

    (void)e;
    if (chunk_name_parse(name, &parsed) == 0) {
        (void)chunkindex_trust_name(&s->trashed, &parsed);
    }
    return 0;
}

static int
see_chunk(void *ctx, const struct object_info *info, struct err *e)
{
    struct stray     *s = ctx;
    struct chunk_name name;

    s->any = chunk_name_parse(info->key + s->prefix, &name) == 0 &&
        chunkindex_find_name(&s->trashed, &name) == SIZE_MAX;
    return s->any ? err_set(e, ERR_EXISTS, "found") : 0;
}

static int
has_chunks(struct repo *r, const char *db, bool *any, struct err *e)
{
    struct stray s = {0};
    char        *enc = name_encode(db);
    char        *prefix = xasprintf("%s/chunks/", enc);
    unsigned     unreadable = 0;
    int          rc = blocklist_each(r, db, "trash", add_trashed, &s, &unreadable, e);

    s.prefix = strlen(prefix);
    if (rc == 0) {
        rc = storage_list(r->st, prefix, see_chunk, &s, e);
    }
    if (s.any) {
        err_clear(e);
        rc = 0;
    }
    *any = s.any;
    chunkindex_free(&s.trashed);
    free(prefix);
    free(enc);
    return rc;
}

int
missing_find(struct repo *r, const char *db, const struct backup_list *list, struct strlist *out,
             struct err *e)
{
    struct strlist  ids = {0};
    struct rollback seen;
    bool            chunks = false;
    int             rc = find_named(r, db, list, &ids, out, e);

    if (rc == 0) {
        rollback_judge(r, db, list, &seen);
        if (seen.state != ROLLBACK_NONE && !strlist_has(&ids, seen.backup)) {
            strlist_take(out, rollback_text(&seen, NULL));
        }
    }
    if (rc == 0 && list->n == 0 && (rc = has_chunks(r, db, &chunks, e)) == 0 && chunks) {
        strlist_add(out,
                    "no backup is listed, though chunks are stored that no prune has named as "
                    "garbage");
    }
    strlist_free(&ids);
    return rc;
}
