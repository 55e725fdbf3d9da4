#include "storage/repo/settings.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/statedir.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "storage/format/object.h"

enum { SEEN_BYTES_MAX = 64 << 10 };

/* What labels tell (known, keys_known): databases are read side by side. */
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;

static bool
is_past(const struct repo *r)
{
    return strcmp(r->st->ops->scheme, "as-of") == 0;
}

/* ---- what this host remembers ---- */

static char *
path_of(const struct repo *r)
{
    struct err e = ERR_INIT;
    char      *path = state_file(r->id, "settings.json", &e);

    if (path == NULL) {
        log_info("%s; this host remembers no settings", e.text);
    }
    return path;
}

/* A new object when there is none, or none that can be read. */
static json_t *
recall(const char *path)
{
    struct buf text = BUF_INIT(SEEN_BYTES_MAX);
    struct err e = ERR_INIT;
    int        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    json_t    *o = NULL;

    if (fd >= 0 && buf_reserve(&text, SEEN_BYTES_MAX, &e) == 0) {
        ssize_t n = read(fd, text.data, SEEN_BYTES_MAX);

        o = n > 0 ? object_parse(text.data, (size_t)n, "settings-seen", &e) : NULL;
        if (o == NULL) {
            log_warn("\"%s\" cannot be used, and begins anew%s%s", path,
                     e.kind == ERR_NONE ? "" : ": ", e.text);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buf_free(&text);
    return o != NULL ? o : object_new("settings-seen");
}

static void
keep(const char *path, const json_t *o)
{
    struct buf text = BUF_INIT(SEEN_BYTES_MAX);
    struct err e = ERR_INIT;

    if (object_format(o, &text, &e) != 0 || state_write(path, &text, &e) != 0) {
        log_warn("%s; this host does not remember the repository's settings", e.text);
    }
    buf_free(&text);
}

static unsigned
number(const json_t *o, const char *key)
{
    int64_t n = json_opt_int(o, key, 0);

    return n > 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

static json_t *
keys_of(json_t *o)
{
    json_t *keys = json_object_get(o, "keys");

    if (!json_is_object(keys)) {
        keys = json_object();
        (void)json_object_set_new(o, "keys", keys);
    }
    return keys;
}

/* ---- repo.<n>.json ---- */

void
settings_recall(struct repo *r)
{
    char   *path = is_past(r) ? NULL : path_of(r);
    json_t *o = path == NULL ? NULL : recall(path);
    char   *text;

    r->known = r->in_force;
    /* Below the first there is nothing. */
    if (o != NULL && number(o, "repo") < r->in_force && r->in_force > 1) {
        (void)json_object_set_new(o, "repo", json_integer(r->in_force));
        keep(path, o);
    } else if (o != NULL && number(o, "repo") > r->in_force) {
        r->known = number(o, "repo");
    }
    text = settings_behind(r);
    if (text != NULL) {
        log_warn("%s", text);
    }
    free(text);
    json_decref(o);
    free(path);
}

static char *
behind(const struct repo *r, unsigned known)
{
    return known <= r->in_force ? NULL
                                : xasprintf(
                                      "the settings of repository \"%s\" are those of "
                                      "repo.%u.json, though there was "
                                      "a repo.%u.json: it was removed, is not trusted, or the "
                                      "listing lags",
                                      r->st->location, r->in_force, known);
}

void
settings_noted(struct repo *r, unsigned n)
{
    bool  first = false;
    char *text;

    if (is_past(r)) {
        return;
    }
    (void)pthread_mutex_lock(&noting);
    if (n > r->known) {
        first = r->known == r->in_force;
        r->known = n;
    }
    (void)pthread_mutex_unlock(&noting);
    text = first ? behind(r, n) : NULL;
    if (text != NULL) {
        log_warn("%s", text);
    }
    free(text);
}

char *
settings_behind(const struct repo *r)
{
    unsigned known;

    (void)pthread_mutex_lock(&noting);
    known = r->known;
    (void)pthread_mutex_unlock(&noting);
    return behind(r, known);
}

int
settings_check(const struct repo *r, struct err *e)
{
    char *text = settings_behind(r);

    if (text == NULL) {
        return 0;
    }
    (void)err_set(e, ERR_CORRUPT, "%s", text);
    free(text);
    return err_hint(e,
                    "nothing is changed under older settings; each backup keeps a copy of those it "
                    "was taken under (<db>/backups/<id>/repo.json): pgassay storage recover brings "
                    "them back");
}

/* ---- keys.<epoch>.<n>.json ---- */

void
settings_noted_keys(struct repo *r, unsigned epoch, unsigned n)
{
    if (epoch == 0 || epoch > r->epoch || n == 0 || is_past(r)) {
        return;
    }
    (void)pthread_mutex_lock(&noting);
    if (r->keys_known == NULL) {
        r->keys_known = xcalloc((size_t)r->epoch + 1, sizeof *r->keys_known);
    }
    if (n > r->keys_known[epoch]) {
        r->keys_known[epoch] = n;
    }
    (void)pthread_mutex_unlock(&noting);
}

static unsigned
keys_noted(const struct repo *r, unsigned epoch)
{
    unsigned n;

    (void)pthread_mutex_lock(&noting);
    n = r->keys_known == NULL || epoch > r->epoch ? 0 : r->keys_known[epoch];
    (void)pthread_mutex_unlock(&noting);
    return n;
}

int
settings_check_keys(const struct repo *r, unsigned epoch, unsigned n, struct err *e)
{
    char    *path = path_of(r);
    json_t  *o = path == NULL ? NULL : recall(path);
    char     name[16];
    unsigned named = keys_noted(r, epoch);
    unsigned seen;

    (void)snprintf(name, sizeof name, "%u", epoch);
    seen = o == NULL ? 0 : number(keys_of(o), name);
    if (n > seen && o != NULL) {
        (void)json_object_set_new(keys_of(o), name, json_integer(n));
        keep(path, o);
    }
    json_decref(o);
    free(path);
    if (n >= seen && n >= named) {
        return 0;
    }
    (void)err_set(e, ERR_CORRUPT,
                  "the newest \"keys.%u.<n>.json\" is number %u, and %s number %u: "
                  "somebody removed it, or put back an older state",
                  epoch, n, seen >= named ? "this host has seen" : "a backup was taken under",
                  seen >= named ? seen : named);
    seen = seen >= named ? seen : named;
    return err_hint(e,
                    "each encrypted backup keeps a copy (<db>/backups/<id>/keys.json): copy the "
                    "newest to \"keys.%u.%u.json\"",
                    epoch, seen);
}

static int
look_keys(const struct repo *r, const struct epoch *ep, struct strlist *sentences, struct err *e)
{
    struct epoch_keys o;

    if (epoch_keys_load(repo_signed(r), ep, &o, e) == 0) {
        if (settings_check_keys(r, ep->number, o.n, e) == 0 && o.copied) {
            strlist_take(sentences,
                         xasprintf("no \"keys.%u.<n>.json\" can be used, only the copy of number "
                                   "%u "
                                   "that a backup keeps",
                                   ep->number, o.n));
        }
        epoch_keys_free(&o);
    }
    if (e->kind == ERR_CORRUPT || e->kind == ERR_AUTH) {
        strlist_add(sentences, e->text);
        err_clear(e);
    }
    return e->kind == ERR_NONE ? 0 : -1;
}

int
settings_look_keys(struct repo *r, struct strlist *sentences, struct err *e)
{
    for (unsigned number = 1; number <= r->epoch && !is_past(r); number++) {
        const struct epoch *ep = keyring_epoch(r->keys, number, e);

        if (ep == NULL || (ep->sealed && look_keys(r, ep, sentences, e) != 0)) {
            return -1;
        }
    }
    return 0;
}
