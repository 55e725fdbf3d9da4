/* What every store must do, tested with a few small objects. */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/human.h"
#include "storage/doctor/probe.h"

enum { SMALL = 1024, SKEW_NOTE = 30, SKEW_MAX = 300 };

/* Names with all characters of keys, in the order of a listing. */
static const char *const names[] = {"A-1", "a%20b", "a.z", "b/1", "b/2", "b_3"};
enum { N_NAMES = sizeof names / sizeof names[0] };

static void
fill(uint8_t *data, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        data[i] = (uint8_t)(i * 131 + seed);
    }
}

static void
probe_put(struct doctor *d)
{
    struct err e = ERR_INIT;
    uint8_t    data[SMALL];

    for (unsigned i = 0; i < N_NAMES; i++) {
        fill(data, sizeof data, i);
        if (doctor_put(d, names[i], data, sizeof data, &e) != 0) {
            doctor_failed(d, "put", NULL, &e);
            return;
        }
    }
    d->may_put = true;
    doctor_add(d, "put", FINDING_GOOD, NULL, "stored %d small objects", N_NAMES);
}

static int
get_one(struct doctor *d, unsigned i, struct err *e)
{
    struct buf got = BUF_INIT(SMALL);
    uint8_t    want[SMALL];
    char      *key = doctor_key(d, names[i]);
    int        rc = storage_get(d->st, key, &got, e);

    fill(want, sizeof want, i);
    if (rc == 0 && (got.len != sizeof want || memcmp(got.data, want, sizeof want) != 0)) {
        rc = err_set(e, ERR_CORRUPT, "\"%s\" was read with other bytes than were stored", key);
    }
    buf_free(&got);
    free(key);
    return rc;
}

static void
probe_get(struct doctor *d)
{
    struct err e = ERR_INIT;
    struct buf none = BUF_INIT(SMALL);
    char      *key;

    for (unsigned i = 0; i < N_NAMES; i++) {
        if (get_one(d, i, &e) != 0) {
            doctor_failed(d, "get", NULL, &e);
            return;
        }
    }
    key = doctor_key(d, "missing");
    if (storage_get(d->st, key, &none, &e) == 0) {
        doctor_add(d, "get", FINDING_BAD, NULL, "an object that was never stored can be read");
    } else if (e.kind != ERR_NOT_FOUND) {
        doctor_add(d, "get", FINDING_BAD,
                   "the key must also be allowed to list (s3:ListBucket): without that a store "
                   "answers \"access denied\" for missing objects",
                   "a missing object is not reported as missing: %s", e.text);
    } else {
        doctor_add(d, "get", FINDING_GOOD, NULL,
                   "they were read as stored, and a missing one is reported as missing");
    }
    buf_free(&none);
    free(key);
}

static void
judge_clock(struct doctor *d, time_t modified, time_t before, time_t after)
{
    double off = modified < before ? difftime(modified, before)
        : modified > after         ? difftime(modified, after)
                                   : 0;
    double by = off < 0 ? -off : off;
    char   text[32];

    if (by < SKEW_NOTE) {
        doctor_add(d, "clock", FINDING_GOOD, NULL, "the store's clock and this host's agree");
        return;
    }
    doctor_add(d, "clock", by > SKEW_MAX ? FINDING_BAD : FINDING_NOTE,
               "set this host's clock (NTP): beyond 5 minutes prune removes nothing",
               "this host's clock is %s %s the store's", duration_human(by, text, sizeof text),
               off < 0 ? "ahead of" : "behind");
}

/* Sizes, and the store's clock: an object just written was modified now. */
static void
probe_head(struct doctor *d)
{
    struct err         e = ERR_INIT;
    struct object_info info = {0};
    uint8_t            data[SMALL];
    char              *key = doctor_key(d, "clock");
    time_t             before = time(NULL) - 1;

    fill(data, sizeof data, 99);
    if (doctor_put(d, "clock", data, sizeof data, &e) != 0 ||
        storage_head(d->st, key, &info, &e) != 0) {
        doctor_failed(d, "head", NULL, &e);
    } else if (info.size != sizeof data) {
        doctor_add(d, "head", FINDING_BAD, NULL, "an object of %d bytes is reported with %llu",
                   SMALL, (unsigned long long)info.size);
    } else {
        doctor_add(d, "head", FINDING_GOOD, NULL, "sizes are right");
        judge_clock(d, info.modified, before, time(NULL) + 1);
    }
    free(key);
}

/* ---- listing ---- */

struct listed_keys {
    struct doctor *d;
    size_t         n;
    bool           wrong;
};

static int
see_object(void *ctx, const struct object_info *info, struct err *e)
{
    struct listed_keys *s = ctx;
    size_t              skip = strlen(s->d->prefix);

    (void)e;
    if (s->n >= N_NAMES || strncmp(info->key, s->d->prefix, skip) != 0 ||
        strcmp(info->key + skip, names[s->n]) != 0 || info->size != SMALL) {
        s->wrong = true;
    }
    s->n++;
    return 0;
}

static int
see_dir(void *ctx, const char *name, struct err *e)
{
    struct listed_keys *s = ctx;

    (void)e;
    s->wrong |= strcmp(name, "b") != 0;
    s->n++;
    return 0;
}

static void
probe_list(struct doctor *d)
{
    struct err         e = ERR_INIT;
    struct listed_keys objects = {.d = d};
    struct listed_keys dirs = {.d = d};

    if (storage_list(d->st, d->prefix, see_object, &objects, &e) != 0) {
        doctor_failed(d, "list", NULL, &e);
        return;
    }
    d->may_list = true;
    if (objects.wrong || objects.n != N_NAMES) {
        doctor_add(d, "list", FINDING_BAD,
                   "a store whose listings are late or incomplete must not hold a repository",
                   "a listing right after %d objects were stored gives %zu%s", N_NAMES, objects.n,
                   objects.n == N_NAMES ? ", but not the same" : "");
        return;
    }
    if (storage_dirs(d->st, d->prefix, see_dir, &dirs, &e) != 0) {
        doctor_failed(d, "list", NULL, &e);
    } else if (dirs.wrong || dirs.n != 1) {
        doctor_add(d, "list", FINDING_BAD, NULL,
                   "a listing up to the next \"/\" gives %zu names instead of one", dirs.n);
    } else {
        doctor_add(d, "list", FINDING_GOOD, NULL, "complete at once, in order, with sizes");
    }
}

/* ---- write-once ---- */

static void
probe_write_once(struct doctor *d)
{
    struct err e = ERR_INIT;
    uint8_t    data[SMALL];
    char      *key = doctor_key(d, names[0]);
    int        rc;

    fill(data, sizeof data, 0);
    if (storage_put(d->st, key, data, sizeof data, &e) != 0) {
        doctor_failed(d, "write-once", "storing the same once more", &e);
        goto out;
    }
    data[0] ^= 1;
    rc = storage_put(d->st, key, data, sizeof data, &e);
    if (rc != 0 && e.kind != ERR_EXISTS) {
        doctor_failed(d, "write-once", NULL, &e);
        goto out;
    }
    err_clear(&e);
    if (rc == 0 || get_one(d, 0, &e) != 0) {
        doctor_add(d, "write-once", FINDING_BAD, NULL, "an object that existed was overwritten");
    } else {
        doctor_add(d, "write-once", FINDING_GOOD, NULL,
                   "what exists is not overwritten, the same bytes are no error");
    }
out:
    free(key);
}

/* ---- removing ---- */

static int
is_gone(struct doctor *d, const char *name, struct err *e)
{
    struct object_info info;
    char              *key = doctor_key(d, name);
    int                rc = storage_head(d->st, key, &info, e);

    if (rc == 0) {
        rc = err_set(e, ERR_IO, "\"%s\" is still there after it was removed", key);
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    free(key);
    return rc;
}

static void
probe_remove(struct doctor *d)
{
    struct err e = ERR_INIT;
    char      *one[] = {doctor_key(d, names[0])};
    char *more[] = {doctor_key(d, names[1]), doctor_key(d, names[2]), doctor_key(d, "missing")};

    if (storage_remove(d->st, (const char *const *)one, 1, &e) != 0 ||
        is_gone(d, names[0], &e) != 0) {
        doctor_failed(d, "remove", NULL, &e);
    } else if (storage_remove(d->st, (const char *const *)more, 3, &e) != 0 ||
               is_gone(d, names[1], &e) != 0 || is_gone(d, names[2], &e) != 0) {
        doctor_failed(d, "remove", "several at once", &e);
    } else {
        doctor_add(d, "remove", FINDING_GOOD, NULL,
                   "one, several at once, and a missing one without an error");
    }
    free(one[0]);
    for (size_t i = 0; i < 3; i++) {
        free(more[i]);
    }
}

/* A backup host's key may remove only run marks.  Tested with an object that does not exist. */
static void
probe_rights(struct doctor *d)
{
    struct err  e = ERR_INIT;
    char       *key = xasprintf("%.*s/chunks/none", (int)strcspn(d->prefix, "/"), d->prefix);
    const char *keys[] = {key};

    if (storage_remove(d->st, keys, 1, &e) == 0) {
        doctor_add(d, "rights", FINDING_GOOD, NULL,
                   "this host may store, read and remove: enough for every command");
    } else if (e.kind == ERR_AUTH) {
        doctor_add(d, "rights", FINDING_NOTE, "prune needs another key, see the policies below",
                   "this host may store, but remove only run marks: right for a host that only "
                   "takes backups");
    } else {
        doctor_failed(d, "rights", NULL, &e);
    }
    free(key);
}

/* What a key that may only read can see: the repository itself. */
static int
stop_at_first(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info;
    *(bool *)ctx = true;
    return err_set(e, ERR_EXISTS, "seen");
}

static void
probe_read_only(struct doctor *d)
{
    struct err e = ERR_INIT;
    bool       any = false;

    if (storage_list(d->st, "", stop_at_first, &any, &e) != 0 && !any) {
        doctor_failed(d, "list", NULL, &e);
        return;
    }
    d->may_list = true;
    doctor_add(d, "list", FINDING_GOOD,
               "with rights to list and read, restore, verify and scrub work; backup and prune do "
               "not",
               "existing objects can be listed");
}

static void
probe_repository(struct doctor *d)
{
    struct err         e = ERR_INIT;
    struct object_info info;

    if (storage_head(d->st, "repo.1.json", &info, &e) == 0) {
        doctor_add(d, "repository", FINDING_GOOD, NULL, "there is one");
    } else if (e.kind == ERR_NOT_FOUND) {
        doctor_add(d, "repository", FINDING_NOTE,
                   "\"pgassay storage init\" makes it; or the disk is not mounted, or the "
                   "prefix is another",
                   "there is none yet");
    } else {
        doctor_failed(d, "repository", NULL, &e);
    }
}

void
doctor_objects(struct doctor *d)
{
    static void (*const probes[])(struct doctor *) = {probe_get, probe_list, probe_head,
                                                      probe_write_once};

    probe_repository(d);
    probe_put(d);
    if (!d->may_put) {
        probe_read_only(d);
        return;
    }
    for (size_t i = 0; i < sizeof probes / sizeof probes[0] && !cancel_requested(); i++) {
        probes[i](d);
    }
}

void
doctor_remove(struct doctor *d)
{
    probe_remove(d);
    probe_rights(d);
}
