/*
 * manifest.h - the baseline of a backup and where its rows lie.
 *
 * In memory and as JSON (docs/repository-format.md, docs/schema/manifest.json; stored as
 * manifest.json.zst).  What restore and verify compute with is a struct here; what is only recorded
 * and compared (server, database properties, extensions, XID ages, inventory …) is kept as JSON
 * sections, which pg/ produces and storage/ does not interpret.
 *
 * Strings are in the database's encoding and may hold any bytes but NUL.
 * A segment is a run of bytes at one place: of a chunk's plaintext, or of a delta's, which is put
 * together from pieces of chunks (delta.h).  A range is a run of rows that was read by one COPY:
 * its segments, in order, are exactly the rows' bytes (binary format: without header and trailer);
 * a row may continue over segments, never over ranges.
 */
#ifndef STORAGE_FORMAT_MANIFEST_H
#define STORAGE_FORMAT_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "storage/format/chunk.h"
#include "storage/format/draft.h"

/* Maximum size of a manifest's text; 1 GiB describes some 80 TB. */
#define MANIFEST_RAW_MAX ((size_t)1 << 30)

struct fingerprint { /* sums mod 2^64 of the two halves of SipHash-2-4-128 of each row */
    uint64_t a, b;
};

/* Places from here on are those of deltas: their index in the table of deltas, plus this. */
#define MANIFEST_DELTA UINT32_C(0x80000000)

struct manifest_segment {
    uint32_t chunk;          /* its place in the manifest's table of chunks, or of deltas */
    uint64_t offset, length; /* bytes of plaintext */
};

/* Plaintext that is put together: the last source is the list of pieces (delta.h). */
struct manifest_delta {
    uint64_t                 raw_size;   /* bytes, like a chunk's */
    char                     sha256[65]; /* of the plaintext, hex: the same in each repository */
    struct manifest_segment *sources;    /* in chunks, never in deltas */
    size_t                   n, cap;
};

struct manifest_range {
    uint64_t                 first_block; /* heap block where it begins; 0 for a whole table */
    uint64_t                 rows;
    struct fingerprint       fp;
    struct manifest_segment *segments;
    size_t                   n, cap;
};

enum copy_format { COPY_TEXT, COPY_BINARY };

struct manifest_column {
    char *name;
    char *type;      /* format_type() */
    bool  generated; /* stored generated: in no COPY */
    bool  not_null;
};

struct manifest_table {
    char    *schema, *name;
    uint32_t oid; /* on the source server; for messages only */
    char  kind; /* 'r' table; 'f' foreign (definition only); 'p' partitioned (no rows of its own) */
    char  persistence; /* 'p', 'u' */
    char *owner;
    char *load_via;  /* "schema.name" quoted: the ancestor that rows must go through, or NULL */
    char *condition; /* extension configuration table: its WHERE clause, or NULL */
    char *extension; /* extension that owns this configuration table, or NULL */
    char *skipped; /* why there is no data (foreign, excluded, unlogged on a standby …), or NULL */
    enum copy_format        format;
    struct manifest_column *columns; /* attnum order, live columns only */
    size_t                  n_columns, cap_columns;
    uint64_t                rows;
    bool                    counted; /* rows were counted and not read: bytes and fp say nothing */
    bool               estimated; /* ... not even that: rows is what the server's statistics say */
    uint64_t           bytes;     /* of COPY data, without header and trailer */
    uint64_t           relation_bytes; /* heap and TOAST on the source */
    struct fingerprint fp;             /* sum over the ranges */
    struct fingerprint generated_fp;   /* of the generated columns, text format; 0,0 when there are
                                          none, or they could not be read */
    struct manifest_range *ranges;
    size_t                 n_ranges, cap_ranges;
    /* What the planner knew of it (pg/snapshot/statistics.h); none: ANALYZE has to find out. */
    struct manifest_segment *statistics;
    size_t                   n_statistics, cap_statistics;
};

struct manifest_sequence {
    char   *schema, *name;
    int64_t last_value;
    bool    is_called;
};

struct manifest_matview { /* in the order in which they must be refreshed */
    char *schema, *name;
    bool  populated;
    bool  remote; /* reads a foreign table: not refreshed on a scratch server */
};

/* One entry of the schema archive: "every schema object". */
struct manifest_object {
    char *kind;   /* "TABLE", "FK CONSTRAINT" … (pg_restore's desc) */
    char *schema; /* NULL: none */
    char *name;   /* pg_restore's tag */
    char *owner;
    char  digest[65]; /* SHA-256 of its normalised SQL, hex */
};

struct manifest {
    /* JSON sections, see docs; owned references, NULL when absent */
    json_t *server;   /* version, settings, system identifier, standby … */
    json_t *database; /* name, oid, encoding, collation provider, version, owner, properties … */
    json_t *snapshot; /* lsn, time, xmin … */
    json_t *xid;      /* ages of database and worst tables */
    json_t *extensions;
    json_t *inventory; /* what pg_dump does not carry (docs/postgresql.md, "Comparing") */
    json_t *globals;   /* roles, memberships … as data; the SQL is in globals_sql */
    json_t *selection; /* options that narrowed the backup, or NULL */

    uint8_t fingerprint_key[16]; /* of all fingerprints below */
    bool    has_fingerprint_key; /* false: the repository's key, which manifest_load() fills in */

    struct manifest_table    *tables;
    size_t                    n_tables, cap_tables; /* sorted by schema, name (bytes) */
    bool                      sorted;               /* sorted, by manifest_sort() */
    struct manifest_sequence *sequences;
    size_t                    n_sequences, cap_sequences;
    struct manifest_matview  *matviews;
    size_t                    n_matviews, cap_matviews;
    struct manifest_object   *objects;
    size_t                    n_objects, cap_objects;

    uint64_t              lo_count;
    bool                  lo_by_function; /* read through lo_get(): holes were filled with zeroes */
    struct manifest_table lo_metadata;    /* rows: oid, owner, acl, comment (text format) */
    struct manifest_table lo_pages;       /* rows: loid, pageno, data (binary format) */

    struct manifest_segment *archive;
    size_t                   n_archive, cap_archive; /* the pg_dump -Fc schema archive */
    struct manifest_segment *globals_sql;
    size_t                   n_globals_sql, cap_globals_sql;

    /* The table of chunks, by place: names or, while the backup is taken or copied, the numbers of
     * its run.  One of the two is empty. */
    struct chunk_ref      *chunks;
    size_t                 n_chunks, cap_chunks;
    struct chunk_number   *numbers;
    size_t                 n_numbers, cap_numbers;
    struct manifest_delta *deltas;
    size_t                 n_deltas, cap_deltas;

    struct strlist warnings;
};

struct manifest *manifest_new(void);
void             manifest_free(struct manifest *); /* accepts NULL */

/* Appends the JSON text.  What manifest_check() refuses is not written. */
int manifest_format(const struct manifest *, struct buf *, struct err *);
/* And back; the result has passed manifest_check().  Read piece by piece: besides the text and the
 * result, it needs memory for one element (a range, a chunk, a table without its ranges) at a
 * time. */
struct manifest *manifest_parse(const void *, size_t, struct err *);
/* Everything that later code relies on: indices in range, segments inside their chunks, sums of
 * ranges equal the table's figures, tables sorted and unique, chunk names well-formed.
 * ERR_CORRUPT. */
int  manifest_check(const struct manifest *, struct err *);
void manifest_sort(struct manifest *); /* tables by schema, name */

struct manifest_table *manifest_add_table(
    struct manifest *); /* zeroed; valid until the next call */
/* Quick once the tables are sorted (manifest_sort(), manifest_parse()). */
struct manifest_table *manifest_find(struct manifest *, const char *schema, const char *name);
/* Leaves the elements of one of its lists ("tables", "sequences", "matviews") for which keep says
 * so: what is restored of a part.  Such a manifest is never written. */
void manifest_keep(struct manifest *, const char                                  *list,
                   bool (*keep)(const void *ctx, const void *element), const void *ctx);
/* The place of a chunk of a backup that is being taken: a new one, unless it has one already. */
uint32_t manifest_add_chunk(struct manifest *, struct chunk_number);
/* The place of a delta, whose sources are taken over. */
uint32_t manifest_add_delta(struct manifest *, struct manifest_delta *);
/* What is at a place of a manifest that was read; NULL: a chunk. */
const struct manifest_delta *manifest_delta_at(const struct manifest *, uint32_t place);
/* Calls back for each chunk that the bytes at a place are read from: itself, or the sources of a
 * delta, one of them perhaps twice. */
typedef void manifest_chunk_fn(void *ctx, uint32_t chunk);
void manifest_each_chunk(const struct manifest *, uint32_t place, manifest_chunk_fn *, void *ctx);
/* used[place]: a segment refers to the chunk itself, not only a delta. */
void manifest_used_directly(struct manifest *, bool *used);
/* For a copy: the chunk at place i is known by numbers[i] from now on, not by name. */
void manifest_number_chunks(struct manifest *, const struct chunk_number *numbers);
/* The same for one that is to have no deltas: after those of the chunks come the numbers of the
 * chunks that hold what the deltas stood for. */
void manifest_number_whole(struct manifest *, const struct chunk_number *numbers);
/* Reassigns places: to the chunks and deltas that segments refer to, in order of first use, each
 * number once.
 * The order does not depend on which worker stored a chunk first, and so is the same in every
 * repository. */
void manifest_order_chunks(struct manifest *);
/* Orders the chunks; the rest is for writer_commit_draft() or fanout_commit(), while the
 * manifest is left alone. */
struct draft manifest_draft(struct manifest *);
/* Appends one segment to a growing array, such as a range's or the archive's. */
void     segment_add(struct manifest_segment **, size_t *n, size_t *cap,
                     const struct manifest_segment *);
uint64_t segments_bytes(const struct manifest_segment *, size_t n); /* their lengths together */
void     fingerprint_add(struct fingerprint *, const struct fingerprint *);
bool     fingerprint_equal(const struct fingerprint *, const struct fingerprint *);

#endif
