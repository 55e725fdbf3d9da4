/*
 * label.h - the commit record of a backup: its fields, and its bytes.
 *
 * A backup exists when its label exists and its run is not revoked.  The label is plain, small,
 * written last, and names all its objects by digest.  JSON fields: docs/repository-format.md,
 * docs/schema/label.json.
 *
 * A baseline (storage/repo/baselines.h) is a manifest without rows, and has a label of its own
 * type, which lacks what is about a run and chunks: docs/schema/baseline.json.
 */
#ifndef STORAGE_FORMAT_LABEL_H
#define STORAGE_FORMAT_LABEL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/buf.h"
#include "core/crypto/hash.h"
#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "storage/format/backupid.h"

enum { LABEL_BYTES_MAX = 1 << 20 };

/* One label as another names it. */
struct label_head {
    char id[BACKUP_ID_MAX];
    char sha256[SHA256_HEX + 1];
};

struct label {
    bool           baseline;          /* not of a backup: see above */
    uint64_t       estimated;         /* of a baseline: tables whose rows are an estimate */
    char           id[BACKUP_ID_MAX]; /* 20261121T021500Z-4f2a */
    char           run[RUN_MARK_MAX]; /* 16 hex digits */
    char          *run_id;            /* of the run of the tool (core/runid.h), or NULL */
    char          *db;                /* configured name */
    char          *dbname;            /* the database's own name on its server */
    char          *scope;             /* "full", or 16 hex digits: digest of the selection */
    char          *selection;         /* the selection as options, NULL when full */
    time_t         started, snapshot, finished;
    char          *tool;               /* "pgassay 0.1" */
    char          *host;               /* of the server as connected to; NULL: a local socket */
    char          *server_version;     /* "15.20" */
    int            server_version_num; /* 150020 */
    char          *pg_dump_version;
    bool           standby;
    bool           globals;                 /* false: globals could not be read */
    bool           passwords;               /* false: role passwords are not in it */
    uint64_t       tables, rows, raw_bytes; /* rows and COPY bytes of the tables */
    uint64_t       database_bytes;          /* pg_database_size() */
    char          *system_identifier; /* of the server, 16 hex digits; NULL: an older program's */
    uint64_t       next_xid; /* of the server at the snapshot, with its epoch; 0: not known */
    uint64_t       xid_age, multixact_age; /* of the database; 0: not known */
    uint64_t       chunks, stored_bytes;   /* all chunks referred to */
    uint64_t       new_chunks, new_bytes;  /* of these, written by this run */
    double         seconds;                /* wall time */
    char          *note;                   /* --note, or NULL */
    struct strlist warnings;               /* one sentence each */
    unsigned
        settings;   /* n of the repo.<n>.json that was in force; 0: not said, by an older program */
    unsigned keys;  /* n of its epoch's keys.<epoch>.<n>.json; 0: not encrypted, or not said */
    unsigned epoch; /* of its chunks and its manifest (repo.h) */
    bool     encrypted; /* as is the epoch */
    char    *hidden; /* of an encrypted one: selection, host, note and warnings, sealed (hex); NULL:
                      * they are not sealed yet.  The fields are empty until it is opened */
    /* Of a copy (copy.h), where it came from: */
    char   copied_repo[33];          /* repo_id; empty: not a copy */
    char   copied_run[RUN_MARK_MAX]; /* the run of the label that was copied */
    time_t copied;                   /* when the copy began */
    bool   replaces;                 /* it replaced another label, or one that was lost */
    /* Of a dump that another tool made: its snapshot is the dump's time, not the run's.  The
     * scratch server that it went through is server_version. */
    time_t imported;                    /* when; 0: it was not */
    char   imported_id[SHA256_HEX + 1]; /* the file's digest under the epoch's id key: whoever has
                                           no key cannot tell which file it was */
    char *imported_kind;                /* "plain", "custom" …: docs/json.md, "file" */
    char *imported_server_version;      /* of the server that was dumped; NULL: not said */
    char *imported_pg_dump_version;     /* likewise */
    char *imported_file;                /* its name, without directories; hidden, as the next */
    char *imported_sha256;              /* SHA-256 of its bytes */
    /* Its place in the chain (chain.h), filled in by writer_commit(): */
    bool               chained; /* heads are known: older programs did not write them */
    struct label_head *heads;   /* by id */
    size_t             n_heads, cap_heads;
    char     signer[17]; /* id of the key that signed it; empty: unsigned, or by an older program */
    uint64_t sequence;   /* from 1, of this signer in this database; 0: none */
    /* Filled in by writer_commit(): */
    char     chunks_sha256[SHA256_HEX + 1]; /* of chunks.zst as stored */
    uint64_t chunks_size, chunks_raw_size;
    char     manifest_sha256[SHA256_HEX + 1]; /* of manifest.json.zst as stored */
    uint64_t manifest_size;
    char     manifest_raw_sha256[SHA256_HEX + 1];
    uint64_t manifest_raw_size;
    /* Filled in by label_parse(), and by writer_commit(): */
    char
        sha256[SHA256_HEX + 1]; /* of its line as stored, newline included; drill records name it */
    /* Filled in by label_load(): */
    char signed_by[17]; /* the key that its second line names; empty: none */
};

struct label *label_new(void);
/* "backup" or "baseline": what it is the label of. */
const char   *label_kind(const struct label *);
void          label_free(struct label *); /* accepts NULL */
struct label *label_copy(const struct label *);

bool label_is_imported(const struct label *);
/* Of a part of the database. */
bool label_is_partial(const struct label *);
/* Of a database that was to be dropped, before it was replaced by a backup (restore --replace): its
 * note is label_safety_note().  Of an encrypted one only who can read it knows. */
bool  label_is_safety(const struct label *);
char *label_safety_note(const char *backup); /* allocated */
/* All its fields, for `--json` output; ERR_CORRUPT names a field that was never filled
 * in. */
json_t *label_json(const struct label *, struct err *);
/* The fields of an encrypted backup's label that only readers see, as an object, and back into a
 * label, whose fields it replaces (storage/repo/label_load.h seals and opens it). */
json_t *label_hidden_json(const struct label *);
int     label_take_hidden(struct label *, const json_t *, struct err *);

/* The object as stored: the JSON line, newline included.  And back: ERR_CORRUPT names the field. */
int           label_format(const struct label *, struct buf *, struct err *);
struct label *label_parse(const void *, size_t, struct err *);
struct label *label_parse_baseline(const void *, size_t, struct err *);

/* The object that holds a backup's chunk list or manifest, for backup_key(): "chunks.zst",
 * "manifest.json.zst" (encrypted: "manifest.json.zst.enc"); of a copy "chunks-<run>.zst",
 * "manifest-<run>.json.zst", since two hosts that copy the same backup must not write the same
 * name.  Allocated. */
enum label_part { LABEL_CHUNKS, LABEL_MANIFEST };
char *label_part_name(const struct label *, enum label_part);
/* The key of an object of its backup or baseline.  Allocated. */
char *label_object_key(const struct label *, const char *object);

#endif
