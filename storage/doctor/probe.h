/*
 * probe.h - functions common to the doctor's probes, and the probes.
 */
#ifndef STORAGE_DOCTOR_PROBE_H
#define STORAGE_DOCTOR_PROBE_H

#include "storage/doctor/doctor.h"

/* advice may be NULL. */
void doctor_add(struct doctor *, const char *probe, enum finding_class, const char *advice,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Adds an error, with its hint as advice; clears it. */
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
    struct doctor *); /* an S3 store: endpoint, credentials, bucket, style; false: unusable */
void doctor_s3_pages(
    struct doctor *); /* while doctor_objects()'s objects exist: pages of listings */
void doctor_s3_objects(
    struct doctor *); /* checksums, conditional writing, sse and storage-class as set */
void doctor_s3_bucket(struct doctor *);   /* versions and Object Lock */
void doctor_s3_settings(struct doctor *); /* fills settings */

#endif
