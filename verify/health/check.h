/*
 * check.h - a check of a running server: its query, the right that it needs, and what its rows
 * mean.
 *
 * Checks are tables of rows that health.c and xid.c run one after the other over one connection.
 * Each statement is a transaction of its own, read only, with limits for its time and for locks
 * (session.h): a locked table or a slow catalog makes one check "could not be made", and the next
 * goes on.  So does a right that the role does not have.
 */
#ifndef VERIFY_HEALTH_CHECK_H
#define VERIFY_HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/report/watch.h"
#include "pg/conn/conn.h"
#include "verify/health/limits.h"

/* What a role must be for a check.  Superusers are all. */
enum health_right {
    RIGHT_NONE,
    RIGHT_STATS,    /* pg_read_all_stats: what other roles' sessions do */
    RIGHT_SETTINGS, /* pg_read_all_settings */
    RIGHT_WAL_DIR,  /* EXECUTE on pg_ls_waldir(): pg_monitor has it */
};

enum health_where { ANY_SERVER, PRIMARY_ONLY, STANDBY_ONLY };

struct health {
    PGconn                     *conn;
    int                         version; /* server_version_num */
    bool                        standby;
    bool                        rights[RIGHT_WAL_DIR + 1];
    const struct health_limits *limits;
    struct watch_report        *report;
};

struct health_check {
    const char       *name;
    enum health_where where;
    enum health_right right;
    /* The query for servers from a version on; the first that fits is run. */
    struct {
        int         from;
        const char *sql;
    } queries[3];
    void (*judge)(struct health *, const PGresult *);
};

/* Runs a table of checks, which ends with name NULL.  -1: the connection is lost (that is a finding
 * of the check under way); the rest are then "could not be made". */
int checks_run(struct health *, const struct health_check *);
/* A query of a judge's own, with the same limits; NULL: the check has the finding already. */
PGresult *check_query(struct health *, const char *sql);

/* Cells by column name; a NULL is 0 or "". */
int64_t     cell_int(const PGresult *, int row, const char *column);
double      cell_real(const PGresult *, int row, const char *column);
bool        cell_true(const PGresult *, int row, const char *column);
bool        cell_null(const PGresult *, int row, const char *column);
const char *cell_text(const PGresult *, int row, const char *column);

#endif
