/*
 * restore.h - one restore, from the options to the report.
 *
 *     plan       the backup, its manifest, its schema archive, sorted into phases
 *     preflight  everything that could go wrong, before anything changes
 *     target     the server (perhaps a scratch one), a new database under a working name
 *     define     pre-data                                             both: tables by the workers
 *     load       rows, large objects, indexes                         every worker
 *     finish     the rest, in the order of docs/postgresql.md                both
 *     target     the database gets its name
 *
 * Because of the working name a restore that dies leaves no incomplete database under the requested
 * name.
 */
#ifndef RESTORE_JOB_RESTORE_H
#define RESTORE_JOB_RESTORE_H

#include <stdatomic.h>

#include "pg/archive/archive.h"
#include "pg/archive/entry_list.h"
#include "pg/conn/tools.h"
#include "pg/scratch/scratch.h"
#include "restore/job/options.h"
#include "restore/job/preflight_findings.h"
#include "restore/job/problems.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/read/readahead.h"
#include "storage/repo/repo.h"

/* An index or constraint that is built as soon as its table is loaded. */
struct table_job;
struct loader; /* loaders.h */
struct loaders;

/* Tables whose rows are complete together: one, or all leaves loaded through one ancestor. */
struct load_group {
    const char        *via; /* that ancestor, or NULL */
    struct table_job **v;
    size_t             n, cap;
    int                stage; /* --first: 1 is loaded first; 0: with all that no stage has */
    int                left;  /* tasks; guarded by restore.lock */
};

/* A table of --first (load_first.h). */
struct first_table {
    char                       *name; /* "shop.orders" */
    const struct archive_entry *entry;
    int                         stage;
    uint64_t                    rows;    /* its partitions' among them */
    double                      seconds; /* from the beginning until it was usable; 0: not yet */
    size_t                      waiting; /* indexes and keys that came with the rest */
};

struct table_job {
    const struct manifest_table *table;
    struct load_group           *group;
    struct entry_list            indexes;   /* built early, archive order */
    int                          building;  /* index tasks not done; guarded by restore.lock */
    const struct loader         *loader;    /* of its rows; NULL: the restoring user */
    char                        *qualified; /* quoted */
    bool                         loaded;    /* its rows are there already (replace_resume.c) */
};

struct worker {
    struct pool         *pool; /* that it belongs to, while rows are loaded */
    PGconn              *conn;
    PGconn              *rows;      /* the session for the current rows: conn or as */
    PGconn              *as;        /* a loader's session, or NULL */
    const struct loader *as_loader; /* whose */
    bool                 as_unmade; /* a network has kept it from being made */
    bool                 widened;   /* it is not its owner, but itself */
    struct readahead    *chunks;
    char                 xid[24];     /* of its transaction (lost.h); empty: none */
    int                  pid, as_pid; /* the server's, of conn and as: libpq forgets them */
    int                  n_lost;      /* connections */
    uint64_t             counted_rows, counted_bytes; /* of its transaction, in restore's numbers */
};

struct phase_time {
    const char *name;
    double      seconds;
};

/* The result for a table's rows in an existing database (data_only.h). */
struct live_written {
    char    *table;         /* quoted */
    uint64_t rows, written; /* of the backup; inserted or updated */
};

struct foreign;   /* restore/file/foreign.h */
struct kept;      /* restore/load/kept.h */
struct replace;   /* replace.h */
struct replacing; /* pg/target/replacing.h */

/* What the last drill of the backup found. */
enum restore_drilled {
    RESTORE_DRILL_UNKNOWN,
    RESTORE_NOT_DRILLED,
    RESTORE_DRILL_FOUND,
    RESTORE_PROVEN
};

struct restore {
    const struct options  *o;
    struct repo           *repo;
    struct label          *label;
    struct manifest       *manifest;
    struct pg_tool         pg_restore;
    struct archive_options archive_options;
    struct archive         archive;
    bool                   has_archive;
    bool                   is_part;     /* of the backup: what parts_select() has left of it */
    struct buf             globals;     /* SQL */
    struct strlist         tablespaces; /* that entries set, as in the backup */

    struct entry_list   pre, post, acl, last; /* by phase */
    struct table_job   *tables;
    size_t              n_tables;
    struct load_group  *groups;
    size_t              n_groups;
    struct first_table *first; /* in the order of their stages */
    size_t              n_first, cap_first;

    struct kept *kept;    /* --kept; NULL */
    bool         updates; /* ... the copy is there */

    struct foreign *foreign;           /* --file: instead of repo, label, manifest, archive */
    const char     *source_name;       /* likewise: the database; NULL: it does not say */
    int             source_version;    /* server_version_num; 0: likewise */
    const json_t   *source_properties; /* as the manifest's "database"; NULL */

    struct scratch  *scratch;
    char            *keep_command;       /* how to remove a kept scratch server */
    struct pg_target server;             /* dbname NULL */
    char            *host, *port, *user; /* of the server as connected to */
    PGconn          *maintenance;        /* in another database of the server */
    PGconn          *conn;               /* in the new one */
    char            *name, *working_name;
    char            *tablespace; /* of the new database; NULL: the server's default one */
    char            *backup_id; /* replace.c: the one to restore, whatever is the newest; or NULL */
    struct replace  *replace;   /* ... or NULL */
    struct replacing *replacing;     /* ... what the working database's comment says; or NULL */
    uint64_t          dropped_bytes; /* ... of what it drops first */
    bool              gone;          /* ... nothing else has a claim to the name any more */
    atomic_bool       resumes;       /* objects may be there already (also lost.h) */
    bool              loaded;        /* replace.c: all rows are there already */
    char             *incarnation;   /* of the server (lost.h) */
    int               pid, n_lost;   /* ... of conn; main connections */
    int               maintenance_pid;
    bool              created, renamed;
    json_t           *live;       /* swap.c: properties of the database to be set aside */
    json_t           *properties; /* ... of the new one */
    char             *aside;      /* ... the new name of the other one */
    double            outage_seconds;

    struct loaders      *loaders; /* NULL: none */
    struct worker       *workers;
    pthread_mutex_t      lock;
    struct problems      problems;
    struct preflight     preflight;
    struct strlist       warnings; /* of the preflight, and later ones */
    struct live_written *written;
    size_t               n_written;
    json_t              *differences; /* of --rows (undelete.h), or NULL */
    struct strlist       needed;      /* besides the selected part: "TYPE shop.mood" */
    struct phase_time    phases[16];
    size_t               n_phases;
    double               phase_start, start, seconds;
    double               index_entry_bytes; /* plan_indexes.c */
    double               expected_seconds;  /* expect.h; 0: not known */
    char                 expected_by[BACKUP_ID_MAX];
    enum restore_drilled drilled; /* expect.h */
    time_t               drilled_at;
    uint64_t             rows, bytes, indexes_built;
};

void restore_init(struct restore *, const struct options *);
/* From the plan to the database's name.  0: good, or as much as the options request. */
int  restore_run(struct restore *, struct err *);
void restore_free(struct restore *); /* after target_end() */

/* phase.c: ends the running phase and starts the next (name NULL: none). */
void restore_phase(struct restore *, const char *name);

/* phase.c: says it, and remembers it for the report.  Takes the text. */
void restore_warn(struct restore *, char *text);

/* plan.c */
int plan_read(struct restore *, struct err *);
/* Entries by phase, tables with their early indexes: again after archive or manifest changed. */
void plan_phases(struct restore *);
void plan_forget(struct restore *);
/* Of the objects to restore: all, or a part. */
struct plan_sizes {
    uint64_t rows, bytes /* of COPY */, relation_bytes;
};
struct plan_sizes plan_sizes(const struct restore *);
/* plan_indexes.c, estimated.  First of the whole archive, then of what is left of it. */
struct plan_index_sizes {
    uint64_t bytes /* of all */, largest_bytes;
};
void                    plan_index_entries(struct restore *);
struct plan_index_sizes plan_index_sizes(const struct restore *);
/* plan_tables.c: which index goes with which table, which tables are complete together. */
void plan_tables(struct restore *);

/* preflight.c: opens the target.  0: go on; -1: everything found is in *e or was logged. */
int preflight_run(struct restore *, struct err *);
/* Before rows go into a database that exists; without a server. */
int preflight_live(struct restore *, struct err *);

/* target.c */
int     target_open(struct restore *, struct err *); /* server, maintenance connection */
char   *target_name(const struct restore *);         /* "db1:5432", "a scratch server"; allocated */
int     target_create(struct restore *, struct err *); /* database, roles, connection */
int     target_schemas(struct restore *,
                       struct err *); /* of a selection: those that no entry creates */
PGconn *target_connect(struct restore *,
                       struct err *);        /* one more connection to the new database */
void    target_disconnect(struct restore *); /* ... all of these */
/* Takes up a working database that is there, and whole. */
int target_take_up(struct restore *, struct err *);
/* Drops a working database, with its subscriptions, which would keep it from being dropped. */
int target_drop(struct restore *, const char *name, struct err *);
/* Removes what a failed restore made (unless asked to keep it), stops the scratch server or keeps
 * it. */
void target_end(struct restore *, bool failed);
/* Gives it the connection limit that it shall have: until then only superusers get in. */
int target_open_to_others(struct restore *, struct err *);
/* ... the statement; allocated. */
char *target_opening(const struct restore *);

/* publish.c: gives the database its name. -1: what was restored is kept under its working name, or
 * after a signal, target_end() removes it. */
int target_publish(struct restore *, struct err *);

/* load.c, finish.c */
int load_run(struct restore *, int stage, struct err *); /* of tables: 0, or one of --first */
int finish_run(struct restore *, struct err *);

/* report.c */
void report_begin(const struct restore *); /* what is about to be written where */
/* Which database, where, how old: allocated. */
char *report_what(const struct restore *);
int   report_list(const struct restore *, struct err *);
void  report_list_text(const struct restore *); /* report_list.c */
int   report_result(const struct restore *, int status, const struct err *why,
                    struct err *); /* why it failed, if it did */

#endif
