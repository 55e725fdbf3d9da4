/*
 * scrub_memory.c - the progress of scrubs: <db>/scrubs/<time>-<random>.json, one object for each
 * scrub, with the part of the ring that it read.
 *
 * In the repository and not on the host: scrubs that run on changing hosts, or in a container
 * without state, would otherwise read the first share again and again.
 *
 * The newest record says where the next scrub begins ("next").  The time since when everything has
 * been read is found by walking back from it: each older record that adjoins or overlaps the
 * beginning of the known part extends it there (extend()).  When the length passes 2^64 the ring is
 * closed, and all that was stored when that record's scrub began has been read since.  A record
 * with a gap to what is known adds nothing, and the walk goes on.  Records older than the one that
 * closed the ring say nothing more and are removed when the next is written.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/heal/scrub_impl.h"
#include "storage/keys/signed.h"

/* At most this many are kept, even if each covers little. */
enum { RECORDS_MAX = 400, RECORD_BYTES_MAX = 64 << 10 };

struct record {
    struct usedchunks_slice slice; /* what was read */
    uint64_t                next;
    time_t                  started;
};

static char *
prefix_of(const char *db)
{
    char *enc = name_encode(db);
    char *prefix = xasprintf("%s/scrubs/", enc);

    free(enc);
    return prefix;
}

static int
list_records(struct repo *r, const char *db, struct strlist *keys, struct err *e)
{
    char *prefix = prefix_of(db);
    int   rc = storage_list_keys(r->st, prefix, keys, e);

    free(prefix);
    return rc;
}

/* 0; 1: it is gone, or unreadable. */
static int
load(struct repo *r, const char *key, struct record *out, struct err *e)
{
    json_t     *o = object_get(repo_signed(r), key, "scrub", RECORD_BYTES_MAX, e);
    const char *at;
    uint64_t    from;
    bool        round;
    int         rc = -1;

    *out = (struct record){0};
    if (o != NULL && json_get_hex64(o, "from", &from, e) == 0 &&
        json_get_hex64(o, "next", &out->next, e) == 0 &&
        json_get_bool(o, "round", &round, e) == 0 && json_get_str(o, "started", &at, e) == 0 &&
        time_parse(at, &out->started, e) == 0) {
        out->slice = (struct usedchunks_slice){from, round ? UINT64_MAX : out->next - from - 1};
        rc = !round && out->next == from ? 1 : 0; /* it read nothing */
    } else if (e->kind == ERR_CORRUPT || e->kind == ERR_USAGE || e->kind == ERR_NOT_FOUND) {
        if (e->kind != ERR_NOT_FOUND) {
            log_warn("record of a scrub \"%s\" is passed over: %s", key, e->text);
        }
        err_clear(e);
        rc = 1;
    }
    json_decref(o);
    return rc;
}

/* Walks back from the newest record while the slices join, until the ring is closed. */
struct reach {
    bool     any, closed;
    uint64_t first; /* read without a gap: from here on, this much: */
    uint64_t length;
};

static void
extend(struct reach *g, const struct record *r)
{
    uint64_t more;

    if (!g->any) {
        *g = (struct reach){true, r->slice.span == UINT64_MAX, r->slice.first, r->slice.span + 1};
        return;
    }
    if (r->slice.span == UINT64_MAX) {
        g->closed = true;
    } else if (r->slice.span + 1 > 0 && usedchunks_slice_holds(&r->slice, g->first - 1)) {
        more = g->first - r->slice.first;
        g->closed = g->length + more < g->length; /* beyond 2^64 */
        g->length += more;
        g->first = r->slice.first;
    }
}

int
scrub_recall(struct scrub *s, struct err *e)
{
    struct scrub_work *w = s->work;
    struct reach       reach = {0};
    struct record      r;
    size_t             i;
    int                rc = 0;

    strlist_free(&w->records);
    s->since = 0;
    if (list_records(s->repo, s->db, &w->records, e) != 0) {
        return -1;
    }
    for (i = w->records.n; rc >= 0 && !reach.closed && i > 0 && w->records.n - i < RECORDS_MAX;
         i--) {
        bool first = !reach.any;

        rc = load(s->repo, w->records.v[i - 1], &r, e);
        if (rc == 0) {
            extend(&reach, &r);
            w->from = first ? r.next : w->from;
            s->since = reach.closed ? r.started : 0;
        }
    }
    w->n_superfluous = i; /* older ones do not matter */
    return rc < 0 ? -1 : 0;
}

int
scrub_share_since(struct repo *r, const char *db, time_t since, double *share, time_t *last,
                  struct err *e)
{
    struct strlist keys = {0};
    struct reach   reach = {0};
    struct record  one;
    int            rc = list_records(r, db, &keys, e);

    *share = 0;
    *last = 0;
    for (size_t i = keys.n; rc >= 0 && !reach.closed && i > 0 && keys.n - i < RECORDS_MAX; i--) {
        rc = load(r, keys.v[i - 1], &one, e);
        if (rc != 0) {
            continue;
        }
        *last = *last == 0 ? one.started : *last;
        if (one.started < since) {
            break;
        }
        extend(&reach, &one);
    }
    *share = reach.closed ? 1 : reach.any ? ldexp((double)reach.length, -64) : 0;
    strlist_free(&keys);
    return rc < 0 ? -1 : 0;
}

static json_t *
record_json(const struct scrub *s, uint64_t next)
{
    const struct scrub_work *w = s->work;
    json_t                  *o = object_new("scrub");
    char                     at[32];

    (void)json_object_set_new(o, "from", json_hex64(w->from));
    (void)json_object_set_new(o, "next", json_hex64(next));
    (void)json_object_set_new(o, "round", json_boolean(w->round));
    (void)json_object_set_new(o, "started", json_string(time_rfc3339(w->started, at, sizeof at)));
    (void)json_object_set_new(o, "finished", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    (void)json_object_set_new(o, "objects", json_integer((json_int_t)s->objects));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)s->bytes));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    return o;
}

/* Names sort by time, within a second too. */
static char *
new_key(const char *db)
{
    struct timespec now;
    char            at[20];
    char            random[5];
    char           *prefix = prefix_of(db);
    char           *key;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    random_hex(2, random);
    key = xasprintf("%s%s-%06ld-%s.json", prefix, time_compact(now.tv_sec, at, sizeof at),
                    now.tv_nsec / 1000, random);
    free(prefix);
    return key;
}

void
scrub_remember(struct scrub *s, uint64_t next)
{
    struct scrub_work *w = s->work;
    struct err         e = ERR_INIT;
    char              *key;
    json_t            *o;

    if (next == w->from && !w->round) {
        return;
    }
    key = new_key(s->db);
    o = record_json(s, next);
    if (object_put(repo_signed(s->repo), key, o, &e) != 0) {
        log_warn("the next scrub begins where this one began: %s", e.text);
        free(key);
        json_decref(o);
        return;
    }
    json_decref(o);
    if (w->record != NULL &&
        storage_remove(s->repo->st, (const char *const *)&w->record, 1, &e) != 0) {
        log_info("could not remove \"%s\": %s", w->record, e.text);
    }
    free(w->record);
    w->record = key;
    if (w->n_superfluous > 0 &&
        storage_remove(s->repo->st, (const char *const *)w->records.v, w->n_superfluous, &e) != 0) {
        log_info("could not remove records of former scrubs: %s", e.text);
    }
    w->n_superfluous = 0;
}

char *
scrub_last(struct repo *r, const char *db, struct err *e)
{
    struct strlist keys = {0};
    char          *prefix = prefix_of(db);
    char          *last = NULL;

    if (list_records(r, db, &keys, e) == 0) {
        last = xstrdup(keys.n == 0 ? "" : keys.v[keys.n - 1] + strlen(prefix));
    }
    strlist_free(&keys);
    free(prefix);
    return last;
}
