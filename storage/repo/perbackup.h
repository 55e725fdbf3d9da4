/*
 * perbackup.h - objects that say something about one backup and have its id in their name, so that
 * they hold even when they cannot be read: <db>/<dir>/<backup>.….json.
 */
#ifndef STORAGE_REPO_PERBACKUP_H
#define STORAGE_REPO_PERBACKUP_H

#include <stdbool.h>

#include "core/json.h"
#include "storage/format/backupid.h"
#include "storage/repo/repo.h"

/* The keys of <db>/<dir>/<backup>.…json, sorted. */
int perbackup_list(struct repo *, const char *db, const char *dir, struct strlist *keys,
                   struct err *);
/* The backup that such a key is about (id: BACKUP_ID_MAX); false: not such a key. */
bool perbackup_backup(const char *key, char *id);
/* "<db>/<dir>/<backup><suffix>.json", allocated. */
char *perbackup_key(const char *db, const char *dir, const char *backup, const char *suffix);
/* A new object of this type about a backup, with the time and host of its making. */
json_t *perbackup_object(const char *type, const char *backup);

#endif
