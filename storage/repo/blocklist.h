/*
 * blocklist.h - <db>/trash/<time> and <db>/condemned/<time>: objects that must not be reused.
 *
 * A JSON object of type "trash" or "condemned" with "names": the names below <db>/chunks/, sorted.
 * They name objects, never ids: another object with the same content is not affected.
 */
#ifndef STORAGE_REPO_BLOCKLIST_H
#define STORAGE_REPO_BLOCKLIST_H

#include "core/err.h"
#include "core/mem.h"
#include "storage/repo/repo.h"

#define BLOCKLIST_BYTES_MAX ((size_t)64 << 20)

typedef int blocklist_fn(void *ctx, const char *name, struct err *);

/* Every name in every list of this type of the database.  If a list is removed meanwhile, it starts
 * over (names are reported again): what was still valid in it was written to another one first.
 * *unreadable: the number of lists that could not be read (each with a warning). */
int blocklist_each(struct repo *, const char *db, const char *type, blocklist_fn *, void *ctx,
                   unsigned *unreadable, struct err *);
/* Every name in one of them; ERR_NOT_FOUND, ERR_CORRUPT. */
int blocklist_read(struct repo *, const char *key, const char *type, blocklist_fn *, void *ctx,
                   struct err *);
/* Writes one under a unique key; names are sorted. */
int blocklist_write(struct repo *, const char *key, const char *type, const struct strlist *names,
                    struct err *);
#endif
