/*
 * drivers.h - storage drivers that only tests have.  storage_close() frees them.
 */
#ifndef TESTS_SUPPORT_DRIVERS_H
#define TESTS_SUPPORT_DRIVERS_H

#include <stdbool.h>

#include "storage/contract/storage.h"

/* Keeps everything in memory, and nothing after it is closed. */
struct storage *storage_memory_new(void);

/* Wraps another: its n-th call (from 1; 0: none) fails with ERR_IO, before the effect or (with
 * after) when the effect has happened.  Owns what it wraps.  *calls counts. */
struct storage *storage_failing_new(struct storage *, unsigned n, bool after, unsigned *calls);
/* Its n-th put() says that it did and does nothing, as whoever stands between a host and its store
 * may say.  *calls counts put()s. */
struct storage *storage_lying_new(struct storage *, unsigned n, unsigned *calls);

#endif
