/*
 * job.h - the state of one backup while it runs; shared by run.c and the files that it calls.
 */
#ifndef BACKUP_JOB_H
#define BACKUP_JOB_H

#include "backup/destinations.h"
#include "backup/engine.h"
#include "backup/facts.h"
#include "backup/run.h"
#include "backup/unread.h"
#include "storage/repo/source.h"

struct job {
    const struct backup_request *run;
    const struct database       *db;
    struct options               o; /* of this database */
    bool                         have_options;
    struct pg_target             target;
    char                        *name, *dbname;
    struct repo_source           source;
    double                       clock_off; /* seconds that this host's is ahead of the server's */
    struct destinations          to;
    struct fanout               *fanout;
    struct deltas               *deltas;
    struct selection             selection;
    struct snapshot              snapshot;
    struct manifest             *manifest;
    struct label                *label;
    struct unread_sums           unread;
    double                       began;
    bool                         again; /* after the last failure, try again from the snapshot on */
};

/* Options, connection, name, repositories and this host's locks on them.  job is zeroed but for
 * run and db. */
int  job_open(struct job *, struct err *);
void job_close(struct job *);

/* Snapshot, rows, archive and globals into job->manifest. */
int job_take(struct job *, struct err *);

/* --dry-run: the planned backup, as a label with tables, sizes and warnings. */
int job_plan(struct job *, uint64_t *relation_bytes, struct err *);

#endif
