#include "storage/contract/object_lock.h"

#include <string.h>

static bool
begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool
lock_covers(const char *key)
{
    const char *in_db = strchr(key, '/');

    if (in_db == NULL) {
        return begins(key, "repo.") || begins(key, "keys.");
    }
    return begins(in_db, "/chunks/") || begins(in_db, "/backups/") || begins(in_db, "/source.");
}

time_t
storage_lock_until(const struct storage *st, time_t now)
{
    const time_t day = 86400;
    const time_t step = LOCK_STEP_DAYS * day;

    return st->lock_days == 0 ? 0 : (now + (time_t)st->lock_days * day + step - 1) / step * step;
}
