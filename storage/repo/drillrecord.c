#include "storage/repo/drillrecord.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/sealedjson.h"
#include "storage/keys/signed.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/perbackup.h"

static void
set_compared(const struct drill_record *d, json_t *o)
{
    (void)json_object_set_new(o, "tables", json_integer((json_int_t)d->tables));
    (void)json_object_set_new(o, "rows", json_integer((json_int_t)d->rows));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)d->bytes));
    object_set_text(o, "against", d->against);
    object_set_text(o, "copy", d->copy);
}

/* What was compared: plain, or hidden from those who cannot read the backup. */
static int
add_compared(struct repo *r, const struct drill_record *d, json_t *o, struct err *e)
{
    const struct epoch *ep = keyring_epoch(r->keys, d->epoch == 0 ? 1 : d->epoch, e);
    json_t             *inner;
    int                 rc;

    if (ep == NULL) {
        return -1;
    }
    if (!ep->sealed) {
        set_compared(d, o);
        return 0;
    }
    inner = json_object();
    set_compared(d, inner);
    (void)json_object_set(inner, "host", json_object_get(o, "host"));
    (void)json_object_del(o, "host");
    rc = sealedjson_hide(ep, "drill", d->backup, inner, o, e);
    json_decref(inner);
    return rc;
}

int
drill_record_put(struct repo *r, const char *db, const struct drill_record *d, char **out,
                 struct err *e)
{
    json_t *o = perbackup_object("drill", d->backup);
    char    at[32];
    char   *stamp, *suffix, *key;
    int     rc;

    (void)json_object_set_new(o, "label_sha256", json_string(d->label_sha256));
    (void)json_object_set_new(o, "equal", json_boolean(d->equal));
    if (d->allow_unsigned) {
        (void)json_object_set_new(o, "allow_unsigned", json_true());
    }
    (void)json_object_set_new(o, "started", json_string(time_rfc3339(d->started, at, sizeof at)));
    (void)json_object_set_new(o, "finished", json_string(time_rfc3339(d->finished, at, sizeof at)));
    (void)json_object_set_new(o, "recovery_seconds", json_real(d->recovery_seconds));
    (void)json_object_set_new(o, "different", json_integer((json_int_t)d->different));
    (void)json_object_set_new(o, "not_compared", json_integer((json_int_t)d->not_compared));
    if (d->damages > 0) {
        (void)json_object_set_new(o, "self_test",
                                  json_pack("{s:I, s:I}", "damages", (json_int_t)d->damages,
                                            "noticed", (json_int_t)d->noticed));
    }
    if (d->times != NULL) {
        (void)json_object_set_new(o, "times", json_deep_copy(d->times));
    }
    if (d->targets != NULL) {
        (void)json_object_set_new(o, "targets", json_deep_copy(d->targets));
    }
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    if (add_compared(r, d, o, e) != 0) {
        json_decref(o);
        return -1;
    }
    stamp = object_stamp(d->finished);
    suffix = xasprintf(".%s", stamp);
    key = perbackup_key(db, "drills", d->backup, suffix);
    rc = object_put(repo_signed(r), key, o, e);
    free(stamp);
    free(suffix);
    if (rc == 0 && out != NULL) {
        *out = key;
        key = NULL;
    }
    free(key);
    json_decref(o);
    return rc;
}

static int
get_time(const json_t *o, const char *key, time_t *out, struct err *e)
{
    const char *text;

    return json_get_str(o, key, &text, e) != 0 || time_parse(text, out, e) != 0 ? -1 : 0;
}

static int
get_count(const json_t *o, const char *key, uint64_t *out, struct err *e)
{
    int64_t n;

    if (json_get_int(o, key, &n, e) != 0) {
        return -1;
    }
    *out = (uint64_t)n;
    return 0;
}

static int
get_compared(const json_t *o, struct drill_record *d, struct err *e)
{
    return get_count(o, "tables", &d->tables, e) != 0 || get_count(o, "rows", &d->rows, e) != 0 ||
            get_count(o, "bytes", &d->bytes, e) != 0 ||
            object_opt_text(o, "against", &d->against, e) != 0
        ? -1
        : 0;
}

static int
get_hidden(struct repo *r, const json_t *o, const char *hex, struct drill_record *d, struct err *e)
{
    unsigned            number = (unsigned)json_opt_int(o, "epoch", 0);
    const struct epoch *ep;
    json_t             *inner;
    int                 rc;

    d->epoch = number;
    if (!keyring_reads(r->keys, number)) {
        return 0;
    }
    ep = keyring_read(r->keys, number, e);
    if (ep == NULL) {
        if (e->kind != ERR_AUTH) {
            return -1;
        }
        err_clear(e); /* another host's key */
        return 0;
    }
    inner = sealedjson_open(ep, "drill", d->backup, hex, e);
    rc = inner == NULL ? -1 : get_compared(inner, d, e);
    json_decref(inner);
    return rc;
}

static int
parse(struct repo *r, const json_t *o, struct drill_record *d, struct err *e)
{
    const char *backup, *digest;
    const char *hidden = json_opt_str(o, "hidden", NULL);

    if (json_get_str(o, "backup", &backup, e) != 0 ||
        json_get_str(o, "label_sha256", &digest, e) != 0 ||
        json_get_bool(o, "equal", &d->equal, e) != 0 ||
        get_time(o, "started", &d->started, e) != 0 ||
        get_time(o, "finished", &d->finished, e) != 0 ||
        get_count(o, "different", &d->different, e) != 0 ||
        get_count(o, "not_compared", &d->not_compared, e) != 0 ||
        (hidden != NULL ? get_hidden(r, o, hidden, d, e) : get_compared(o, d, e)) != 0) {
        return -1;
    }
    if (strcmp(backup, d->backup) != 0 || strlen(digest) != SHA256_HEX) {
        return err_set(e, ERR_CORRUPT, "is about backup %s", backup);
    }
    memcpy(d->label_sha256, digest, SHA256_HEX + 1);
    d->recovery_seconds = json_number_value(json_object_get(o, "recovery_seconds"));
    d->damages = (uint64_t)json_opt_int(json_object_get(o, "self_test"), "damages", 0);
    d->noticed = (uint64_t)json_opt_int(json_object_get(o, "self_test"), "noticed", 0);
    d->allow_unsigned = json_opt_bool(o, "allow_unsigned", false);
    d->equal = d->equal && !d->allow_unsigned;
    d->readable = true;
    return 0;
}

static int
load_one(struct repo *r, const char *key, struct drill_records *out, struct err *e)
{
    struct drill_record d = {0};
    json_t             *o = object_get(repo_signed(r), key, "drill", OBJECT_BYTES_MAX, e);

    (void)perbackup_backup(key, d.backup);
    if (o == NULL && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        return 0;
    }
    if (o == NULL && e->kind != ERR_CORRUPT) {
        return -1;
    }
    if (o == NULL && e->untrusted) {
        log_warn("drill record \"%s\" does not count: %s", key, e->text);
        err_clear(e);
        return 0;
    }
    if (o == NULL || parse(r, o, &d, e) != 0) {
        log_warn("drill record \"%s\" cannot be read, and its backup counts as proven: %s", key,
                 e->text);
        err_clear(e);
    }
    json_decref(o);
    VEC_GROW(out->v, out->n, out->cap);
    out->v[out->n++] = d;
    return 0;
}

int
drill_records_load(struct repo *r, const char *db, const struct backup_list *list,
                   struct drill_records *out, struct err *e)
{
    struct strlist keys = {0};
    char           id[BACKUP_ID_MAX];
    int            rc;

    *out = (struct drill_records){0};
    rc = perbackup_list(r, db, "drills", &keys, e);
    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        if (perbackup_backup(keys.v[i], id) && backup_list_find(list, id) != NULL) {
            rc = load_one(r, keys.v[i], out, e);
        }
    }
    strlist_free(&keys);
    if (rc != 0) {
        drill_records_free(out);
        return err_wrap(e, "drill records of \"%s\"", db);
    }
    return 0;
}

int
drill_records_nearest(struct repo *r, const char *db, const char *backup, struct drill_records *out,
                      struct err *e)
{
    struct strlist keys = {0};
    char           id[BACKUP_ID_MAX];
    size_t         at;
    int            rc;

    *out = (struct drill_records){0};
    rc = perbackup_list(r, db, "drills", &keys, e);
    at = keys.n == 0 ? 0 : keys.n - 1; /* by backup, and by time */
    for (size_t i = 0; i < keys.n; i++) {
        if (perbackup_backup(keys.v[i], id) && strcmp(id, backup) == 0) {
            at = i;
        }
    }
    if (rc == 0 && keys.n > 0 && perbackup_backup(keys.v[at], id)) {
        rc = load_one(r, keys.v[at], out, e);
    }
    strlist_free(&keys);
    if (rc != 0) {
        drill_records_free(out);
        return err_wrap(e, "drill records of \"%s\"", db);
    }
    return 0;
}

void
drill_records_free(struct drill_records *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->v[i].against);
    }
    free(d->v);
    *d = (struct drill_records){0};
}

/* An unreadable one counts for its backup, whatever label it was about. */
const struct drill_record *
drill_record_of(const struct drill_records *d, const struct label *l)
{
    const struct drill_record *last = NULL;

    for (size_t i = 0; i < d->n; i++) {
        const struct drill_record *x = &d->v[i];

        if (strcmp(x->backup, l->id) == 0 &&
            (!x->readable || strcmp(x->label_sha256, l->sha256) == 0)) {
            last = x;
        }
    }
    return last;
}
