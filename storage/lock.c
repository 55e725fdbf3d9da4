#include "storage/lock.h"

time_t
storage_lock_until(const struct storage *st, time_t now)
{
    const time_t day = 86400;
    const time_t step = LOCK_STEP_DAYS * day;

    return st->lock_days == 0 ? 0 : (now + (time_t)st->lock_days * day + step - 1) / step * step;
}

int
storage_put_locked(struct storage *st, const char *key, const void *data, size_t size, time_t until, struct err *e)
{
    struct blob blob = {.data = data, .size = size, .retain_until = until};

    if (!storage_key_valid(key)) {
        return err_set(e, ERR_CORRUPT, "\"%s\" is not a valid object key", key);
    }
    return st->ops->put(st, key, &blob, e);
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
