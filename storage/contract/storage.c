#include "storage/contract/storage.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "storage/contract/object_lock.h"
#include "storage/contract/versions.h"
#include "storage/drivers/file/file.h"
#include "storage/drivers/s3/s3.h"

/* What a location can begin with.  A location without a scheme is a path. */
static const struct {
    const char *scheme;
    struct storage *(*open)(const char *rest, const struct storage_location *, bool create,
                            struct err *);
} drivers[] = {
    {"file", storage_file_open},
    {"s3", storage_s3_open},
};

/* How old its listings may be, if the user knows better than the driver. */
static int
set_listing_delay(struct storage *st, const struct storage_location *place, struct err *e)
{
    enum { MOST = 3600 };
    const char   *text = storage_location_get(place, "listing-delay", NULL);
    char         *end;
    unsigned long seconds;

    if (text == NULL) {
        return 0;
    }
    seconds = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || seconds > MOST) {
        return err_set(e, ERR_USAGE, "listing-delay \"%s\" is not a number of seconds from 0 to %d",
                       text, MOST);
    }
    st->stale_seconds = (unsigned)seconds;
    return 0;
}

/* The driver's storage, as the place's settings want it seen.  Takes st. */
static struct storage *
as_wanted(struct storage *st, const struct storage_location *place, struct err *e)
{
    const char *as_of = storage_location_get(place, "as-of", NULL);
    char       *origin;
    time_t      at;

    if (st->ops->retain == NULL && storage_location_get(place, "object-lock", NULL) != NULL) {
        err_set(e, ERR_USAGE, "object-lock: %s cannot lock what it holds, only S3 buckets can",
                st->location);
        storage_close(st);
        return NULL;
    }
    if (as_of == NULL) {
        return st;
    }
    if (time_parse(as_of, &at, e) == 0) {
        return storage_as_of_new(st, at, e);
    }
    origin = storage_location_origin(place, "as-of", NULL);
    err_wrap(e, "%s", origin);
    free(origin);
    storage_close(st);
    return NULL;
}

struct storage *
storage_open(const struct storage_location *place, bool create, struct err *e)
{
    const char     *colon = strstr(place->location, "://");
    struct storage *st;

    if (colon == NULL) {
        st = storage_file_open(place->location, place, create, e);
        goto out;
    }
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        if (strlen(drivers[i].scheme) == (size_t)(colon - place->location) &&
            strncmp(place->location, drivers[i].scheme, (size_t)(colon - place->location)) == 0) {
            st = drivers[i].open(colon + 3, place, create, e);
            goto out;
        }
    }
    err_set(e, ERR_USAGE, "repository \"%s\": unknown kind of location", place->location);
    err_hint(e, "give the path of a directory, or s3://BUCKET/PREFIX");
    return NULL;
out:
    if (st == NULL) {
        return NULL;
    }
    st->location = xstrdup(place->location);
    if (set_listing_delay(st, place, e) != 0) {
        storage_close(st);
        return NULL;
    }
    return as_wanted(st, place, e);
}

bool
storage_segment_valid(const char *segment)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%-";
    size_t n = strspn(segment, allowed);

    return n > 0 && n < 256 && segment[n] == '\0' && segment[0] != '.';
}

bool
storage_key_valid(const char *key)
{
    char   segment[256];
    size_t n;

    if (strlen(key) >= STORAGE_KEY_MAX) {
        return false;
    }
    for (;; key += n + 1) {
        n = strcspn(key, "/");
        if (n >= sizeof segment) {
            return false;
        }
        memcpy(segment, key, n);
        segment[n] = '\0';
        if (!storage_segment_valid(segment)) {
            return false;
        }
        if (key[n] == '\0') {
            return true;
        }
    }
}

/* Keys are built from validated fields, so a bad one is a bug or an attack: never passed on. */
static int
check_key(const char *key, struct err *e)
{
    return storage_key_valid(key)
        ? 0
        : err_set(e, ERR_CORRUPT, "\"%s\" is not a valid object key", key);
}

static int
check_prefix(const char *prefix, struct err *e)
{
    size_t n = strlen(prefix);
    char  *key;
    int    rc = -1;

    if (n == 0) {
        return 0;
    }
    key = xstrndup(prefix, n - 1);
    if (prefix[n - 1] == '/' && storage_key_valid(key)) {
        rc = 0;
    } else {
        err_set(e, ERR_CORRUPT, "\"%s\" is not a valid prefix of object keys", prefix);
    }
    free(key);
    return rc;
}

int
storage_put(struct storage *st, const char *key, const void *data, size_t size, struct err *e)
{
    struct blob blob = {.data = data, .size = size};

    if (st->lock_days > 0 && lock_covers(key)) {
        blob.retain_until = storage_lock_until(st, time(NULL));
    }
    return check_key(key, e) != 0 ? -1 : st->ops->put(st, key, &blob, e);
}

int
storage_get(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    return check_key(key, e) != 0 ? -1 : st->ops->get(st, key, out, e);
}

int
storage_get_anew(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    if (check_key(key, e) != 0) {
        return -1;
    }
    return st->ops->get_anew != NULL ? st->ops->get_anew(st, key, out, e)
                                     : st->ops->get(st, key, out, e);
}

int
storage_head(struct storage *st, const char *key, struct object_info *info, struct err *e)
{
    return check_key(key, e) != 0 ? -1 : st->ops->head(st, key, info, e);
}

int
storage_list(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    return check_prefix(prefix, e) != 0 ? -1 : st->ops->list(st, prefix, fn, ctx, e);
}

int
storage_dirs(struct storage *st, const char *prefix, storage_dirs_fn *fn, void *ctx, struct err *e)
{
    return check_prefix(prefix, e) != 0 ? -1 : st->ops->dirs(st, prefix, fn, ctx, e);
}

int
storage_remove(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (check_key(keys[i], e) != 0) {
            return -1;
        }
    }
    return st->ops->remove(st, keys, n, e);
}

void
storage_close(struct storage *st)
{
    char *location;

    if (st == NULL) {
        return;
    }
    location = st->location;
    st->ops->close(st);
    free(location);
}
