#include "storage/contract/storage.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "storage/contract/object_lock.h"

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

static int
add_key(void *ctx, const struct object_info *info, struct err *e)
{
    (void)e;
    strlist_add(ctx, info->key);
    return 0;
}

int
storage_list_keys(struct storage *st, const char *prefix, struct strlist *keys, struct err *e)
{
    return storage_list(st, prefix, add_key, keys, e);
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

int
storage_replace(struct storage *st, const char *key, const void *data, size_t size, struct err *e)
{
    return storage_remove(st, &key, 1, e) != 0 ? -1 : storage_put(st, key, data, size, e);
}

int
storage_retain(struct storage *st, const char *key, time_t until, struct err *e)
{
    struct object_info info;

    if (until == 0) {
        return 0;
    }
    if (storage_head(st, key, &info, e) != 0) {
        return -1;
    }
    return info.retain_until >= until ? 0 : st->ops->retain(st, key, until, e);
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
