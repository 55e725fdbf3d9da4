#include "storage/format/manifest_fields.h"

#include "storage/format/manifest.h"

#define CHUNK(kind, key, x)         FIELD(kind, key, struct chunk_ref, x)
#define SEGMENT(kind, key, x)       FIELD(kind, key, struct manifest_segment, x)
#define DELTA(kind, key, x, ...)    FIELD(kind, key, struct manifest_delta, x, __VA_ARGS__)
#define RANGE(kind, key, x, ...)    FIELD(kind, key, struct manifest_range, x, __VA_ARGS__)
#define COLUMN(kind, key, x)        FIELD(kind, key, struct manifest_column, x)
#define TABLE(kind, key, x, ...)    FIELD(kind, key, struct manifest_table, x, __VA_ARGS__)
#define SEQUENCE(kind, key, x)      FIELD(kind, key, struct manifest_sequence, x)
#define MATVIEW(kind, key, x)       FIELD(kind, key, struct manifest_matview, x)
#define OBJECT(kind, key, x)        FIELD(kind, key, struct manifest_object, x)
#define MANIFEST(kind, key, x, ...) FIELD(kind, key, struct manifest, x, __VA_ARGS__)

static const struct field chunk_rows[] = {
    CHUNK(FIELD_CHUNK, "name", name),
    CHUNK(FIELD_COUNT, "size", size),
    CHUNK(FIELD_COUNT, "raw size", raw_size),
};
static const struct fields chunk_fields = FIELDS(struct chunk_ref, chunk_rows, .array = true);

static const struct field segment_rows[] = {
    SEGMENT(FIELD_COUNT32, "chunk", chunk),
    SEGMENT(FIELD_COUNT, "offset", offset),
    SEGMENT(FIELD_COUNT, "length", length),
};
static const struct fields segment_fields = FIELDS(struct manifest_segment, segment_rows,
                                                   .array = true);

static const struct field delta_rows[] = {
    DELTA(FIELD_COUNT, "raw size", raw_size),
    DELTA(FIELD_DIGITS, "sha256", sha256),
    DELTA(FIELD_LIST, "sources", sources, .of = &segment_fields,
          .n = offsetof(struct manifest_delta, n), .cap = offsetof(struct manifest_delta, cap)),
};
static const struct fields delta_fields = FIELDS(struct manifest_delta, delta_rows, .array = true);

static const struct field range_rows[] = {
    RANGE(FIELD_COUNT, "first block", first_block),
    RANGE(FIELD_COUNT, "rows", rows),
    RANGE(FIELD_HEX64, "fingerprint", fp),
    RANGE(FIELD_LIST, "segments", segments, .of = &segment_fields,
          .n = offsetof(struct manifest_range, n), .cap = offsetof(struct manifest_range, cap)),
};
static const struct fields range_fields = FIELDS(struct manifest_range, range_rows, .array = true);

static const struct field column_rows[] = {
    COLUMN(FIELD_TEXT, "name", name),
    COLUMN(FIELD_TEXT, "type", type),
    COLUMN(FIELD_FLAG, "generated", generated),
    COLUMN(FIELD_FLAG, "not_null", not_null),
};
static const struct fields column_fields = FIELDS(struct manifest_column, column_rows);

static const char *const copy_formats[] = {
    [COPY_TEXT] = "text", [COPY_BINARY] = "binary", [COPY_BINARY + 1] = NULL};

/* Without large objects their tables have no names. */
static const struct field table_rows[] = {
    TABLE(FIELD_OPT_TEXT, "schema", schema),
    TABLE(FIELD_OPT_TEXT, "name", name),
    TABLE(FIELD_COUNT32, "oid", oid),
    TABLE(FIELD_LETTER, "kind", kind, .letter = 'r'),
    TABLE(FIELD_LETTER, "persistence", persistence, .letter = 'p'),
    TABLE(FIELD_OPT_TEXT, "owner", owner),
    TABLE(FIELD_OPT_TEXT, "load_via", load_via),
    TABLE(FIELD_OPT_TEXT, "condition", condition),
    TABLE(FIELD_OPT_TEXT, "extension", extension),
    TABLE(FIELD_OPT_TEXT, "skipped", skipped),
    TABLE(FIELD_WORD, "format", format, .words = copy_formats),
    FIELD_LIST_OF("columns", struct manifest_table, columns, column_fields),
    TABLE(FIELD_COUNT, "rows", rows),
    TABLE(FIELD_FLAG, "counted", counted),
    TABLE(FIELD_FLAG, "estimated", estimated),
    TABLE(FIELD_COUNT, "bytes", bytes),
    TABLE(FIELD_COUNT, "relation_bytes", relation_bytes),
    TABLE(FIELD_HEX64, "fp", fp),
    TABLE(FIELD_HEX64, "generated_fp", generated_fp),
    FIELD_LIST_OF("statistics", struct manifest_table, statistics, segment_fields,
                  .optional = true),
    FIELD_LIST_OF("ranges", struct manifest_table, ranges, range_fields, .lines = true),
};
static const struct fields table_fields = FIELDS(struct manifest_table, table_rows);

static const struct field sequence_rows[] = {
    SEQUENCE(FIELD_TEXT, "schema", schema),
    SEQUENCE(FIELD_TEXT, "name", name),
    SEQUENCE(FIELD_INT64, "last_value", last_value),
    SEQUENCE(FIELD_BOOL, "is_called", is_called),
};
static const struct fields sequence_fields = FIELDS(struct manifest_sequence, sequence_rows);

static const struct field matview_rows[] = {
    MATVIEW(FIELD_TEXT, "schema", schema),
    MATVIEW(FIELD_TEXT, "name", name),
    MATVIEW(FIELD_BOOL, "populated", populated),
    MATVIEW(FIELD_BOOL, "remote", remote),
};
static const struct fields matview_fields = FIELDS(struct manifest_matview, matview_rows);

static const struct field object_rows[] = {
    OBJECT(FIELD_TEXT, "kind", kind),       OBJECT(FIELD_OPT_TEXT, "schema", schema),
    OBJECT(FIELD_TEXT, "name", name),       OBJECT(FIELD_OPT_TEXT, "owner", owner),
    OBJECT(FIELD_DIGITS, "digest", digest),
};
static const struct fields object_fields = FIELDS(struct manifest_object, object_rows);

/* A JSON object made of members of struct manifest. */
static const struct field lo_rows[] = {
    MANIFEST(FIELD_COUNT, "count", lo_count),
    MANIFEST(FIELD_BOOL, "by_function", lo_by_function),
    MANIFEST(FIELD_OBJECT, "metadata", lo_metadata, .of = &table_fields),
    MANIFEST(FIELD_OBJECT, "pages", lo_pages, .of = &table_fields),
};
static const struct fields lo_fields = FIELDS(struct manifest, lo_rows);

static const struct field manifest_rows[] = {
    MANIFEST(FIELD_OPT_HEX, "fingerprint_key", fingerprint_key,
             .has = offsetof(struct manifest, has_fingerprint_key)),
    MANIFEST(FIELD_JSON, "server", server),
    MANIFEST(FIELD_JSON, "database", database),
    MANIFEST(FIELD_JSON, "snapshot", snapshot),
    MANIFEST(FIELD_JSON, "xid", xid),
    MANIFEST(FIELD_JSON, "globals", globals),
    MANIFEST(FIELD_JSON, "extensions", extensions),
    MANIFEST(FIELD_JSON, "inventory", inventory),
    MANIFEST(FIELD_JSON, "selection", selection),
    FIELD_LIST_OF("archive", struct manifest, archive, segment_fields),
    FIELD_LIST_OF("globals_sql", struct manifest, globals_sql, segment_fields),
    MANIFEST(FIELD_TEXTS, "warnings", warnings, .lines = true),
    FIELD_LIST_OF("sequences", struct manifest, sequences, sequence_fields, .lines = true),
    FIELD_LIST_OF("matviews", struct manifest, matviews, matview_fields, .lines = true),
    FIELD_LIST_OF("objects", struct manifest, objects, object_fields, .lines = true),
    FIELD_LIST_OF("chunks", struct manifest, chunks, chunk_fields, .lines = true),
    FIELD_LIST_OF("deltas", struct manifest, deltas, delta_fields, .lines = true, .optional = true),
    {.key = "large_objects", .kind = FIELD_OBJECT, .of = &lo_fields},
    FIELD_LIST_OF("tables", struct manifest, tables, table_fields, .lines = true),
};
const struct fields manifest_fields = FIELDS(struct manifest, manifest_rows);
