/* s3/settings.h: object-lock. */
#include <stdlib.h>
#include <string.h>

#include "storage/contract/location.h"
#include "storage/contract/object_lock.h"
#include "storage/drivers/s3/settings_impl.h"

int
s3_lock_settings(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *name = storage_location_get(p, &location_keys[LOCATION_OBJECT_LOCK]);
    const char *days = storage_location_get(p, &location_keys[LOCATION_OBJECT_LOCK_DAYS]);
    char       *end = NULL;
    long        n;

    if (name == NULL && days == NULL) {
        return 0;
    }
    if (name == NULL || days == NULL) {
        return err_set(e, ERR_USAGE,
                       "object-lock and object-lock-days belong together, but %s is not set",
                       name == NULL ? "the first" : "the second");
    }
    if (strcmp(name, "governance") != 0 && strcmp(name, "compliance") != 0) {
        return s3_key_refuse(p, &location_keys[LOCATION_OBJECT_LOCK],
                             "is neither governance nor compliance", e);
    }
    n = strtol(days, &end, 10);
    if (*end != '\0' || n < 1 || n > LOCK_DAYS_MAX) {
        return s3_key_refuse(p, &location_keys[LOCATION_OBJECT_LOCK_DAYS],
                             "is not a number of days from 1 to 36500", e);
    }
    s->lock = *name == 'c' ? S3_LOCK_COMPLIANCE : S3_LOCK_GOVERNANCE;
    s->lock_days = (unsigned)n;
    return 0;
}
