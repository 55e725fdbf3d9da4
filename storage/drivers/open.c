#include "storage/drivers/open.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "storage/contract/location.h"
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
