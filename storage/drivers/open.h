/*
 * open.h - from a location to a storage: choosing the driver, and applying the location's settings.
 */
#ifndef STORAGE_DRIVERS_OPEN_H
#define STORAGE_DRIVERS_OPEN_H

#include <stdbool.h>

#include "core/err.h"
#include "storage/contract/location.h"
#include "storage/contract/storage.h"

/* create: make the directory when it is missing, ERR_EXISTS when it is not empty (init only). */
struct storage *storage_open(const struct storage_location *, bool create, struct err *);

/* i = 0, 1, ...: the keys of [repo NAME] that belong to a driver; NULL at the end. */
const struct config_key *storage_driver_keys(size_t i);

#endif
