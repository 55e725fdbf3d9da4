/*
 * result.h - the verdict of one run: the findings, and the extent of "equal".
 *
 * Printed for people (findings, then a small block), or as JSON (docs/json.md).
 */
#ifndef VERIFY_RESULT_H
#define VERIFY_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/report/finding.h"
#include "storage/format/label.h"
#include "verify/options.h"

/* What was actually compared. */
struct result_compared {
    bool     contents;            /* fingerprints, not just counts */
    uint64_t tables, rows, bytes; /* bytes of COPY data read */
    uint64_t objects;             /* entries of the schema */
    uint64_t sequences, matviews, large_objects, extensions;
    uint64_t roles; /* and the rest of the globals; never by a drill */
};

/* What `objects` read. */
struct result_stored {
    uint64_t databases, backups, objects, bytes;
};

/* What `chain` looked at. */
struct result_chained {
    uint64_t databases, labels, tombstones, signers;
};

/* What a key was shown to open. */
struct result_proven {
    char    *database, *key_name;
    char     backup[BACKUP_ID_MAX];
    char     key[KEY_ID_HEX + 1];
    uint64_t chunks, bytes; /* of plain text, besides the manifest */
};

enum verb { VERB_DRILL, VERB_LIVE, VERB_OBJECTS, VERB_CHAIN, VERB_KEY_DRILL };

struct verify_result {
    enum verb              verb;
    struct findings        findings;
    struct result_compared compared;
    struct result_stored   stored;
    struct result_chained  chained;
    const struct label    *label;  /* borrowed; NULL for objects and chain */
    struct result_proven  *proven; /* by key-drill */
    size_t                 n_proven, cap_proven;
    char                  *database;      /* configured name, or NULL */
    char                  *against;       /* "a restore on PostgreSQL 15.20", "shop at db1" */
    json_t                *xid;           /* the source's ages, from the manifest; owned */
    double                 recovery_s;    /* drill: scratch server, restore */
    double                 seconds;       /* all of it */
    bool                   recorded;      /* drill: the repository keeps the result */
    char                  *keep_command;  /* removes a kept scratch server */
    char                  *reach_command; /* and reaches it */
};

void result_init(struct verify_result *, enum verb);
/* EXIT_GOOD or EXIT_DIFFERENT. */
int result_exit_status(const struct verify_result *);
/* quiet: only what is wrong. */
int  result_print(const struct verify_result *, bool json, bool quiet, struct err *);
void result_free(struct verify_result *);

#endif
