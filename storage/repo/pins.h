/*
 * pins.h - what users say about a backup: pins ("this one stays") and acceptances ("its size is
 * right").
 *
 *   <db>/pins/<backup>.<random>.json   type "pin": backup, note, created, host
 *   <db>/accepted/<backup>.json        type "accept": backup, scope, reason, created, host, tables,
 *                                      rows, raw_bytes
 *
 * The backup's id is part of the name, so that a pin holds even when the object itself cannot be
 * read.
 */
#ifndef STORAGE_REPO_PINS_H
#define STORAGE_REPO_PINS_H

#include <stdbool.h>
#include <time.h>

#include "core/err.h"
#include "storage/format/label.h"
#include "storage/repo/repo.h"

enum pins_kind { PINS_PINNED, PINS_ACCEPTED };

struct pin {
    char   backup[BACKUP_ID_MAX];
    char  *key;
    char  *text;  /* note or reason; of a pin that cannot be read NULL */
    char  *scope; /* of PINS_ACCEPTED */
    time_t created;
};

struct pins {
    struct pin *v; /* ascending by backup */
    size_t      n, cap;
};

/* An unreadable pin counts, an unreadable acceptance does not (both with a warning): either way
 * more is kept. */
int  pins_load(struct repo *, const char *db, enum pins_kind, struct pins *, struct err *);
void pins_free(struct pins *);

int pin_put(struct repo *, const char *db, const char *backup, const char *note, struct err *);
/* Every pin of it; ERR_NOT_FOUND when there is none. */
int pin_remove(struct repo *, const char *db, const char *backup, struct err *);
/* ERR_EXISTS when it is accepted already. */
int accept_put(struct repo *, const char *db, const struct label *, const char *reason,
               struct err *);

#endif
