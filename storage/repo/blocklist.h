/*
 * blocklist.h - <db>/trash/<time> and <db>/condemned/<time>: objects that must not be reused.
 *
 * A JSON object of type "trash" or "condemned" with "names": the names below <db>/chunks/, sorted.
 * They name objects, never ids: another object with the same content is not meant.
 */
#ifndef STORAGE_REPO_BLOCKLIST_H
#define STORAGE_REPO_BLOCKLIST_H

#include "core/err.h"
#include "core/mem.h"
#include "storage/repo/repo.h"

#define BLOCKLIST_BYTES_MAX ((size_t)64 << 20)

typedef int blocklist_fn(void *ctx, const char *name, struct err *);

/* Every name in every list of this type of the database.  A list that goes away meanwhile makes
 * it begin anew (names are given again): what it still had to say was written into another
 * before. *unreadable: how many lists could not be understood (each was warned about). */
int blocklist_each(struct repo *, const char *db, const char *type, blocklist_fn *, void *ctx,
                   unsigned *unreadable, struct err *);
/* Every name in one of them; ERR_NOT_FOUND, ERR_CORRUPT. */
int blocklist_read(struct repo *, const char *key, const char *type, blocklist_fn *, void *ctx,
                   struct err *);
/* Writes one under a key that nobody else uses; names are sorted. */
int blocklist_write(struct repo *, const char *key, const char *type, const struct strlist *names,
                    struct err *);
#endif
