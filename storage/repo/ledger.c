#include "storage/repo/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "storage/format/object.h"
#include "storage/keys/sealedjson.h"
#include "storage/repo/fetch.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/ledger_impl.h"

/* ---- one record ---- */

/* Who says that he signed it: the second line. */
static void
read_signer(const struct buf *raw, char signer[17])
{
    const uint8_t *end = raw->len == 0 ? NULL : memchr(raw->data, '\n', raw->len);
    size_t         n = end == NULL ? 0 : raw->len - (size_t)(end + 1 - raw->data);
    struct err     ignored = ERR_INIT;
    json_t        *second = n == 0 ? NULL : json_read(end + 1, n, &ignored);
    const char    *id = json_opt_str(second, "key", "");

    if (strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16) {
        memcpy(signer, id, 17);
    }
    json_decref(second);
}

/* Its name has the digest of its first line. */
static bool
is_itself(const char *name, const struct buf *raw)
{
    const uint8_t *end = raw->len == 0 ? NULL : memchr(raw->data, '\n', raw->len);
    char           hex[SHA256_HEX + 1];

    if (end == NULL) {
        return false;
    }
    sha256_hex(raw->data, (size_t)(end + 1 - raw->data), hex);
    return strcmp(ledger_name_digest(name), hex) == 0;
}

static bool
is_event(const char *name, const char *event)
{
    size_t n = strlen(event);

    return n > 0 && strncmp(name + LEDGER_EVENT_AT, event, n) == 0 &&
        name + LEDGER_EVENT_AT + n + 1 == ledger_name_digest(name);
}

static int
check_fields(const json_t *o, const char *name, struct err *e)
{
    const char *text;
    json_t     *list;
    bool        good;
    char        at[20];

    if (json_get_str(o, "event", &text, e) != 0 || json_get_str(o, "verdict", &text, e) != 0 ||
        json_get_bool(o, "good", &good, e) != 0 || json_get_array(o, "heads", &list, e) != 0) {
        return -1;
    }
    (void)time_compact(ledger_time(o, "finished"), at, sizeof at);
    if (ledger_time(o, "started") == 0 || ledger_time(o, "finished") == 0 ||
        strncmp(name, at, strlen(at)) != 0) {
        return err_set(e, ERR_CORRUPT, "its times cannot be read, or are not that of its name");
    }
    if (!is_event(name, json_opt_str(o, "event", ""))) {
        return err_set(e, ERR_CORRUPT, "it is of another event than its name says");
    }
    return 0;
}

/* What is hidden is put where it would stand in a plain one. */
static void
show_hidden(struct repo *r, struct ledger_entry *x)
{
    const char         *hex = json_opt_str(x->o, "hidden", NULL);
    unsigned            number = (unsigned)json_opt_int(x->o, "epoch", 0);
    const char         *backup = json_opt_str(x->o, "backup", "");
    const struct epoch *ep = NULL;
    json_t             *inner = NULL;
    struct err          ignored = ERR_INIT;

    if (hex != NULL && keyring_reads(r->keys, number)) {
        ep = keyring_read(r->keys, number, &ignored);
    }
    if (ep != NULL) {
        inner = sealedjson_open(ep, "ledger", backup, hex, &ignored);
    }
    x->hidden = hex != NULL && inner == NULL;
    if (inner != NULL) {
        (void)json_object_update(x->o, inner);
    }
    (void)json_object_del(x->o, "hidden");
    json_decref(inner);
}

static void
parse(struct repo *r, const struct fetch *f, struct ledger_entry *x)
{
    struct err e = f->err;

    if (e.kind == ERR_NONE) {
        x->o = object_parse(f->raw.data, f->raw.len, "ledger", &e);
        x->altered = !is_itself(x->name, &f->raw);
        read_signer(&f->raw, x->signer);
    }
    if (x->altered) {
        err_clear(&e);
        err_set(&e, ERR_CORRUPT, "it is not what was written: its bytes are not those of its name");
    }
    if (e.kind == ERR_NONE &&
        trust_check(r->trust, "ledger", f->key, f->raw.data, f->raw.len, &e) == 0 &&
        check_fields(x->o, x->name, &e) == 0) {
        show_hidden(r, x);
        return;
    }
    json_decref(x->o);
    x->o = NULL;
    x->problem = xstrdup(e.text);
}

int
ledger_read(struct repo *r, const char *db, const struct strlist *names, size_t from,
            struct ledger *l, struct err *e)
{
    size_t        n = names->n - from;
    struct fetch *v = xcalloc(n + 1, sizeof *v);
    int           rc = 0;

    for (size_t i = 0; i < n; i++) {
        v[i] = (struct fetch){.key = ledger_key(db, names->v[from + i]),
                              .raw = BUF_INIT(OBJECT_BYTES_MAX),
                              .err = ERR_INIT};
    }
    fetch_all(r->st, v, n);
    for (size_t i = 0; i < n; i++) {
        if (rc == 0 && v[i].err.kind != ERR_NONE && v[i].err.kind != ERR_CORRUPT &&
            v[i].err.kind != ERR_NOT_FOUND) {
            *e = v[i].err;
            rc = err_wrap(e, "ledger of \"%s\"", db);
        }
        if (rc == 0) {
            VEC_GROW(l->v, l->n, l->cap);
            l->v[l->n] = (struct ledger_entry){.namer = SIZE_MAX};
            (void)snprintf(l->v[l->n].name, LEDGER_NAME_MAX, "%s", names->v[from + i]);
            parse(r, &v[i], &l->v[l->n++]);
        }
        free(v[i].key);
        buf_free(&v[i].raw);
    }
    free(v);
    return rc;
}

time_t
ledger_time(const json_t *o, const char *key)
{
    const char *text = json_opt_str(o, key, NULL);
    struct err  ignored = ERR_INIT;
    time_t      at = 0;

    return text != NULL && time_parse(text, &at, &ignored) == 0 ? at : 0;
}

/* ---- all of them ---- */

static struct ledger_entry *
find(struct ledger *l, const char *name)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(l->v[mid].name, name) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < l->n && strcmp(l->v[lo].name, name) == 0 ? &l->v[lo] : NULL;
}

void
ledger_mark_named(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const json_t *heads = json_object_get(l->v[i].o, "heads"), *one;
        size_t        k;

        json_array_foreach (heads, k, one) {
            struct ledger_entry *x = json_is_string(one) ? find(l, json_string_value(one)) : NULL;

            if (x != NULL) {
                x->named = true;
                x->namer = i < x->namer ? i : x->namer;
            }
        }
    }
}

/* Listings may be old: the store is asked for the object itself. */
static int
miss(struct repo *r, const char *db, struct ledger *l, const char *name, const char *by,
     struct err *e)
{
    struct object_info info;
    char              *key;
    int                rc;

    for (size_t i = 0; i < l->missing.n; i++) {
        if (strncmp(l->missing.v[i], name, strlen(name)) == 0) {
            return 0;
        }
    }
    key = ledger_key(db, name);
    rc = storage_head(r->st, key, &info, e);
    free(key);
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        strlist_take(&l->missing, xasprintf("%s, named by %s", name, by));
        rc = 0;
    }
    return rc;
}

/* A name that a record or this host has, and that is nowhere in the listing. */
static int
find_missing(struct repo *r, const char *db, struct ledger *l, const struct strlist *names,
             const struct strlist *remembered, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < l->n; i++) {
        const json_t *heads = json_object_get(l->v[i].o, "heads"), *one;
        size_t        k;

        json_array_foreach (heads, k, one) {
            const char *name = json_is_string(one) ? json_string_value(one) : "";

            if (rc == 0 && ledger_name_valid(name) && !strlist_find(names, name)) {
                rc = miss(r, db, l, name, l->v[i].name, e);
            }
        }
    }
    for (size_t i = 0; rc == 0 && i < remembered->n; i++) {
        if (!strlist_find(names, remembered->v[i])) {
            rc = miss(r, db, l, remembered->v[i], "this host, which has seen it", e);
        }
    }
    return rc;
}

/* Whoever writes sees what was written before, clocks being off by a little: a record that somebody
 * passed over who wrote LEDGER_SLACK_S later was not there then.  Where records are missing or
 * cannot be read nothing is known of what they named. */
static void
find_strays(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->missing.n > 0 || l->v[i].o == NULL) {
            return;
        }
    }
    for (size_t i = 0, k = 0; i < l->n; i++) {
        time_t until = ledger_time(l->v[i].o, "finished") + LEDGER_SLACK_S;

        while (k < l->n && (k <= i || ledger_time(l->v[k].o, "finished") <= until)) {
            k++;
        }
        if (k < l->n && l->v[i].namer > k) {
            strlist_add(&l->strays, l->v[i].name);
        }
    }
}

/* The tips; what is missing stays remembered until a record names it, and so does what another run
 * of this host has written since. */
static void
remember_newest(struct repo *r, const char *db, const struct ledger *l, const struct strlist *names,
                const struct strlist *remembered)
{
    struct strlist keep = {0}, now = {0};
    int            lock = lastseen_lock(r, db);

    for (size_t i = l->n > LEDGER_RECENT ? l->n - LEDGER_RECENT : 0; i < l->n; i++) {
        if (!l->v[i].named && l->v[i].o != NULL) {
            strlist_add(&keep, l->v[i].name);
        }
    }
    for (size_t i = 0; i < remembered->n; i++) {
        if (!strlist_find(names, remembered->v[i])) {
            strlist_add(&keep, remembered->v[i]);
        }
    }
    ledger_recall(r, db, &now);
    for (size_t i = 0; i < now.n; i++) {
        if (!strlist_has(remembered, now.v[i]) && !strlist_has(&keep, now.v[i])) {
            strlist_add(&keep, now.v[i]);
        }
    }
    ledger_remember(r, db, &keep);
    lastseen_unlock(lock);
    strlist_free(&keep);
    strlist_free(&now);
}

/* The first name that is to be read. */
static size_t
first_since(const struct strlist *names, time_t since, size_t max)
{
    size_t from = max > 0 && names->n > max ? names->n - max : 0;
    char   at[20];

    (void)time_compact(since, at, sizeof at);
    while (since > 0 && from < names->n && strncmp(names->v[from], at, 16) < 0) {
        from++;
    }
    return from;
}

int
ledger_load(struct repo *r, const char *db, time_t since, size_t max, struct ledger *l,
            struct err *e)
{
    struct strlist names = {0}, remembered = {0};
    int            rc = -1;

    *l = (struct ledger){.vouched = trust_asks(r->trust, "ledger")};
    ledger_recall(r, db, &remembered); /* before the listing: what comes meanwhile is not missing */
    if (ledger_names(r, db, &names, e) == 0) {
        l->listed = names.n;
        rc = ledger_read(r, db, &names, first_since(&names, since, max), l, e);
    }
    if (rc == 0) {
        ledger_mark_named(l);
        rc = find_missing(r, db, l, &names, &remembered, e);
    }
    if (rc == 0) {
        find_strays(l);
        remember_newest(r, db, l, &names, &remembered);
    } else {
        ledger_free(l);
    }
    strlist_free(&names);
    strlist_free(&remembered);
    return rc;
}

int
ledger_last(struct repo *r, const char *db, const char *event, time_t *last, struct err *e)
{
    enum { LOOK_MAX = 4 };
    struct strlist all = {0}, of_event = {0};
    struct ledger  l = {0};
    int            rc = ledger_names(r, db, &all, e);

    *last = 0;
    for (size_t i = 0; i < all.n; i++) {
        if (is_event(all.v[i], event)) {
            strlist_add(&of_event, all.v[i]);
        }
    }
    if (rc == 0) {
        rc = ledger_read(r, db, &of_event, of_event.n > LOOK_MAX ? of_event.n - LOOK_MAX : 0, &l,
                         e);
    }
    for (size_t i = 0; rc == 0 && i < l.n; i++) {
        if (json_opt_bool(l.v[i].o, "good", false)) {
            *last = ledger_time(l.v[i].o, "finished");
        }
    }
    ledger_free(&l);
    strlist_free(&all);
    strlist_free(&of_event);
    return rc;
}

void
ledger_free(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++) {
        json_decref(l->v[i].o);
        free(l->v[i].problem);
    }
    free(l->v);
    strlist_free(&l->missing);
    strlist_free(&l->strays);
    *l = (struct ledger){0};
}
