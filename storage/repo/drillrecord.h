/*
 * drillrecord.h - what drills found: a backup is proven when the last drill of it found no
 * difference.
 *
 *   <db>/drills/<backup>.<time>-<random>.json   type "drill" (docs/repository-format.md)
 *
 * A record is about one label: it counts only while the SHA-256 of the label's line agrees, so that
 * a copy in another repository needs its own drill.  Records outlive their backup, as a history of
 * recovery times.
 */
#ifndef STORAGE_REPO_DRILLRECORD_H
#define STORAGE_REPO_DRILLRECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/crypto/hash.h"
#include "core/err.h"
#include "storage/format/label.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/repo.h"

struct drill_record {
    char                 backup[BACKUP_ID_MAX];
    char                 label_sha256[SHA256_HEX + 1];
    bool                 readable;       /* false: the rest is unknown */
    bool                 equal;          /* all was compared, and nothing differs */
    bool                 allow_unsigned; /* drilled with --allow-unsigned: read as not equal */
    time_t               started, finished;
    double               recovery_seconds; /* until the copy could have been used */
    uint64_t             different, not_compared;
    uint64_t             tables, rows, bytes; /* compared by their contents */
    uint64_t             damages, noticed;    /* of the drill's self-test; 0: it had none */
    char                *against;             /* "a restore on PostgreSQL 15.20" */
    const char          *copy; /* drill_record_put(): "cold", or warm and how; or NULL */
    const struct json_t *times,
        *targets;   /* drill_record_put(): as the drill prints them; or NULL */
    unsigned epoch; /* drill_record_put(): of the backup; if it is encrypted, what was compared, and
                       against what, is hidden: without a key it is read as 0 and NULL */
};

struct drill_records {
    struct drill_record *v; /* by backup, the oldest first */
    size_t               n, cap;
};

/* *key: where it lies, allocated; or NULL. */
int drill_record_put(struct repo *, const char *db, const struct drill_record *, char **key,
                     struct err *);
/* Those of the backups in the list.  An unreadable one is marked so, with a warning. */
int drill_records_load(struct repo *, const char *db, const struct backup_list *,
                       struct drill_records *, struct err *);
/* Of this backup or, if it has none, of the newest that has one: the last.  At most one is read. */
int drill_records_nearest(struct repo *, const char *db, const char *backup, struct drill_records *,
                          struct err *);
void drill_records_free(struct drill_records *);

/* The last one about exactly this label; NULL: none. */
const struct drill_record *drill_record_of(const struct drill_records *, const struct label *);

#endif
