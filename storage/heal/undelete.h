/*
 * undelete.h - recovering what was removed from a bucket that keeps versions.
 *
 * A removal is a delete marker on top of the object's versions: removing the marker brings the
 * object back.  Only markers not older than a given time are touched, and only of the objects of
 * backups: run marks, trash and condemned lists stay removed.  Labels come last: a backup reappears
 * only when all that it needs is there.
 */
#ifndef STORAGE_HEAL_UNDELETE_H
#define STORAGE_HEAL_UNDELETE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/contract/storage.h"

struct undelete_request {
    struct storage *st;
    const char     *below; /* "<db>/", encoded; "" for the repository's own, repo.<n>.json and
                              keys.<epoch>.<n>.json */
    time_t since;          /* by the store's clock */
    bool   dry_run;        /* only find */
    int (*tick)(void *ctx, struct err *); /* called now and then, or NULL */
    void *ctx;
};

struct undelete_result {
    uint64_t       objects; /* that are there again, or would be */
    struct strlist backups; /* ids of the labels among them */
};

int  undelete(const struct undelete_request *, struct undelete_result *, struct err *);
void undelete_result_free(struct undelete_result *);

#endif
