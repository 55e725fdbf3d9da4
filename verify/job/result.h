/*
 * result.h - the verdict of one run: the findings, and the extent of "equal".
 *
 * Printed for people (findings, then a small block), or as JSON (docs/json.md).
 */
#ifndef VERIFY_JOB_RESULT_H
#define VERIFY_JOB_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/report/finding.h"
#include "storage/format/label.h"
#include "verify/job/control.h"
#include "verify/job/options.h"

/* What was actually compared. */
struct result_compared {
    bool     contents;            /* fingerprints, not just counts */
    bool     estimates;           /* not even counts of the biggest tables, and no definitions */
    uint64_t static_tables;       /* contents of these, and of no others */
    uint64_t tables, rows, bytes; /* bytes of COPY data read */
    uint64_t objects;             /* entries of the schema */
    uint64_t sequences, matviews, large_objects, extensions;
    uint64_t roles; /* and the rest of the globals; never by a drill */
};

/* What `objects` read. */
struct result_stored {
    uint64_t databases, backups, objects, bytes;
    uint64_t deltas; /* put together, of the newest backup or the one that was meant */
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

/* Who says so, when and where: what somebody who reads it later asks. */
struct result_circumstances {
    time_t started, finished;
    char   host[256];  /* that it ran on */
    char  *repository; /* its location; NULL: none was opened */
    char   repo_id[33];
    char   signer[17]; /* key that the run signs with; empty: none */
};

/* The copy that a drill compared. */
struct result_copy {
    bool     warm;                /* kept, and brought up to the backup; else made from nothing */
    char    *why;                 /* ... although one was to be kept; NULL: it was not */
    uint64_t tables, rows, bytes; /* of COPY data: loaded by this drill */
    time_t   cold;                /* warm: when the last cold drill began */
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
    char                  *database; /* configured name, or NULL */
    char                  *against;  /* "a restore on PostgreSQL 15.20", "shop at db1" */
    json_t                *xid;      /* the source's ages, from the manifest; owned */
    json_t                *checks, *times, *targets; /* result_parts.h; NULL: none */
    json_t                *xid_now; /* live: those of the server now (health.h); owned */
    struct strlist         lines;   /* live: the same for people */
    json_t *tables;       /* what was wanted and found of each (compare/rows.c); NULL: none */
    bool    lists_tables; /* ... and for people, each in a line */
    struct result_circumstances circumstances;
    struct result_control       control;    /* drill: its self-test */
    struct result_copy          copy;       /* drill */
    double                      recovery_s; /* drill: scratch server, restore; of a warm one, that
                                               of the last cold one */
    double seconds;                         /* all of it */
    bool   recorded;                        /* drill: the repository keeps the result */
    char  *keep_command;                    /* removes a kept scratch server */
    char  *reach_command;                   /* and reaches it */
};

void result_init(struct verify_result *, enum verb);
/* Notes where it runs, and what it reads; repo NULL: none was opened. */
void result_note_begin(struct verify_result *, time_t started);
void result_note_end(struct verify_result *, const struct repo *);
/* What was found is forgotten: all is compared once more. */
void result_begin_anew(struct verify_result *);
/* "warm: 2 tables, 15 rows loaded ...", "cold: nothing was kept"; allocated. */
char *result_copy_text(const struct verify_result *);
/* EXIT_GOOD or EXIT_DIFFERENT. */
int result_exit_status(const struct verify_result *);
/* As --json prints it (docs/json.md). */
json_t *result_json(const struct verify_result *);
/* quiet: only what is wrong. */
int  result_print(const struct verify_result *, bool json, bool quiet, struct err *);
void result_free(struct verify_result *);

#endif
