/*
 * doctor.h - `storage doctor`: does a store do what this suite needs?
 *
 * Each probe tries one thing on the real store, below a throw-away prefix "doctor-<random>/", and
 * adds what it saw to the findings: nothing that is found is an error.  A probe that cannot be
 * tried because an earlier one failed says nothing.  Everything that was written is removed at the
 * end, also after a signal.
 *
 * What is written stands below "doctor-<random>/runs/", because that is where a backup-only key may
 * remove things.
 */
#ifndef STORAGE_DOCTOR_DOCTOR_H
#define STORAGE_DOCTOR_DOCTOR_H

#include "storage/commands/cmd.h"
#include "storage/contract/location.h"
#include "storage/contract/storage.h"

enum doctor_verdict {
    DOCTOR_GOOD, /* works */
    DOCTOR_NOTE, /* worth knowing; nothing needs it */
    DOCTOR_BAD,  /* something that is needed does not work */
};

struct doctor_finding {
    const char         *probe; /* "put": stable, for --json */
    enum doctor_verdict verdict;
    char               *text;   /* what was seen, one sentence */
    char               *advice; /* what to do about it; NULL: nothing */
};

struct doctor {
    const struct storage_location *place;
    struct storage                *st;         /* NULL: it could not be opened */
    char                           prefix[48]; /* "doctor-<16 digits>/runs/" */
    bool                           may_put, may_list;
    bool                           had_tmp;          /* a directory's .tmp was there before us */
    bool                           versioned, locks; /* the bucket does */
    struct strlist                 made;     /* keys of what was written, and not yet removed */
    struct strlist                 settings; /* "key = value", for the [repo NAME] of an S3 store */
    struct doctor_finding         *v;
    size_t                         n, cap;
};

/* advice may be NULL. */
void doctor_add(struct doctor *, const char *probe, enum doctor_verdict, const char *advice,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* What an error says, with its hint as advice; clears it. */
void doctor_failed(struct doctor *, const char *probe, const char *what, struct err *);
/* prefix + name.  Allocated. */
char *doctor_key(const struct doctor *, const char *name);
/* Stores n bytes under prefix + name and remembers to remove it. */
int doctor_put(struct doctor *, const char *name, const void *, size_t n, struct err *);

/* Remembers to remove a key. */
void doctor_made(struct doctor *, const char *key);

/* ---- the probes ---- */

void doctor_objects(struct doctor *);   /* put, get, head, list, write-once, clock: any store */
void doctor_remove(struct doctor *);    /* remove, rights */
void doctor_speed(struct doctor *);     /* latency and throughput */
void doctor_directory(struct doctor *); /* a directory: file system, fsync, link, space */
void doctor_directory_leave(struct doctor *); /* the empty directories that removed objects leave */
bool doctor_s3_reach(
    struct doctor *); /* an S3 store: endpoint, credentials, bucket, style; false: of no use */
void doctor_s3_pages(
    struct doctor *); /* while what doctor_objects() wrote is there: pages of listings */
void doctor_s3_objects(
    struct doctor *); /* checksums, conditional writing, sse and storage-class as set */
void doctor_s3_bucket(struct doctor *);   /* versions and Object Lock */
void doctor_s3_settings(struct doctor *); /* fills settings */
/* The IAM policies: {"backup": …, "prune": …, "restore": …}, or as text. */
json_t *doctor_s3_policies(const struct doctor *);
void    doctor_s3_print_policies(const struct doctor *);
void    doctor_clear(struct doctor *); /* removes what was written, and looks whether it is gone */

#endif
