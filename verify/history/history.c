#include "verify/history/history.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/format/object.h"
#include "storage/repo/ledger.h"
#include "storage/repo/perbackup.h"

/* ---- entries ---- */

static void
take(json_t *to, const char *key, const json_t *from)
{
    json_t *value = json_object_get(from, key);

    (void)json_object_set(to, key, value == NULL ? json_null() : value);
}

static const char *const copied[] = {"event",    "verdict", "good",  "started",
                                     "finished", "backup",  "tool",  "label_sha256",
                                     "host",     "what",    "run_id"};

static json_t *
entry_json(const struct ledger_entry *x)
{
    json_t *o = json_object();

    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        take(o, copied[i], x->o);
    }
    (void)json_object_set_new(o, "signer",
                              x->signer[0] == '\0' ? json_null() : json_string(x->signer));
    (void)json_object_set_new(o, "record", json_string(x->name));
    (void)json_object_set_new(o, "chained", json_true());
    (void)json_object_set_new(o, "hidden", json_boolean(x->hidden));
    return o;
}

/* A drill's record that no record of the ledger names, in the same shape. */
static json_t *
older_json(const char *name, const json_t *d)
{
    static const char *const numbers[] = {"tables",           "rows",      "bytes",
                                          "recovery_seconds", "different", "not_compared",
                                          "against",          "copy"};
    json_t                  *o = json_object(), *what = json_object();
    bool equal = json_opt_bool(d, "equal", false) && !json_opt_bool(d, "allow_unsigned", false);

    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        take(o, copied[i], d);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (json_object_get(d, numbers[i]) != NULL) {
            (void)json_object_set(what, numbers[i], json_object_get(d, numbers[i]));
        }
    }
    (void)json_object_set_new(o, "event", json_string("drill"));
    (void)json_object_set_new(o, "verdict",
                              json_string(equal                                     ? "equal"
                                              : json_opt_int(d, "different", 0) > 0 ? "different"
                                                                                    : "not "
                                                                                      "proven"));
    (void)json_object_set_new(o, "good", json_boolean(equal));
    (void)json_object_set_new(o, "what", what);
    (void)json_object_set_new(o, "signer", json_null());
    (void)json_object_set_new(o, "record", json_string(name));
    (void)json_object_set_new(o, "chained", json_false());
    (void)json_object_set_new(o, "hidden", json_boolean(json_object_get(d, "hidden") != NULL));
    return o;
}

static json_t *
problem_json(const struct ledger_entry *x)
{
    return json_pack("{s:s, s:o, s:b}", "record", x->name, "problem", json_text(x->problem),
                     "altered", (int)x->altered);
}

static json_t *
texts(const struct strlist *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->n; i++) {
        (void)json_array_append_new(list, json_string(l->v[i]));
    }
    return list;
}

/* ---- drills, beside the ledger ---- */

/* The stamp in "<db>/drills/<backup>.<time>-<random>.json". */
static bool
drilled_since(const char *key, time_t since)
{
    const char *dot = strchr(strrchr(key, '/'), '.');
    char        at[20];

    return since == 0 || dot == NULL ||
        strncmp(dot + 1, time_compact(since, at, sizeof at), 16) >= 0;
}

static int
add_older(struct repo *r, const char *key, json_t *entries, struct err *e)
{
    json_t *d = object_get(repo_signed(r), key, "drill", OBJECT_BYTES_MAX, e);

    if (d == NULL && e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    if (d != NULL && ledger_time(d, "started") > 0 && ledger_time(d, "finished") > 0) {
        (void)json_array_append_new(entries, older_json(key, d));
    }
    err_clear(e); /* one that cannot be read, or is not trusted, proves nothing to anybody */
    json_decref(d);
    return 0;
}

static bool
names_record(const struct ledger *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(json_opt_str(l->v[i].o, "record", ""), key) == 0) {
            return true;
        }
    }
    return false;
}

/* Those that the ledger does not name, and whether those that it names are still there. */
static int
look_at_drills(struct repo *r, const char *db, time_t since, struct ledger *l, json_t *entries,
               struct err *e)
{
    struct strlist keys = {0};
    int            rc = perbackup_list(r, db, "drills", &keys, e);
    bool           whole = l->n == l->listed;

    strlist_sort(&keys);
    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        if (drilled_since(keys.v[i], since) && (whole || since > 0) &&
            !names_record(l, keys.v[i])) {
            rc = add_older(r, keys.v[i], entries, e);
        }
    }
    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        const char *key = json_opt_str(l->v[i].o, "record", NULL);

        if (key != NULL && !strlist_find(&keys, key)) {
            strlist_take(&l->missing, xasprintf("%s, named by %s", key, l->v[i].name));
        }
    }
    strlist_free(&keys);
    return rc;
}

/* By the time of their end; in their order where that is equal. */
static json_t *
sorted(json_t *entries)
{
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(entries); i++) {
        json_t *x = json_array_get(entries, i);
        size_t  at = json_array_size(list);

        while (at > 0 &&
               strcmp(json_opt_str(json_array_get(list, at - 1), "finished", ""),
                      json_opt_str(x, "finished", "")) > 0) {
            at--;
        }
        (void)json_array_insert(list, at, x);
    }
    json_decref(entries);
    return list;
}

json_t *
history_of(struct repo *r, const char *db, time_t since, size_t max, struct err *e)
{
    struct ledger l;
    json_t       *entries, *unreadable, *o = NULL;

    if (ledger_load(r, db, since, max, &l, e) != 0) {
        return NULL;
    }
    entries = json_array();
    unreadable = json_array();
    for (size_t i = 0; i < l.n; i++) {
        (void)json_array_append_new(l.v[i].o != NULL ? entries : unreadable,
                                    l.v[i].o != NULL ? entry_json(&l.v[i]) : problem_json(&l.v[i]));
    }
    if (look_at_drills(r, db, since, &l, entries, e) == 0) {
        o = json_pack("{s:o, s:O, s:O, s:o, s:o, s:I, s:b}", "db", json_text(db), "entries",
                      entries = sorted(entries), "unreadable", unreadable, "missing",
                      texts(&l.missing), "strays", texts(&l.strays), "records",
                      (json_int_t)l.listed, "signatures_checked", (int)l.vouched);
    }
    json_decref(entries);
    json_decref(unreadable);
    ledger_free(&l);
    return o;
}

/* ---- the ledger itself ---- */

static void
find(struct findings *f, enum finding_class class, const char *db, const char *what,
     const char *have)
{
    char *object = xasprintf("%s/ledger", db);

    findings_add(
        f,
        (struct finding){
            .class = class, .group = "ledger", .object = object, .what = what, .have = have});
    free(object);
}

void
history_judge(const json_t *history, struct findings *f)
{
    const char   *db = json_opt_str(history, "db", "?");
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(history, "missing"), i, one) {
        find(f, FINDING_DIFFERENT, db, "a record was taken away", json_string_value(one));
    }
    json_array_foreach (json_object_get(history, "unreadable"), i, one) {
        bool altered = json_opt_bool(one, "altered", false);

        find(f, altered ? FINDING_DIFFERENT : FINDING_UNCOMPARED, db,
             altered ? "a record was changed" : "a record cannot be read, or is not trusted",
             json_opt_str(one, altered ? "record" : "problem", NULL));
    }
    json_array_foreach (json_object_get(history, "strays"), i, one) {
        /* Whom this host trusts does not forge: his clock was wrong. */
        find(f,
             json_opt_bool(history, "signatures_checked", false) ? FINDING_NOTE : FINDING_DIFFERENT,
             db, "a record was put there later than it says: none that came after it names it",
             json_string_value(one));
    }
}
