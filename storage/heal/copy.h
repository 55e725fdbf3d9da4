/*
 * copy.h - backups from one repository into another.
 *
 * To the destination a copy is a backup like any other: a writer with its own run mark, reuse and
 * label (writer.h); it keeps the id of the backup, and its label says where it came from.  A chunk
 * gets the destination's id and the copy's run into its name; its stored bytes stay as they are.
 * Chunks with the same SHA-256 in a trusted list of the destination are not read from the source;
 * all others are checked as in a restore (size, SHA-256, decompression, id) before they are sent.
 * Of a backup that is there already only the label is read.
 *
 * Several backups share one listing of the destination's chunks (batch.h), under a run mark of the
 * copy's own.
 *
 * With whole, what the source holds as deltas is put together and stored as whole chunks; it is
 * opened then, even where it could go as stored.
 *
 * A backup that is damaged at the source is named and left out; the others go on.  Chunks sent by
 * an interrupted copy are reused by the next one of this host through the destination's journal.
 * Memory: three chunks a worker, as for a backup.
 */
#ifndef STORAGE_HEAL_COPY_H
#define STORAGE_HEAL_COPY_H

#include "storage/format/label.h"
#include "storage/repo/repo.h"

struct copy_request {
    const char *db;      /* configured name, the same in both */
    const char *which;   /* an id, "latest" (the newest whole one), or "all" */
    bool        decrypt; /* encrypted backups may be stored unencrypted */
    bool        whole;   /* deltas are put together, and stored as chunks */
    bool adopt;   /* bind the destination's name, which belonged to another database, to this one
                   */
    bool replace; /* the existing one (or its label) is damaged, and is replaced once the copy is
                     whole */
    bool dry_run; /* write nothing, report what would be sent */
    bool quiet;   /* no progress line */
    int  jobs;
};

enum copy_status {
    COPY_DONE,
    COPY_PLANNED, /* dry run */
    COPY_PRESENT, /* it existed there already */
    COPY_EXPIRED, /* the destination had it and expired it: only copied when named */
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

/* Copies oldest first.  0 when every chosen backup was dealt with, with any result.  -1: it
 * cannot go on (the name stands for another database at the destination, a repository cannot be
 * read or written, interrupted); the result says what was done until then.  Free it in any case. */
int  copy_run(struct repo *from, struct repo *to, const struct copy_request *, struct copy_result *,
              struct err *);
void copy_result_free(struct copy_result *);
const char *copy_status_text(enum copy_status);

#endif
