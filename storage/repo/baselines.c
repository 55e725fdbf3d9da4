#include "storage/repo/baselines.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/log.h"
#include "core/quote.h"
#include "storage/format/encoded.h"
#include "storage/keys/trust.h"
#include "storage/repo/label_load.h"

/* ---- reading ---- */

static int
see(void *ctx, const char *name, struct err *e)
{
    (void)e;
    if (backup_id_valid(name)) {
        strlist_add(ctx, name);
    }
    return 0;
}

static int
list_ids(struct repo *r, const char *db, struct strlist *ids, struct err *e)
{
    char *enc = name_encode(db);
    char *prefix = xasprintf("%s/baselines/", enc);
    int   rc = storage_dirs(r->st, prefix, see, ids, e);

    free(enc);
    free(prefix);
    strlist_sort(ids);
    return rc == 0 ? 0 : err_wrap(e, "baselines of \"%s\"", db);
}

/* What was fetched is the entry's label, or its problem.  One without a label is not there. */
static int
add_entry(struct repo *r, const char *db, const char *id, const struct fetch *f,
          struct baseline_list *list, struct err *e)
{
    struct baseline_entry *b;
    struct label          *l = label_read_baseline(r, db, id, f, e);

    if (l == NULL && e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    if (l == NULL && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        return 0;
    }
    VEC_GROW(list->v, list->n, list->cap);
    b = &list->v[list->n++];
    *b = (struct baseline_entry){.label = l, .problem = l != NULL ? NULL : xstrdup(e->text)};
    (void)snprintf(b->id, sizeof b->id, "%s", id);
    err_clear(e);
    return 0;
}

int
baseline_list_load(struct repo *r, const char *db, struct baseline_list *list, struct err *e)
{
    struct strlist ids = {0};
    struct fetch  *f = NULL;
    int            rc = list_ids(r, db, &ids, e);

    *list = (struct baseline_list){0};
    f = xcalloc(ids.n + 1, sizeof *f);
    for (size_t i = 0; i < ids.n; i++) {
        f[i] = (struct fetch){.key = baseline_key(db, ids.v[i], BASELINE_LABEL),
                              .raw = BUF_INIT(LABEL_BYTES_MAX),
                              .err = ERR_INIT};
    }
    fetch_all(r->st, f, ids.n);
    for (size_t i = 0; rc == 0 && i < ids.n; i++) {
        rc = add_entry(r, db, ids.v[i], &f[i], list, e);
    }
    for (size_t i = 0; i < ids.n; i++) {
        free(f[i].key);
        buf_free(&f[i].raw);
    }
    free(f);
    strlist_free(&ids);
    if (rc != 0) {
        baseline_list_free(list);
    }
    return rc;
}

void
baseline_list_free(struct baseline_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        label_free(list->v[i].label);
        free(list->v[i].problem);
    }
    free(list->v);
    *list = (struct baseline_list){0};
}

static bool
is_meant(const struct baseline_entry *b, const char *which)
{
    return strcmp(b->id, which) == 0 ||
        (b->label != NULL && b->label->note != NULL && strcmp(b->label->note, which) == 0);
}

/* Without a key nobody sees what it is called. */
static bool
name_is_hidden(const struct repo *r, const struct label *l)
{
    return l != NULL && l->hidden != NULL && !keyring_reads(r->keys, l->epoch);
}

static int
none_is_called(const struct repo *r, const struct baseline_list *list, const char *db,
               const char *which, struct err *e)
{
    bool   hidden = false;
    char  *known = xstrdup("");
    size_t from = list->n > 5 ? list->n - 5 : 0;

    err_set(e, ERR_NOT_FOUND, "no baseline of \"%s\"%s%s%s", db,
            which == NULL ? "" : " is called \"", which == NULL ? "" : which,
            which == NULL ? "" : "\"");
    for (size_t i = from; i < list->n; i++) {
        const struct label *l = list->v[i].label;
        char *longer = xasprintf("%s%s%s%s%s%s", known, i > from ? ", " : "", list->v[i].id,
                                 l != NULL && l->note != NULL ? " (" : "",
                                 l != NULL && l->note != NULL ? l->note : "",
                                 l != NULL && l->note != NULL ? ")" : "");

        hidden |= name_is_hidden(r, l);
        free(known);
        known = longer;
    }
    if (list->n > 0) {
        (void)err_hint(e, "there %s %s%s%s", list->n == 1 ? "is" : "are", from > 0 ? "..., " : "",
                       known, hidden ? "; names are encrypted, and shown with --identity" : "");
    } else {
        (void)quote_hint(e, "make one: ", "pgassay", "verify", "baseline", "record", QUOTE_ARG(db));
    }
    free(known);
    return -1;
}

struct label *
baseline_find(struct repo *r, const char *db, const char *which, struct err *e)
{
    struct baseline_list list;
    struct label        *found = NULL;
    const char          *name = which == NULL || strcmp(which, "latest") == 0 ? NULL : which;
    bool                 bad = false;

    if (baseline_list_load(r, db, &list, e) != 0) {
        return NULL;
    }
    for (size_t i = list.n; !bad && found == NULL && i-- > 0;) {
        struct baseline_entry *b = &list.v[i];

        if (name == NULL ? b->label == NULL : !is_meant(b, name)) {
            if (b->label == NULL) {
                /* Whoever can write here can spoil the newest, or put something newer there. */
                log_warn("baseline %s of \"%s\" is passed over: %s", b->id, db, b->problem);
            }
            continue;
        }
        found = b->label;
        b->label = NULL;
        if (found == NULL) {
            bad = true;
            err_set(e, ERR_CORRUPT, "baseline %s of \"%s\" cannot be used: %s", b->id, db,
                    b->problem);
        }
    }
    if (found == NULL && !bad) {
        (void)none_is_called(r, &list, db, name, e);
    }
    baseline_list_free(&list);
    return found;
}

/* ---- writing ---- */

int
baseline_name_check(const char *name, struct err *e)
{
    bool plain = *name != '\0';

    for (const char *c = name; *c != '\0'; c++) {
        plain = plain && (unsigned char)*c >= 0x20 && *c != 0x7f;
    }
    if (!plain) {
        return err_set(e, ERR_USAGE, "the name of a baseline is empty, or has control characters");
    }
    if (strcmp(name, "latest") == 0 || backup_id_valid(name)) {
        return err_set(e, ERR_USAGE, "\"%s\" means another baseline: choose another name", name);
    }
    return 0;
}

int
baseline_begin(struct repo *r, struct manifest *m, struct err *e)
{
    const struct epoch *ep = keyring_write(r->keys, r->epoch, true, e);

    if (ep == NULL || trust_may(r->trust, "baseline", e) != 0) {
        return -1;
    }
    memcpy(m->fingerprint_key, ep->naming.data + ID_KEY, sizeof m->fingerprint_key);
    m->has_fingerprint_key = true;
    return 0;
}

static void
name_it(struct label *l)
{
    char at[20];

    (void)snprintf(l->id, sizeof l->id, "%s-%04x", time_compact(l->started, at, sizeof at),
                   randombytes_uniform(0x10000));
}

static int
put_manifest(struct repo *r, const struct epoch *ep, struct label *l, struct manifest *m,
             struct err *e)
{
    struct draft     draft = manifest_draft(m);
    struct sealed_as as = label_manifest_as(l->id, ep);
    struct encoded   out = {.raw_size = 0};
    char            *object = label_part_name(l, LABEL_MANIFEST);
    char            *key = label_object_key(l, object);
    int              rc = draft.encode(draft.what, NULL, 0, ep->sealed ? &as : NULL, &out, e);

    if (rc == 0) {
        l->manifest_size = out.stored.len;
        sha256_hex(out.stored.data, out.stored.len, l->manifest_sha256);
        l->manifest_raw_size = out.raw_size;
        memcpy(l->manifest_raw_sha256, out.raw_sha256, sizeof l->manifest_raw_sha256);
        rc = storage_put(r->st, key, out.stored.data, out.stored.len, e);
    }
    encoded_free(&out);
    free(object);
    free(key);
    return rc;
}

static int
put_label(struct repo *r, const struct epoch *ep, struct label *l, struct err *e)
{
    struct buf line = BUF_INIT(LABEL_BYTES_MAX);
    char      *key = label_object_key(l, BASELINE_LABEL);
    int        rc = -1;

    if ((!l->encrypted || label_hide(l, ep, e) == 0) && label_format(l, &line, e) == 0) {
        sha256_hex(line.data, line.len, l->sha256);
        rc = trust_sign(r->trust, "baseline", key, &line, e) != 0
            ? -1
            : storage_put(r->st, key, line.data, line.len, e);
    }
    free(key);
    buf_free(&line);
    return rc;
}

int
baseline_put(struct repo *r, struct label *l, struct manifest *m, struct err *e)
{
    const struct epoch *ep = keyring_write(r->keys, r->epoch, true, e);
    struct err          ignored = ERR_INIT;

    if (ep == NULL) {
        return -1;
    }
    l->baseline = true;
    l->epoch = ep->number;
    l->settings = r->in_force;
    l->encrypted = ep->sealed;
    name_it(l);
    if (put_manifest(r, ep, l, m, e) == 0 && put_label(r, ep, l, e) == 0) {
        return 0;
    }
    (void)baseline_remove(r, l->db, l->id, &ignored);
    return err_wrap(e, "baseline of \"%s\"", l->db);
}

int
baseline_remove(struct repo *r, const char *db, const char *id, struct err *e)
{
    struct strlist rest = {0};
    char          *label = baseline_key(db, id, BASELINE_LABEL);
    char          *all = baseline_key(db, id, "");
    int            rc = storage_list_keys(r->st, all, &rest, e);

    if (rc == 0 && rest.n == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "no baseline %s of \"%s\"", id, db);
    }
    if (rc == 0 && strlist_has(&rest, label)) {
        rc = storage_remove(r->st, (const char *const *)&label, 1, e);
    }
    if (rc == 0) {
        rc = storage_remove(r->st, (const char *const *)rest.v, rest.n, e);
    }
    free(label);
    free(all);
    strlist_free(&rest);
    return rc;
}
