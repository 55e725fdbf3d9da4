#include "storage/repo/runmark.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/host/procid.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/keys/trust.h"

char *
run_key(const char *db, const char *run, const char *suffix)
{
    char *enc = name_encode(db);
    char *key = xasprintf("%s/runs/%s%s", enc, run, suffix);

    free(enc);
    return key;
}

int
run_mark_begin(struct run_mark *m, struct repo *r, const char *db, const char *suffix,
               struct err *e)
{
    json_t       *o = object_new("run");
    char          host[256] = "";
    char          at[32];
    struct procid self;
    int           rc;

    *m = (struct run_mark){
        .repo = r,
        .line = BUF_INIT(OBJECT_BYTES_MAX),
        .renew_s = strcmp(suffix, ".prune") == 0 ? PRUNE_RENEW_SECONDS : RUN_RENEW_SECONDS,
    };
    procid_self(&self);
    random_hex((sizeof m->run - 1) / 2, m->run);
    m->key = run_key(db, m->run, suffix);
    (void)gethostname(host, sizeof host - 1);
    (void)json_object_set_new(o, "run", json_string(m->run));
    object_set_text(o, "host", host);
    (void)json_object_set_new(o, "pid", json_integer(self.pid));
    (void)json_object_set_new(o, "pid_started", json_integer(self.started));
    (void)json_object_set_new(o, "machine", json_string(self.machine));
    (void)json_object_set_new(o, "renewed_every", json_integer((json_int_t)m->renew_s));
    (void)json_object_set_new(o, "started", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    rc = object_format(o, &m->line, e);
    json_decref(o);
    return rc == 0 ? run_mark_renew(m, true, e) : -1;
}

int
run_mark_put(const struct run_mark *m, struct err *e)
{
    return storage_put(m->repo->st, m->key, m->line.data, m->line.len, e) != 0
        ? err_wrap(e, "could not renew the run mark")
        : 0;
}

int
run_mark_renew(struct run_mark *m, bool at_once, struct err *e)
{
    if (!at_once && clock_seconds() - m->renewed < m->renew_s) {
        return 0;
    }
    m->stored = true;
    if (run_mark_put(m, e) != 0) {
        return -1;
    }
    m->renewed = clock_seconds();
    return 0;
}

int
run_mark_check(const struct run_mark *m, struct err *e)
{
    struct object_info info;
    char              *key = xasprintf("%s.revoked", m->key);
    int                rc = storage_head(m->repo->st, key, &info, e);

    free(key);
    if (rc == 0) {
        return err_set(e, ERR_BUSY, "run %s was revoked: a prune took it for dead", m->run);
    }
    if (e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    return 0;
}

void
run_mark_remove(struct run_mark *m)
{
    struct err late = ERR_INIT;

    /* A mark whose put() failed may still be stored; its error was reported already. */
    if (m->stored && storage_remove(m->repo->st, (const char *const *)&m->key, 1, &late) != 0 &&
        m->renewed > 0) {
        log_warn("could not remove the run mark \"%s\": %s", m->key, late.text);
    }
    m->stored = false;
}

void
run_mark_free(struct run_mark *m)
{
    buf_free(&m->line);
    free(m->key);
    *m = (struct run_mark){0};
}

/* ---- who is there ---- */

struct listing {
    size_t           prefix; /* length of "<db>/runs/" */
    struct run_list *list;
};

int
run_revoked(struct repo *r, const char *db, const char *run, bool *revoked, struct err *e)
{
    char   *key;
    json_t *o;
    int     rc = 0;

    *revoked = true;
    if (!trust_asks(r->trust, "revoked")) {
        return 0;
    }
    key = run_key(db, run, ".revoked");
    o = object_get(repo_signed(r), key, "revoked", OBJECT_BYTES_MAX, e);
    if (o == NULL && e->kind == ERR_CORRUPT) {
        *revoked = !e->untrusted;
        if (e->untrusted) {
            log_warn("\"%s\" of repository \"%s\" is passed over: %s", key, r->st->location,
                     e->text);
        }
        err_clear(e);
    } else if (o == NULL && e->kind == ERR_NOT_FOUND) {
        *revoked = false;
        err_clear(e);
    } else if (o == NULL) {
        rc = -1;
    }
    json_decref(o);
    free(key);
    return rc;
}

/* What a prune says of itself in its mark. */
static bool
read_mark(struct repo *r, const char *db, const char *run, struct procid *who, int64_t *renew)
{
    struct buf raw = BUF_INIT(OBJECT_BYTES_MAX);
    struct err why = ERR_INIT;
    char      *key = run_key(db, run, ".prune");
    json_t    *o = storage_get(r->st, key, &raw, &why) != 0
           ? NULL
           : object_parse(raw.data, raw.len, "run", &why);

    *who = (struct procid){.pid = json_opt_int(o, "pid", 0),
                           .started = json_opt_int(o, "pid_started", 0)};
    (void)snprintf(who->machine, sizeof who->machine, "%s", json_opt_str(o, "machine", ""));
    *renew = json_opt_int(o, "renewed_every", 0);
    json_decref(o);
    free(key);
    buf_free(&raw);
    return why.kind != ERR_NOT_FOUND;
}

bool
prune_works(struct repo *r, const char *db, const struct run_entry *run, time_t now)
{
    double        silent = difftime(now, run->modified);
    struct procid who;
    int64_t       renew;

    if (silent >= PRUNE_OLD_DEAD_SECONDS || !read_mark(r, db, run->run, &who, &renew) ||
        procid_gone(&who)) {
        return false;
    }
    return renew < 1 || renew > PRUNE_RENEW_SECONDS || silent < PRUNE_DEAD_SECONDS;
}

/* Marks of a run are adjacent: "<run>", "<run>.prune", "<run>.revoked". */
static int
see(void *ctx, const struct object_info *info, struct err *e)
{
    struct listing   *li = ctx;
    struct run_list  *list = li->list;
    const char       *name = info->key + li->prefix;
    const char       *suffix;
    uint8_t           id[(RUN_MARK_MAX - 1) / 2];
    struct run_entry *entry;

    (void)e;
    if (strlen(name) < RUN_MARK_MAX - 1 || hex_decode(name, RUN_MARK_MAX - 1, id, sizeof id) != 0) {
        return 0;
    }
    suffix = name + RUN_MARK_MAX - 1;
    if (*suffix != '\0' && strcmp(suffix, ".prune") != 0 && strcmp(suffix, ".revoked") != 0) {
        return 0;
    }
    if (list->n == 0 || strncmp(list->v[list->n - 1].run, name, RUN_MARK_MAX - 1) != 0) {
        VEC_GROW(list->v, list->n, list->cap);
        entry = &list->v[list->n++];
        *entry = (struct run_entry){0};
        memcpy(entry->run, name, RUN_MARK_MAX - 1);
    }
    entry = &list->v[list->n - 1];
    entry->writer |= *suffix == '\0';
    entry->prune |= strcmp(suffix, ".prune") == 0;
    entry->revoked |= strcmp(suffix, ".revoked") == 0;
    if (strcmp(suffix, ".revoked") != 0) {
        entry->modified = info->modified;
    }
    return 0;
}

int
run_list_load(struct repo *r, const char *db, struct run_list *list, struct err *e)
{
    char          *prefix = run_key(db, "", "");
    struct listing li = {strlen(prefix), list};
    int            rc;

    *list = (struct run_list){0};
    rc = storage_list(r->st, prefix, see, &li, e);
    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        if (list->v[i].revoked) {
            rc = run_revoked(r, db, list->v[i].run, &list->v[i].revoked, e);
        }
    }
    if (rc != 0) {
        run_list_free(list);
        err_wrap(e, "could not list the runs of \"%s\"", db);
    }
    free(prefix);
    return rc;
}

void
run_list_free(struct run_list *list)
{
    free(list->v);
    *list = (struct run_list){0};
}

static int
compare(const void *run, const void *entry)
{
    return strcmp(run, ((const struct run_entry *)entry)->run);
}

const struct run_entry *
run_list_find(const struct run_list *list, const char *run)
{
    return list->n == 0 ? NULL : bsearch(run, list->v, list->n, sizeof *list->v, compare);
}
