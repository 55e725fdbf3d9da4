#include "storage/drivers/open.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/when.h"
#include "storage/contract/location.h"
#include "storage/contract/versions.h"
#include "storage/drivers/file/file.h"
#include "storage/drivers/s3/s3.h"

/* The schemes of locations, and each driver's own keys of [repo NAME] (NULL: none).  A location
 * without a scheme is a path. */
static const struct driver {
    const char *scheme;
    struct storage *(*open)(const char *rest, const struct storage_location *, bool create,
                            struct err *);
    const struct config_key *keys;
    const char              *one, *several; /* in words */
} drivers[] = {
    {"file", storage_file_open, NULL, "a directory", "directories"},
    {"s3", storage_s3_open, s3_keys, "an S3 store", "S3 stores"},
};
enum { N_DRIVERS = sizeof drivers / sizeof drivers[0] };

const struct config_key *
storage_driver_keys(size_t i)
{
    for (size_t k = 0; k < N_DRIVERS; k++) {
        if (drivers[k].keys != NULL && i-- == 0) {
            return drivers[k].keys;
        }
    }
    return NULL;
}

/* A section's keys for another kind of store would have no effect here.  Options may be meant for
 * another repository of the run. */
static int
check_section(const struct storage_location *place, const struct driver *d, struct err *e)
{
    for (size_t i = 0; i < N_DRIVERS; i++) {
        const struct config_key *k = &drivers[i] == d ? NULL : drivers[i].keys;

        for (; k != NULL && k->name != NULL; k++) {
            if (storage_location_has(place, k)) {
                return err_set(e, ERR_USAGE, "%s: [repo %s]: %s is for %s, and \"%s\" is %s",
                               config_path(place->config), place->section, k->name,
                               drivers[i].several, place->location, d->one);
            }
        }
    }
    return 0;
}

/* How old its listings may be, if the user has set it. */
static int
set_listing_delay(struct storage *st, const struct storage_location *place, struct err *e)
{
    enum { MOST = 3600 };
    const char   *text = storage_location_get(place, &location_keys[LOCATION_LISTING_DELAY]);
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

/* The driver's storage with the location's settings applied.  Takes ownership of st. */
static struct storage *
as_wanted(struct storage *st, const struct storage_location *place, struct err *e)
{
    const char *as_of = storage_location_get(place, &location_keys[LOCATION_AS_OF]);
    char       *origin;
    struct when at;

    if (st->ops->retain == NULL &&
        storage_location_get(place, &location_keys[LOCATION_OBJECT_LOCK]) != NULL) {
        err_set(e, ERR_USAGE, "object-lock: %s cannot lock what it holds, only S3 buckets can",
                st->location);
        storage_close(st);
        return NULL;
    }
    if (as_of == NULL) {
        return st;
    }
    if (when_parse(as_of, time(NULL), &at, e) == 0) {
        return storage_as_of_new(st, at.from, e);
    }
    origin = storage_location_origin(place, &location_keys[LOCATION_AS_OF]);
    err_wrap(e, "%s", origin);
    free(origin);
    storage_close(st);
    return NULL;
}

/* NULL: no driver for such locations. */
static const struct driver *
driver_of(const char *location, const char **rest)
{
    const char *colon = strstr(location, "://");

    *rest = colon == NULL ? location : colon + 3;
    for (size_t i = 0; colon != NULL && i < N_DRIVERS; i++) {
        if (strlen(drivers[i].scheme) == (size_t)(colon - location) &&
            strncmp(location, drivers[i].scheme, (size_t)(colon - location)) == 0) {
            return &drivers[i];
        }
    }
    return colon == NULL ? &drivers[0] : NULL;
}

struct storage *
storage_open(const struct storage_location *place, bool create, struct err *e)
{
    const char          *rest;
    const struct driver *d = driver_of(place->location, &rest);
    struct storage      *st;

    if (d == NULL) {
        err_set(e, ERR_USAGE, "repository \"%s\": unknown kind of location", place->location);
        err_hint(e, "give the path of a directory, or s3://BUCKET/PREFIX");
        return NULL;
    }
    if (check_section(place, d, e) != 0 || (st = d->open(rest, place, create, e)) == NULL) {
        return NULL;
    }
    st->location = xstrdup(place->location);
    if (set_listing_delay(st, place, e) != 0) {
        storage_close(st);
        return NULL;
    }
    return as_wanted(st, place, e);
}
