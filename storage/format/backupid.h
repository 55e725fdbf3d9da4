/*
 * backupid.h - the id of a backup, and the keys of its objects.
 */
#ifndef STORAGE_FORMAT_BACKUPID_H
#define STORAGE_FORMAT_BACKUPID_H

#include <stdbool.h>

enum { BACKUP_ID_MAX = 32, RUN_MARK_MAX = 17 };

/* An id as writer_begin() makes them: 20261121T021500Z-4f2a.  Ids sort by time: one taken
 * after a backup whose clock was ahead, by less than an hour, has a time after that one's. */
bool backup_id_valid(const char *);
/* "<db>/backups/<id>/<object>", db encoded.  Allocated. */
char *backup_key(const char *db, const char *id, const char *object);
/* "<db>/baselines/<id>/<object>", of a baseline (storage/repo/baselines.h), whose ids look alike.
 */
char *baseline_key(const char *db, const char *id, const char *object);
/* The object that is its label. */
#define BASELINE_LABEL "baseline.json"

#endif
