/*
 * iam_policy.h - the smallest rights that each kind of host needs on a bucket, as an IAM policy
 * document.
 *
 * AWS, Ceph, MinIO and others accept these.  A host gets only the rights it needs: a backup host
 * cannot remove anything but the marks of its own runs, a restore host cannot write, and no host
 * may delete versions or bypass Object Lock: that is left to an administrator (docs/security.md).
 */
#ifndef STORAGE_DRIVERS_AWS_IAM_POLICY_H
#define STORAGE_DRIVERS_AWS_IAM_POLICY_H

#include <stdbool.h>

enum iam_host {
    IAM_BACKUP,  /* backup and list; lists and reads too, to reuse chunks */
    IAM_PRUNE,   /* prune, scrub and pins; writes no contents of backups */
    IAM_RESTORE, /* restore, verify, list, show; and the records of its drills */
};

struct iam_target {
    const char *bucket;
    const char
        *prefix; /* inside the bucket, without slashes at its ends; "" for the whole bucket */
    const char *kms_key;     /* the ARN of sse-kms-key, or NULL */
    bool        object_lock; /* object-lock is set */
    bool versioned; /* the bucket keeps versions: --as-of and the way back to older versions */
    bool tags;      /* tags are set */
};

/* "a backup-only host", and so on. */
const char *iam_host_name(enum iam_host);
/* Indented JSON with a newline at its end; allocated. */
char *iam_policy(enum iam_host, const struct iam_target *);

#endif
