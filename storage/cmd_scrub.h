/*
 * cmd_scrub.h - what a scrub of one database finds, and what of it hangs on the bad objects.
 */
#ifndef STORAGE_CMD_SCRUB_H
#define STORAGE_CMD_SCRUB_H

#include "storage/cmd.h"
#include "storage/known.h"

/* An object that was read twice and is not what was written. */
struct bad_object {
    struct chunk_name name;
    bool              missing;
    bool              healed;      /* a good object with the same content stands beside it */
    char             *problem;
    struct strlist    backups;     /* that refer to it */
    struct strlist    tables;      /* "schema.name", of any of them */
};

/* A backup whose label, chunk list or manifest is bad. */
struct bad_backup {
    char  id[BACKUP_ID_MAX];
    char *problem;
};

struct scrub {
    struct repo       *repo;
    const char        *db;
    struct backup_list backups;
    struct known_set   objects;    /* everything that any of them refers to */
    uint64_t           bytes;      /* stored */
    struct bad_object *bad;         size_t n_bad, cap_bad;
    struct bad_backup *bad_backups; size_t n_bad_backups, cap_bad_backups;
    size_t             condemned;  /* newly */
};

/* Reads everything; what is bad is found, not an error. */
int  scrub_run(struct scrub *, int jobs, bool quiet, struct err *);
/* Fills in which backups and tables the bad objects touch. */
int  scrub_trace(struct scrub *, struct err *);
/* Condemns what is bad and not yet condemned, so that the next backup writes it anew. */
int  scrub_condemn(struct scrub *, struct err *);
bool scrub_good(const struct scrub *);       /* nothing is lost */
void scrub_damaged(struct scrub *, const char *backup, const char *problem);
void scrub_free(struct scrub *);

#endif
