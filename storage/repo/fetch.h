/*
 * fetch.h - many small objects, read side by side.
 *
 * A distant store takes 30 to 100 ms for each, whatever its size: two thousand labels one after
 * another are minutes.  On a store that answers at once (storage.h, distant) they are read one
 * after another, in their order.
 */
#ifndef STORAGE_REPO_FETCH_H
#define STORAGE_REPO_FETCH_H

#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "storage/contract/storage.h"

struct fetch {
    char      *key; /* the caller's; NULL: there is nothing to read */
    struct buf raw; /* the object; its limit is set by the caller */
    struct err err; /* why it could not be read; ERR_NONE: it was */
};

void fetch_all(struct storage *, struct fetch *, size_t n);

#endif
