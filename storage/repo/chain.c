/*
 * chain.c - which labels a new one names (its heads), and its number among those of its signer.
 *
 * Heads.  Labels and what they name form a graph; its tips are the labels that no other existing
 * label names by id and digest.  A new label names all tips that its writer sees, and is then the
 * only tip.  So every label that existed when a label was written is named by it, directly or
 * through others: all labels can be reached from the newest one, except where a backup expired
 * along with the names in its label.  Labels that only it had named are tips again, and the next
 * label names them.  Two concurrent writers name the same tips, and the next label names both.
 * Void backups count as long as their label exists, since their writers could not know.
 *
 * A tip that is missing later must have a tombstone; `pgassay verify chain` checks this
 * (verify/stored/chain.c).
 *
 * Sequence.  Where labels are signed, each has a number, one more than the highest of its signer in
 * this database: of existing labels, of what this host remembers of its own, and of tombstones of
 * newer backups if that memory is lost or outdated.  A gap in the numbers is a label that was
 * removed, even if everything that named it was removed too.
 */
#include "storage/repo/chain.h"

#include <stdlib.h>
#include <string.h>

#include "storage/format/label_heads.h"
#include "storage/keys/trust.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/tombstone.h"

static size_t
find_id(const struct backup_list *list, const char *id)
{
    size_t lo = 0;
    size_t hi = list->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(list->v[mid].id, id) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < list->n && strcmp(list->v[lo].id, id) == 0 ? lo : SIZE_MAX;
}

/* An id is named with the digest of the label: another label under that id is not the one named,
 * and remains a tip. */
static void
mark_named(const struct backup_list *list, const struct label *l, bool *named)
{
    for (size_t i = 0; i < l->n_heads; i++) {
        size_t at = find_id(list, l->heads[i].id);

        if (at != SIZE_MAX && list->v[at].label != NULL &&
            strcmp(list->v[at].label->sha256, l->heads[i].sha256) == 0) {
            named[at] = true;
        }
    }
}

static void
add_tip(struct chain *c, const struct label *l)
{
    struct label_head *h;

    VEC_GROW(c->tips, c->n, c->cap);
    h = &c->tips[c->n++];
    memcpy(h->id, l->id, sizeof h->id);
    memcpy(h->sha256, l->sha256, sizeof h->sha256);
}

/* Includes labels of void backups, which remain until a prune removes them.  Beyond the limit the
 * oldest are left out: a later label names them when newer ones have gone. */
static void
find_tips(struct chain *c, const struct backup_list *list)
{
    bool  *named = xcalloc(list->n + 1, sizeof *named);
    size_t tips = 0;

    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].label != NULL) {
            mark_named(list, list->v[i].label, named);
        }
    }
    for (size_t i = 0; i < list->n; i++) {
        tips += list->v[i].label != NULL && !named[i];
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].label == NULL || named[i]) {
            continue;
        }
        if (tips-- <= CHAIN_HEADS_MAX) {
            add_tip(c, list->v[i].label);
        }
    }
    free(named);
}

/* Over the labels that the signer has signed.  Returns the id of the newest, "" when there is
 * none. */
static const char *
find_highest(struct chain *c, const struct backup_list *list)
{
    const char *newest = "";

    for (size_t i = 0; i < list->n; i++) {
        const struct label *l = list->v[i].label;

        if (l == NULL || l->sequence == 0 || strcmp(l->signer, c->signer) != 0 ||
            strcmp(l->signed_by, c->signer) != 0) {
            continue;
        }
        newest = list->v[i].id;
        c->highest = l->sequence > c->highest ? l->sequence : c->highest;
    }
    return newest;
}

/* Only those of backups newer than the signer's newest label: earlier ones have lower numbers,
 * except for a copy of an older backup, which this host remembers. */
static int
look_at_tombstones(struct repo *r, const char *db, const struct strlist *names, const char *newest,
                   struct chain *c, struct err *e)
{
    enum { LOOK_MAX = 256 };

    for (size_t i = names->n, looked = 0;
         i-- > 0 && looked < LOOK_MAX && strcmp(names->v[i], newest) > 0; looked++) {
        struct tombstone t;

        if (tombstone_load(r, db, names->v[i], &t, e) != 0) {
            if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
                return -1;
            }
            err_clear(e);
        } else if (strcmp(t.signer, c->signer) == 0 && t.sequence > c->highest) {
            c->highest = t.sequence;
        }
    }
    return 0;
}

/* Tombstones are read only when this host remembers nothing, or less than the labels show: then its
 * state directory was lost, and the label with its highest number may have expired. */
int
chain_load(struct repo *r, const char *db, const struct backup_list *list, struct chain *c,
           struct err *e)
{
    const char     *signer = trust_signer(r->trust);
    const char     *newest;
    struct lastseen seen;
    uint64_t        remembered;

    *c = (struct chain){.known = true};
    find_tips(c, list);
    if (signer == NULL) {
        return 0;
    }
    (void)snprintf(c->signer, sizeof c->signer, "%s", signer);
    newest = find_highest(c, list);
    lastseen_load(r, db, &seen);
    remembered = lastseen_sequence(&seen, signer);
    lastseen_free(&seen);
    if (remembered > 0 && remembered >= c->highest) {
        return 0;
    }
    return look_at_tombstones(r, db, &list->tombstones, newest, c, e);
}

void
chain_fill(const struct chain *c, uint64_t remembered, struct label *l)
{
    uint64_t highest = c->highest > remembered ? c->highest : remembered;

    free(l->heads);
    l->cap_heads = c->n + 1;
    l->heads = xcalloc(l->cap_heads, sizeof *l->heads);
    l->n_heads = 0;
    l->chained = c->known;
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->tips[i].id, l->id) != 0) { /* the label that it replaces */
            l->heads[l->n_heads++] = c->tips[i];
        }
    }
    memcpy(l->signer, c->signer, sizeof l->signer);
    memcpy(l->signed_by, c->signer, sizeof l->signed_by); /* once it is stored */
    l->sequence = c->signer[0] == '\0'           ? 0
        : highest < (uint64_t)CHAIN_SEQUENCE_MAX ? highest + 1
                                                 : highest;
}

void
chain_append(struct chain *c, const struct label *l)
{
    if (!c->known) {
        return;
    }
    c->n = 0; /* it names them all */
    add_tip(c, l);
    c->highest = l->sequence > c->highest ? l->sequence : c->highest;
}

void
chain_free(struct chain *c)
{
    free(c->tips);
    *c = (struct chain){0};
}

bool
chain_names(const struct backup_list *list, const char *id)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct label *l = list->v[i].label;

        for (size_t k = 0; l != NULL && k < l->n_heads; k++) {
            if (strcmp(l->heads[k].id, id) == 0) {
                return true;
            }
        }
    }
    return false;
}

int
chain_expired(struct repo *r, const char *db, const struct strlist *tombstones, const char *id,
              const char *sha256, bool *expired, struct err *e)
{
    size_t n = strlen(id);

    *expired = false;
    for (size_t i = 0; !*expired && i < tombstones->n; i++) {
        struct tombstone t;

        if (strncmp(tombstones->v[i], id, n) != 0 || tombstones->v[i][n] != '.') {
            continue;
        }
        if (tombstone_load(r, db, tombstones->v[i], &t, e) == 0) {
            *expired = sha256 == NULL || t.label_sha256[0] == '\0' ||
                strcmp(t.label_sha256, sha256) == 0;
        } else if (e->kind == ERR_CORRUPT) {
            *expired = !e->untrusted; /* by its name, as in tombstones_stand() */
            err_clear(e);
        } else {
            return -1;
        }
    }
    return 0;
}
