/*
 * writer_reuse.c - what a run may reuse (W2 of docs/prune-protocol.md).
 *
 * An object is reused when all four hold:
 *
 *   1. It is named by a trusted list: the chunk list of a committed backup, or this host's own
 *      journal of an interrupted run.  These give name (id and SHA-256) and sizes as checked when
 *      it was written.  A name in a listing alone does not count.
 *   2. It is of this writer's epoch: other epochs name contents with another key, or encrypt to
 *      another.
 *   3. No trash list and no list of condemned objects names it.
 *   4. The listing shows it with its recorded size.
 *
 * The order makes it safe beside concurrent prunes: the run mark first (W1, writer_begin()), then
 * the names, then trash and condemned, then the listing.  A prune names garbage in a trash list
 * before it removes anything.  If the list existed when trash was read, rule 3 excludes the object.
 * If it came later, the prune lists the runs even later, finds this run's mark, and waits for its
 * label before it removes what the list names.  And an object that was removed before its trash
 * list was removed is not in a listing made after trash was read (rule 4): hence the listing comes
 * last.
 *
 * Each rule is a change of state in the chunk index (chunkindex.h): trusted, then banned or, when
 * listed, reusable.
 *
 * Of a batch (batch.h) the first one lists, and the others take its word while the batch's own mark
 * makes every prune wait that could have removed something since.
 */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/log.h"
#include "storage/read/parts.h"
#include "storage/read/rollback.h"
#include "storage/repo/blocklist.h"
#include "storage/write/writer_impl.h"

/* Lists of this many scopes are read; chunks of others are stored again. */
enum { SCOPES_MAX = 8 };

static bool
of_epoch(const struct writer *w, const struct chunk_name *name)
{
    return name->epoch == w->epoch->number && name->sealed == w->epoch->sealed;
}

static int
trust_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct writer *w = ctx;

    (void)e;
    if (of_epoch(w, &line->name)) {
        (void)chunkindex_trust(&w->known, line);
    }
    return 0;
}

static void
trust_journal(void *ctx, const struct chunk_ref *ref)
{
    struct writer *w = ctx;

    if (of_epoch(w, &ref->name)) {
        (void)chunkindex_trust(&w->known, ref);
    }
}

struct newest {
    char  *id;
    char   upto[20]; /* the last second that counts */
    size_t n;        /* its length */
};

static int
keep_newest(void *ctx, const char *name, struct err *e)
{
    struct newest *x = ctx;

    (void)e;
    if (backup_id_valid(name) && strncmp(name, x->upto, x->n) <= 0) {
        memcpy(x->id, name, strlen(name) + 1); /* they come in ascending order */
    }
    return 0;
}

/* Unfinished runs count too: their objects occupy the name.  What is from the future is no latest
 * backup, and does not. */
static int
find_newest_id(struct writer *w, char *newest, struct err *e)
{
    time_t        upto = w->taken != 0 ? w->taken : time(NULL) + CLOCK_OFF_MAX;
    char         *enc = name_encode(w->db);
    char         *prefix = xasprintf("%s/backups/", enc);
    struct newest x = {.id = newest};
    int           rc;

    x.n = strlen(time_compact(upto, x.upto, sizeof x.upto));
    rc = storage_dirs(w->repo->st, prefix, keep_newest, &x, e);
    free(prefix);
    free(enc);
    return rc;
}

/* The newest good chunk list of each scope: a backup of two tables must not hide what the last full
 * one holds.  Older lists of a scope add little: what only they name has changed since.  If a list
 * cannot be read, a warning is given and the next older one of its scope is used.  Reading the
 * labels also gives this label's place in the chain, and what this host misses. */
static int
trust_labels(struct writer *w, struct err *e)
{
    struct backup_list list;
    struct strlist     scopes = {0};
    int                rc = backup_list_look(w->repo, w->db, &list, e);

    for (size_t i = list.n; rc == 0 && i-- > 0 && scopes.n < SCOPES_MAX;) {
        const struct backup_entry *b = &list.v[i];

        if (b->state != BACKUP_COMMITTED || strlist_has(&scopes, b->label->scope)) {
            continue;
        }
        rc = chunk_list_read(w->repo, b->label, trust_line, w, e);
        if (rc == 0) {
            strlist_add(&scopes, b->label->scope);
        } else if (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) {
            log_warn("%s; its chunks are not reused", e->text);
            err_clear(e);
            rc = 0;
        }
    }
    if (rc == 0) {
        rc = chain_load(w->repo, w->db, &list, w->chain, e);
    }
    if (rc == 0) {
        rollback_warn(w->repo, w->db, &list);
    }
    strlist_free(&scopes);
    backup_list_free(&list);
    return rc;
}

static int
ban(void *ctx, const char *text, struct err *e)
{
    struct writer    *w = ctx;
    struct chunk_name name;

    (void)e;
    if (chunk_name_parse(text, &name) == 0) {
        chunkindex_ban(&w->known, &name);
    }
    return 0;
}

struct chunk_listing {
    size_t            prefix;
    writer_listed_fn *fn;
    void             *ctx;
};

static int
see_chunk(void *ctx, const struct object_info *info, struct err *e)
{
    struct chunk_listing *li = ctx;
    struct chunk_name     name;

    (void)e;
    if (chunk_name_parse(info->key + li->prefix, &name) == 0) {
        li->fn(li->ctx, &name, info->size);
    }
    return 0;
}

int
writer_list_chunks(struct writer *w, writer_listed_fn *fn, void *ctx, struct err *e)
{
    struct chunk_listing li = {.fn = fn, .ctx = ctx};
    char                *enc = name_encode(w->db);
    char                *prefix = xasprintf("%s/chunks/%u/", enc, w->epoch->number);
    int                  rc;

    li.prefix = strlen(enc) + strlen("/chunks/");
    rc = storage_list(w->repo->st, prefix, see_chunk, &li, e);
    free(prefix);
    free(enc);
    return rc;
}

static void
note_listed(void *ctx, const struct chunk_name *name, uint64_t size)
{
    struct writer *w = ctx;

    w->listed++;
    chunkindex_listed(&w->known, name, size);
}

/* Of an epoch that was listed, what was there and in no trash or condemned list. */
static void
trust_batch(struct writer *w)
{
    const struct chunkindex *k = &w->batch->trusted;
    bool                     listed = batch_listing(w->batch, w->epoch->number) != NULL;

    for (size_t i = 0; i < k->n; i++) {
        const struct chunk_ref *ref = &k->v[i].ref;

        if (!of_epoch(w, &ref->name)) {
            continue;
        }
        if (!listed) {
            (void)chunkindex_trust(&w->known, ref);
        } else if (k->v[i].state == CHUNKINDEX_REUSABLE) {
            chunkindex_take(&w->known, ref, CHUNKINDEX_REUSABLE);
        }
    }
}

static int
list_for_all(struct writer *w, bool all_known, struct err *e)
{
    if (writer_list_chunks(w, note_listed, w, e) != 0) {
        return -1;
    }
    if (w->batch != NULL && all_known) {
        batch_learn(w->batch, &w->known, &(struct batch_listing){w->epoch->number, w->listed});
    }
    return 0;
}

/* A trash or condemned list that cannot be read may name anything: then nothing is reused. */
int
writer_find_reusable(struct writer *w, char *newest, struct err *e)
{
    const struct batch_listing *listed = NULL;
    unsigned                    unreadable = 0;

    w->journal = journal_open(w->repo, w->db, trust_journal, w);
    if (w->batch != NULL) {
        trust_batch(w);
        listed = batch_listing(w->batch, w->epoch->number);
    } else if (find_newest_id(w, newest, e) != 0 || trust_labels(w, e) != 0) {
        return -1;
    }
    /* The order is the protocol's (W2): trash, condemned, and only then the listing. */
    if (blocklist_each(w->repo, w->db, "trash", ban, w, &unreadable, e) != 0 ||
        blocklist_each(w->repo, w->db, "condemned", ban, w, &unreadable, e) != 0) {
        return -1;
    }
    if (unreadable > 0) {
        chunkindex_ban_all(&w->known);
    }
    if (listed != NULL) {
        w->listed = listed->chunks;
        return batch_check(w->batch, e);
    }
    return list_for_all(w, unreadable == 0, e);
}
