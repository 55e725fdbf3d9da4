#include "storage/repo/chain.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/json.h"
#include "storage/keys/trust.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/tombstone.h"

/* ---- a label's fields ---- */

void
chain_json(const struct label *l, json_t *o)
{
    json_t *heads = json_array();

    for (size_t i = 0; i < l->n_heads; i++) {
        (void)json_array_append_new(
            heads, json_pack("{s:s,s:s}", "backup", l->heads[i].id, "sha256", l->heads[i].sha256));
    }
    if (l->chained) {
        (void)json_object_set(o, "heads", heads);
    }
    json_decref(heads);
    if (l->sequence > 0) {
        (void)json_object_set_new(o, "signer", json_string(l->signer));
        (void)json_object_set_new(o, "sequence", json_integer((json_int_t)l->sequence));
    }
}

void
chain_copy_heads(const struct label *l, struct label *copy)
{
    copy->heads = xcalloc(l->n_heads + 1, sizeof *copy->heads);
    if (l->n_heads > 0) {
        memcpy(copy->heads, l->heads, l->n_heads * sizeof *copy->heads);
    }
}

/* Exactly so many hex digits. */
static int
read_digits(const json_t *o, const char *key, size_t digits, char *out, struct err *e)
{
    uint8_t     bytes[SHA256_BYTES];
    const char *text;

    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    if (hex_decode(text, strlen(text), bytes, digits / 2) != 0) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not %zu hex digits", key, digits);
    }
    memcpy(out, text, digits + 1);
    return 0;
}

int
chain_read_sequence(const json_t *o, char signer[17], uint64_t *sequence, struct err *e)
{
    int64_t n;

    if (json_object_get(o, "signer") == NULL && json_object_get(o, "sequence") == NULL) {
        return 0;
    }
    if (read_digits(o, "signer", 16, signer, e) != 0 || json_get_int(o, "sequence", &n, e) != 0) {
        return -1;
    }
    if (n < 1 || n > CHAIN_SEQUENCE_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"sequence\" is not a number from 1");
    }
    *sequence = (uint64_t)n;
    return 0;
}

static int
read_head(const json_t *o, struct label_head *h, struct err *e)
{
    const char *id;

    if (!json_is_object(o)) {
        return err_set(e, ERR_CORRUPT, "it is not an object");
    }
    if (json_get_str(o, "backup", &id, e) != 0 ||
        read_digits(o, "sha256", SHA256_HEX, h->sha256, e) != 0) {
        return -1;
    }
    if (!backup_id_valid(id)) {
        return err_set(e, ERR_CORRUPT, "key \"backup\" is not the id of a backup");
    }
    memcpy(h->id, id, strlen(id) + 1);
    return 0;
}

int
chain_read(const json_t *o, struct label *l, struct err *e)
{
    json_t *list;
    size_t  n;

    if (chain_read_sequence(o, l->signer, &l->sequence, e) != 0) {
        return -1;
    }
    if (json_object_get(o, "heads") == NULL) {
        return 0;
    }
    if (json_get_array(o, "heads", &list, e) != 0) {
        return -1;
    }
    n = json_array_size(list);
    if (n > CHAIN_HEADS_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"heads\" has more than %d elements", CHAIN_HEADS_MAX);
    }
    l->chained = true;
    l->heads = xcalloc(n + 1, sizeof *l->heads);
    for (; l->n_heads < n; l->n_heads++) {
        if (read_head(json_array_get(list, l->n_heads), &l->heads[l->n_heads], e) != 0) {
            return err_wrap(e, "key \"heads\", element %zu", l->n_heads);
        }
    }
    return 0;
}

void
chain_signed_by(struct label *l, const void *object, size_t n)
{
    const uint8_t *end = memchr(object, '\n', n);
    size_t         rest = end == NULL ? 0 : n - (size_t)(end + 1 - (const uint8_t *)object);
    struct err     ignored = ERR_INIT;
    json_t        *second = rest < 2 ? NULL : json_read(end + 1, rest - 1, &ignored);

    if (second != NULL && read_digits(second, "key", 16, l->signed_by, &ignored) != 0) {
        l->signed_by[0] = '\0';
    }
    json_decref(second);
}

/* ---- what a writer knows ---- */

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

/* Labels of void backups, too: they stand until a prune says that they do not.  Beyond the limit
 * the oldest are left out: a later label names them when newer ones have gone. */
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

/* Of labels whose signature is the signer's.  The id of the newest of them, "" when there is
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

/* Those of backups newer than the signer's newest label: what came before it has a lower number,
 * but for a copy of an older backup, which this host remembers. */
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
    l->heads = xcalloc(c->n + 1, sizeof *l->heads);
    l->n_heads = 0;
    l->chained = c->known;
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->tips[i].id, l->id) != 0) { /* its own: one that it replaces */
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
            *expired =
                !e->untrusted; /* its name says so: tombstones_stand() takes it at that, too */
            err_clear(e);
        } else {
            return -1;
        }
    }
    return 0;
}
