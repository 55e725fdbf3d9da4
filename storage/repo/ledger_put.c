/*
 * ledger_put.c - one more record.
 *
 * Its heads are the records among the LEDGER_RECENT newest that none of these names, and what this
 * host remembers and does not find any more.  Two who write at the same time name the same heads,
 * and the next one names both.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/human.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/sealedjson.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/ledger_impl.h"

static int
find_heads(struct repo *r, const char *db, struct strlist *heads, struct err *e)
{
    struct strlist names = {0}, remembered = {0};
    struct ledger  recent = {0};
    int            rc = -1;

    ledger_recall(r, db, &remembered);
    if (ledger_names(r, db, &names, e) == 0) {
        rc = ledger_read(r, db, &names, names.n > LEDGER_RECENT ? names.n - LEDGER_RECENT : 0,
                         &recent, e);
    }
    ledger_mark_named(&recent);
    for (size_t i = 0; rc == 0 && i < recent.n; i++) {
        if (!recent.v[i].named) {
            strlist_add(heads, recent.v[i].name);
        }
    }
    for (size_t i = 0; rc == 0 && i < remembered.n; i++) {
        if (!strlist_find(&names, remembered.v[i]) && heads->n < LEDGER_HEADS_MAX) {
            strlist_add(heads, remembered.v[i]);
        }
    }
    ledger_free(&recent);
    strlist_free(&names);
    strlist_free(&remembered);
    return rc;
}

/* What was looked at, and where: plain, or hidden from those who cannot read the backup. */
static int
add_what(struct repo *r, const struct ledger_event *x, json_t *o, struct err *e)
{
    const struct epoch *ep = x->epoch == 0 ? NULL : keyring_epoch(r->keys, x->epoch, e);
    char                host[256] = "";
    json_t             *inner;
    int                 rc;

    if (ep == NULL && x->epoch != 0) {
        return -1;
    }
    (void)gethostname(host, sizeof host - 1);
    inner = ep != NULL && ep->sealed ? json_object() : json_incref(o);
    object_set_text(inner, "host", host);
    (void)json_object_set_new(inner, "what",
                              x->what == NULL ? json_object() : json_deep_copy(x->what));
    if (inner == o) {
        json_decref(inner);
        return 0;
    }
    rc = sealedjson_hide(ep, "ledger", x->backup == NULL ? "" : x->backup, inner, o, e);
    json_decref(inner);
    return rc;
}

static json_t *
record_json(struct repo *r, const struct ledger_event *x, time_t finished,
            const struct strlist *heads, struct err *e)
{
    json_t *o = object_new("ledger"), *list = json_array();
    char    at[32], run[17];

    random_hex(8, run); /* two who do the same at the same moment write two records */
    for (size_t i = 0; i < heads->n; i++) {
        (void)json_array_append_new(list, json_string(heads->v[i]));
    }
    (void)json_object_set_new(o, "run", json_string(run));
    json_set_run(o);
    (void)json_object_set_new(o, "event", json_string(x->event));
    (void)json_object_set_new(o, "verdict", json_string(x->verdict));
    (void)json_object_set_new(o, "good", json_boolean(x->good));
    (void)json_object_set_new(o, "started", json_string(time_rfc3339(x->started, at, sizeof at)));
    (void)json_object_set_new(o, "finished", json_string(time_rfc3339(finished, at, sizeof at)));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    (void)json_object_set_new(o, "heads", list);
    object_set_text(o, "backup", x->backup);
    object_set_text(o, "label_sha256", x->label_sha256);
    object_set_text(o, "record", x->record);
    if (add_what(r, x, o, e) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* Under the name that its bytes give it. */
static int
put_named(struct repo *r, const char *db, const json_t *o, const struct timespec *finished,
          char *name, struct err *e)
{
    struct buf line = BUF_INIT(OBJECT_BYTES_MAX);
    char       at[20], hex[SHA256_HEX + 1];
    char      *key;
    int        rc = -1;

    if (object_format(o, &line, e) == 0) {
        sha256_hex(line.data, line.len, hex);
        (void)snprintf(name, LEDGER_NAME_MAX, "%s-%06ld-%s-%s",
                       time_compact(finished->tv_sec, at, sizeof at), finished->tv_nsec / 1000,
                       json_opt_str(o, "event", ""), hex);
        key = ledger_key(db, name);
        rc = object_put(repo_signed(r), key, o, e);
        free(key);
    }
    buf_free(&line);
    return rc;
}

int
ledger_put(struct repo *r, const char *db, const struct ledger_event *x, struct err *e)
{
    struct strlist  heads = {0}, newest = {0};
    struct timespec finished;
    char            name[LEDGER_NAME_MAX] = "";
    json_t         *o = NULL;
    int             lock = lastseen_lock(r, db); /* this host's other runs name it */
    int             rc = -1;

    (void)clock_gettime(CLOCK_REALTIME, &finished);
    if (trust_may(r->trust, "ledger", e) == 0 && find_heads(r, db, &heads, e) == 0 &&
        (o = record_json(r, x, finished.tv_sec, &heads, e)) != NULL) {
        rc = put_named(r, db, o, &finished, name, e);
    }
    if (rc == 0) {
        strlist_add(&newest, name);
        ledger_remember(r, db, &newest);
    }
    lastseen_unlock(lock);
    json_decref(o);
    strlist_free(&heads);
    strlist_free(&newest);
    return rc == 0 ? 0 : err_wrap(e, "ledger of \"%s\"", db);
}

void
ledger_note(struct repo *r, const char *db, const struct ledger_event *x)
{
    struct err e = ERR_INIT;

    if (ledger_put(r, db, x, &e) != 0) {
        log_warn("this %s is not in the history of \"%s\": %s", x->event, db, e.text);
    }
}
