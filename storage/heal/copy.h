/*
 * copy.h - backups from one repository into another.
 *
 * To the destination a copy is a backup like any other: a writer with its own run mark, reuse and
 * label (writer.h); it keeps the id of the backup, and its label says where it came from.  A chunk
 * gets the destination's id and the copy's run into its name; its stored bytes stay as they are.
 * What the destination holds in a trusted list with the same SHA-256 is not even read from the
 * source; everything else is checked like a restore does (size, SHA-256, decompression, id) before
 * it is sent. Of a backup that is there already, nothing is read but the label.
 *
 * A backup that is damaged at the source is named and left out; the others go on.  What a copy that
 * was interrupted has sent is reused by the next one of this host through the destination's
 * journal.  Memory: three chunks a worker, as for a backup.
 */
#ifndef STORAGE_HEAL_COPY_H
#define STORAGE_HEAL_COPY_H

#include "storage/format/label.h"
#include "storage/repo/repo.h"

struct copy_request {
    const char *db;      /* configured name, the same in both */
    const char *which;   /* an id, "latest" (the newest whole one), or "all" */
    bool        decrypt; /* what is encrypted may go where it is stored plain */
    bool adopt; /* the destination's name belonged to another database, and is to stand for this one
                 */
    bool replace; /* what stands there is damaged (or its label is), and gives way once the copy is
                     whole */
    bool dry_run; /* write nothing, say what would be sent */
    bool quiet;   /* no progress line */
    int  jobs;
};

enum copy_status {
    COPY_DONE,
    COPY_PLANNED, /* dry run */
    COPY_PRESENT, /* it stood there already */
    COPY_EXPIRED, /* the destination had it and let it go: only copied when it is named */
    COPY_FAILED,
};

/* What became of one backup. */
struct copy_entry {
    char             id[BACKUP_ID_MAX];
    enum copy_status status;
    uint64_t         chunks, stored_bytes;  /* all of it */
    uint64_t         new_chunks, new_bytes; /* of these, sent (dry run: to be sent) */
    struct err       err;                   /* of COPY_FAILED */
};

struct copy_result {
    struct copy_entry *v; /* oldest first */
    size_t             n, cap;
};

/* Copies oldest first.  0 when every chosen backup was looked at, whatever became of it.  -1: it
 * cannot go on (the name stands for another database at the destination, a repository cannot be
 * read or written, interrupted); the result says what was done until then.  Free it in any case. */
int  copy_run(struct repo *from, struct repo *to, const struct copy_request *, struct copy_result *,
              struct err *);
void copy_result_free(struct copy_result *);
const char *copy_status_text(enum copy_status);

#endif
