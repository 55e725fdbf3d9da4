/*
 * pins.h - what people say about a backup: pins ("this one stays") and acceptances ("its size is
 * right").
 *
 *   <db>/pins/<backup>.<random>.json   type "pin": backup, note, created, host
 *   <db>/accepted/<backup>.json        type "accept": backup, scope, reason, created, host, tables,
 * rows, raw_bytes
 *
 * The backup's id stands in the name, so that a pin holds even when the object itself cannot be
 * read.
 */
#ifndef STORAGE_REPO_PINS_H
#define STORAGE_REPO_PINS_H

#include <stdbool.h>
#include <time.h>

#include "core/err.h"
#include "core/mem.h"
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

/* A pin that cannot be read counts, an acceptance does not: both with a warning, as both keep
 * more. */
int  pins_load(struct repo *, const char *db, enum pins_kind, struct pins *, struct err *);
void pins_free(struct pins *);

int pin_put(struct repo *, const char *db, const char *backup, const char *note, struct err *);
/* Every pin of it; ERR_NOT_FOUND when there is none. */
int pin_remove(struct repo *, const char *db, const char *backup, struct err *);
/* ERR_EXISTS when it was accepted before. */
int accept_put(struct repo *, const char *db, const struct label *, const char *reason,
               struct err *);

/* ---- for all objects that are named by a backup ---- */

/* The keys of <db>/<dir>/<backup>.…json, sorted. */
int perbackup_list(struct repo *, const char *db, const char *dir, struct strlist *keys,
                   struct err *);
/* Which backup such a key is about (id: BACKUP_ID_MAX); false: it is none. */
bool perbackup_backup(const char *key, char *id);
/* "<db>/<dir>/<backup><suffix>.json", allocated. */
char *perbackup_key(const char *db, const char *dir, const char *backup, const char *suffix);
/* A new object of this type about a backup: when and where it was made. */
json_t *perbackup_object(const char *type, const char *backup);

#endif
