#include "storage/keys/pinned.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/statedir.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/quote.h"
#include "storage/format/object.h"

enum { EPOCHS_MAX = 1024 };

static char *
file_of(const char *repo_id, struct err *e)
{
    return state_file(repo_id, "epochs.json", e);
}

/* Wipes jansson's copies of the keys before their memory is freed. */
static void
forget(json_t *o)
{
    json_t *list = json_object_get(o, "epochs");

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_wipe(json_array_get(list, i), "naming");
    }
    json_decref(o);
}

static int
slurp(int fd, struct buf *text, struct err *e)
{
    ssize_t n;

    do {
        if (buf_reserve(text, 4096, e) != 0) {
            return -1;
        }
        n = read(fd, text->data + text->len, 4096);
        text->len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    return n == 0 ? 0 : err_errno(e, "read");
}

/* The file's object; a new one when there is no file. */
static json_t *
load(const char *path, struct err *e)
{
    struct buf  text = BUF_INIT(OBJECT_BYTES_MAX);
    struct stat sb;
    json_t     *o = NULL;
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd == -1 && errno == ENOENT) {
        o = object_new("host-epochs");
        (void)json_object_set_new(o, "epochs", json_array());
        return o;
    }
    if (fd == -1 || fstat(fd, &sb) != 0) {
        err_errno(e, "could not open \"%s\"", path);
    } else if ((sb.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        err_set(e, ERR_AUTH, "\"%s\" holds keys, and others may read it", path);
        quote_hint(e, "", "chmod", "600", path);
    } else if (buf_reserve(&text, 1 << 16, e) == 0 && slurp(fd, &text, e) == 0) {
        o = object_parse(text.data, text.len, "host-epochs", e);
        if (o == NULL && !e->newer) {
            err_set(e, ERR_CORRUPT,
                    "it is not what this program wrote"); /* and its text is not quoted */
        }
    }
    if (fd != -1) {
        (void)close(fd);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.cap);
    }
    buf_free(&text);
    if (o == NULL) {
        err_wrap(e, "keys of this host, \"%s\"", path);
    }
    return o;
}

static json_t *
find(const json_t *o, unsigned number)
{
    json_t *list = json_object_get(o, "epochs");

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_opt_int(json_array_get(list, i), "epoch", 0) == (int64_t)number) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

/* Checks that it is the epoch remembered under its number. */
static int
check_same(const json_t *one, const struct epoch *ep, const char *path, struct err *e)
{
    uint8_t known[SEAL_PUBLIC];

    if (json_get_hex(one, "public", known, sizeof known, e) != 0) {
        return err_wrap(e, "keys of this host, \"%s\": epoch %u", path, ep->number);
    }
    if (memcmp(known, ep->public, sizeof known) == 0) {
        return 0;
    }
    err_set(e, ERR_AUTH,
            "the key of epoch %u is not the one that this host knows: somebody may have replaced "
            "it",
            ep->number);
    return err_hint(e,
                    "nothing is encrypted to it; if an administrator did change it, remove \"%s\" "
                    "and run: pgassay "
                    "storage keys trust",
                    path);
}

static int
take(const json_t *one, struct epoch *ep, const char *path, struct err *e)
{
    struct secret keys = SECRET_INIT;

    if (check_same(one, ep, path, e) != 0) {
        return -1;
    }
    secret_new(&keys, NAMING_KEYS);
    if (json_get_hex(one, "naming", keys.data, keys.n, e) != 0) {
        secret_free(&keys);
        return err_wrap(e, "keys of this host, \"%s\": epoch %u", path, ep->number);
    }
    secret_free(&ep->naming);
    ep->naming = keys;
    return 0;
}

/* Serialises the runs of this host, since each writes back what it has read.  -1: no lock, which is
 * mostly harmless. */
static int
lock(const char *repo_id)
{
    struct err ignored = ERR_INIT;
    char      *path = state_file(repo_id, "epochs.lock", &ignored);
    int        fd = state_lock(path);

    free(path);
    return fd;
}

int
pinned_recall(const char *repo_id, struct epoch *ep, struct err *e)
{
    char         *path = file_of(repo_id, e);
    json_t       *o = path == NULL ? NULL : load(path, e);
    const json_t *one = o == NULL ? NULL : find(o, ep->number);
    int           rc = o == NULL ? -1 : one == NULL ? 1 : take(one, ep, path, e);

    forget(o);
    free(path);
    return rc;
}

int
pinned_ready(const char *repo_id, struct err *e)
{
    char *path = state_file(repo_id, "epochs.lock", e);
    int   fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (path != NULL && fd == -1) {
        err_errno(e, "could not write \"%s\"", path);
        err_hint(e, "set PGASSAY_STATE_DIR to a directory that can be written");
    }
    if (fd != -1) {
        (void)close(fd);
    }
    free(path);
    return fd == -1 ? -1 : 0;
}

int
pinned_newest(const char *repo_id, unsigned *number, struct err *e)
{
    char   *path = file_of(repo_id, e);
    json_t *o;
    json_t *list;

    *number = 0;
    if (path == NULL) {
        log_info("%s", e->text);
        err_clear(e);
        return 0;
    }
    o = load(path, e);
    list = json_object_get(o, "epochs");
    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t n = json_opt_int(json_array_get(list, i), "epoch", 0);

        if (n > (int64_t)*number && n < EPOCHS_MAX * (int64_t)EPOCHS_MAX) {
            *number = (unsigned)n;
        }
    }
    forget(o);
    free(path);
    return o == NULL ? -1 : 0;
}

static json_t *
add_epoch(json_t *o, unsigned number)
{
    json_t *one = json_object();

    (void)json_object_set_new(one, "epoch", json_integer(number));
    (void)json_array_append_new(json_object_get(o, "epochs"), one);
    return one;
}

int
pinned_remember(const char *repo_id, const struct epoch *ep, struct err *e)
{
    struct buf text = BUF_INIT(OBJECT_BYTES_MAX);
    char      *path = file_of(repo_id, e);
    int        turn = lock(repo_id);
    json_t    *o = path == NULL ? NULL : load(path, e);
    json_t    *one = o == NULL ? NULL : find(o, ep->number);
    int        rc = -1;

    if (o != NULL && (one == NULL || check_same(one, ep, path, e) == 0)) {
        one = one == NULL ? add_epoch(o, ep->number) : one;
        json_wipe(one, "naming");
        json_set_hex(one, "public", ep->public, sizeof ep->public);
        json_set_hex(one, "naming", ep->naming.data, ep->naming.n);
        if (buf_reserve(&text, 1 << 16, e) == 0 && object_format(o, &text, e) == 0) {
            rc = state_write(path, &text, e);
        }
    }
    forget(o);
    if (text.data != NULL) {
        sodium_memzero(text.data, text.cap);
    }
    buf_free(&text);
    if (turn >= 0) {
        (void)close(turn);
    }
    free(path);
    return rc;
}
