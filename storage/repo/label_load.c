#include "storage/repo/label_load.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/format/label_heads.h"
#include "storage/keys/sealedjson.h"
#include "storage/keys/trust.h"

int
label_hide(struct label *l, const struct epoch *ep, struct err *e)
{
    json_t *o = label_hidden_json(l);

    free(l->hidden);
    l->hidden = sealedjson_seal(ep, "label", l->id, o, e);
    json_decref(o);
    return l->hidden == NULL ? -1 : 0;
}

static int
open_hidden(struct label *l, const struct epoch *ep, struct err *e)
{
    json_t *o = sealedjson_open(ep, "label", l->id, l->hidden, e);
    int     rc = o == NULL ? -1 : label_take_hidden(l, o, e);

    json_decref(o);
    return rc;
}

/* Without a key only what is not hidden is seen. */
static int
show_hidden(struct repo *r, struct label *l, struct err *e)
{
    const struct epoch *ep;

    if (l->hidden == NULL || !keyring_reads(r->keys, l->epoch)) {
        return 0;
    }
    ep = keyring_read(r->keys, l->epoch, e);
    if (ep != NULL) {
        return open_hidden(l, ep, e);
    }
    if (e->kind == ERR_IO || e->kind == ERR_INTERRUPTED) {
        return -1;
    }
    /* Whatever is wrong with the keys, the backup exists and must not be taken for missing. */
    log_info("%s", e->text);
    err_clear(e);
    return 0;
}

/* Is it the label that it should be, signed as it should be?  Then what is hidden is opened. */
static int
check(struct repo *r, const char *db, const char *id, const char *key, const struct buf *raw,
      struct label *l, struct err *e)
{
    if (strcmp(l->id, id) != 0 || strcmp(l->db, db) != 0) {
        return err_set(e, ERR_CORRUPT, "it is the label of %s %s of \"%s\"", label_kind(l), l->id,
                       l->db);
    }
    chain_signed_by(l, raw->data, raw->len);
    return trust_check(r->trust, l->baseline ? "baseline" : "label", key, raw->data, raw->len, e) ==
            0
        ? show_hidden(r, l, e)
        : -1;
}

static struct label *
take(struct repo *r, const char *db, const char *id, const struct fetch *f, bool baseline,
     struct err *e)
{
    char *key = baseline ? baseline_key(db, id, BASELINE_LABEL) : backup_key(db, id, "label.json");
    struct label *l = NULL;

    if (f->err.kind != ERR_NONE) {
        *e = f->err;
    } else if ((l = (baseline ? label_parse_baseline : label_parse)(f->raw.data, f->raw.len, e)) !=
                   NULL &&
               check(r, db, id, key, &f->raw, l, e) != 0) {
        label_free(l);
        l = NULL;
    }
    if (l == NULL) {
        err_wrap(e, "%s label \"%s\"", baseline ? "baseline" : "backup", key);
    }
    free(key);
    return l;
}

struct label *
label_read(struct repo *r, const char *db, const char *id, const struct fetch *f, struct err *e)
{
    return take(r, db, id, f, false, e);
}

struct label *
label_read_baseline(struct repo *r, const char *db, const char *id, const struct fetch *f,
                    struct err *e)
{
    return take(r, db, id, f, true, e);
}

/* get: storage_get() or storage_get_anew(). */
static struct label *
load(struct repo *r, const char *db, const char *id,
     int (*get)(struct storage *, const char *, struct buf *, struct err *), struct err *e)
{
    struct fetch  f = {.raw = BUF_INIT(LABEL_BYTES_MAX), .err = ERR_INIT};
    struct label *l;

    if (!backup_id_valid(id)) {
        err_set(e, ERR_NOT_FOUND, "\"%s\" is not the id of a backup", id);
        return NULL;
    }
    f.key = backup_key(db, id, "label.json");
    (void)get(r->st, f.key, &f.raw, &f.err);
    l = label_read(r, db, id, &f, e);
    free(f.key);
    buf_free(&f.raw);
    return l;
}

struct label *
label_load(struct repo *r, const char *db, const char *id, struct err *e)
{
    return load(r, db, id, storage_get, e);
}

struct label *
label_load_anew(struct repo *r, const char *db, const char *id, struct err *e)
{
    return load(r, db, id, storage_get_anew, e);
}

struct sealed_as
label_manifest_as(const char *id, const struct epoch *ep)
{
    return (struct sealed_as){
        .type = "manifest", .public = ep->public, .what = id, .what_n = strlen(id)};
}

int
label_stands(struct repo *r, const char *db, const char *id, bool *stands, struct err *e)
{
    struct object_info info;
    char              *key = backup_key(db, id, "label.json");
    int                rc = storage_head(r->st, key, &info, e);

    free(key);
    *stands = rc == 0;
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    return rc;
}

int
label_not_shown(const char *id, struct err *e)
{
    err_set(e, ERR_CORRUPT, "the label of backup %s exists, and no listing shows it", id);
    return err_hint(e,
                    "the store's listings are outdated: set listing-delay, and see pgassay "
                    "storage doctor");
}
