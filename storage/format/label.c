#include "storage/format/label.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "storage/format/backupid.h"
#include "storage/format/chunkname.h"
#include "storage/format/label_fields.h"
#include "storage/format/label_heads.h"
#include "storage/format/object.h"

/* ---- the fields, once for both directions ---- */

#define ROW(kind, key, member) FIELD(kind, key, struct label, member)

static const struct field plain[] = {
    ROW(FIELD_TEXT, "db", db),
    ROW(FIELD_OPT_TEXT, "run_id", run_id),
    ROW(FIELD_TEXT, "dbname", dbname),
    ROW(FIELD_TEXT, "scope", scope),
    ROW(FIELD_TIME, "started", started),
    ROW(FIELD_TIME, "snapshot", snapshot),
    ROW(FIELD_TIME, "finished", finished),
    ROW(FIELD_TEXT, "tool", tool),
    ROW(FIELD_TEXT, "server_version", server_version),
    ROW(FIELD_INT, "server_version_num", server_version_num),
    ROW(FIELD_OPT_TEXT, "pg_dump_version", pg_dump_version),
    ROW(FIELD_BOOL, "standby", standby),
    ROW(FIELD_BOOL, "globals", globals),
    ROW(FIELD_BOOL, "passwords", passwords),
    ROW(FIELD_COUNT, "tables", tables),
    ROW(FIELD_COUNT, "rows", rows),
    ROW(FIELD_COUNT, "database_bytes", database_bytes),
    ROW(FIELD_OPT_TEXT, "system_identifier", system_identifier),
    ROW(FIELD_OPT_COUNT, "next_xid", next_xid),
    ROW(FIELD_OPT_COUNT, "xid_age", xid_age),
    ROW(FIELD_OPT_COUNT, "multixact_age", multixact_age),
    ROW(FIELD_SECONDS, "seconds", seconds),
    ROW(FIELD_FLAG, "encrypted", encrypted),
    ROW(FIELD_DIGITS, "manifest_sha256", manifest_sha256),
    ROW(FIELD_COUNT, "manifest_size", manifest_size),
    ROW(FIELD_DIGITS, "manifest_raw_sha256", manifest_raw_sha256),
    ROW(FIELD_COUNT, "manifest_raw_size", manifest_raw_size),
};

/* Besides, of a backup, which has chunks. */
static const struct field of_backup[] = {
    ROW(FIELD_ID, "backup", id),
    ROW(FIELD_DIGITS, "run", run),
    ROW(FIELD_COUNT, "raw_bytes", raw_bytes),
    ROW(FIELD_COUNT, "chunks", chunks),
    ROW(FIELD_COUNT, "stored_bytes", stored_bytes),
    ROW(FIELD_COUNT, "new_chunks", new_chunks),
    ROW(FIELD_COUNT, "new_bytes", new_bytes),
    ROW(FIELD_DIGITS, "chunks_sha256", chunks_sha256),
    ROW(FIELD_COUNT, "chunks_size", chunks_size),
    ROW(FIELD_COUNT, "chunks_raw_size", chunks_raw_size),
};

static const struct field of_baseline[] = {
    ROW(FIELD_ID, "baseline", id),
    ROW(FIELD_COUNT, "estimated", estimated),
};

/* Hidden without a key if the backup is encrypted. */
static const struct field hidden[] = {
    ROW(FIELD_OPT_TEXT, "selection", selection),
    ROW(FIELD_OPT_TEXT, "host", host),
    ROW(FIELD_OPT_TEXT, "note", note),
    ROW(FIELD_TEXTS, "warnings", warnings),
    ROW(FIELD_OPT_TEXT, "imported_file", imported_file),
    ROW(FIELD_OPT_TEXT, "imported_sha256", imported_sha256),
};

/* An object of its own within an imported backup's label. */
static const struct field imported_from[] = {
    ROW(FIELD_TIME, "imported", imported),
    ROW(FIELD_DIGITS, "id", imported_id),
    ROW(FIELD_TEXT, "kind", imported_kind),
    ROW(FIELD_OPT_TEXT, "server_version", imported_server_version),
    ROW(FIELD_OPT_TEXT, "pg_dump_version", imported_pg_dump_version),
};

/* An object of its own within a copy's label. */
static const struct field copied_from[] = {
    ROW(FIELD_DIGITS, "repo_id", copied_repo),
    ROW(FIELD_DIGITS, "run", copied_run),
    ROW(FIELD_TIME, "copied", copied),
    ROW(FIELD_FLAG, "replaces", replaces),
};

const struct fields label_plain_fields = FIELDS(struct label, plain);
const struct fields label_backup_fields = FIELDS(struct label, of_backup);
const struct fields label_baseline_fields = FIELDS(struct label, of_baseline);
const struct fields label_hidden_fields = FIELDS(struct label, hidden);
const struct fields label_copied_fields = FIELDS(struct label, copied_from);
const struct fields label_imported_fields = FIELDS(struct label, imported_from);

static const struct fields *
own_fields(const struct label *l)
{
    return l->baseline ? &label_baseline_fields : &label_backup_fields;
}

static const char *
type_of(bool baseline)
{
    return baseline ? "baseline" : "label";
}

const char *
label_kind(const struct label *l)
{
    return l->baseline ? "baseline" : "backup";
}

struct label *
label_new(void)
{
    return xcalloc(1, sizeof(struct label));
}

void
label_free(struct label *l)
{
    if (l == NULL) {
        return;
    }
    fields_free(&label_plain_fields, l);
    fields_free(&label_hidden_fields, l);
    fields_free(&label_imported_fields, l);
    free(l->hidden);
    free(l->heads);
    free(l);
}

struct label *
label_copy(const struct label *l)
{
    struct label *copy = label_new();

    *copy = *l;
    fields_copy(&label_plain_fields, l, copy);
    fields_copy(&label_hidden_fields, l, copy);
    fields_copy(&label_imported_fields, l, copy);
    copy->hidden = l->hidden == NULL ? NULL : xstrdup(l->hidden);
    chain_copy_heads(l, copy);
    return copy;
}

/* ---- writing ---- */

/* An object of its own. */
static int
write_object(const struct fields *fields, const char *key, const struct label *l, json_t *o,
             struct err *e)
{
    json_t *from = json_object();

    (void)json_object_set_new(o, key, from);
    return fields_write(fields, l, from, e) == 0 ? 0 : err_wrap(e, "key \"%s\"", key);
}

/* The keys that are never hidden. */
static int
write_plain(const struct label *l, json_t *o, struct err *e)
{
    (void)json_object_set_new(o, "epoch", json_integer(l->epoch == 0 ? 1 : l->epoch));
    if (l->settings > 0) {
        (void)json_object_set_new(o, "settings", json_integer(l->settings));
    }
    if (l->keys > 0) {
        (void)json_object_set_new(o, "keys", json_integer(l->keys));
    }
    if (l->encrypted) {
        object_need_encryption(o);
    }
    if ((l->copied_repo[0] != '\0' &&
         write_object(&label_copied_fields, "copied_from", l, o, e) != 0) ||
        (label_is_imported(l) &&
         write_object(&label_imported_fields, "imported_from", l, o, e) != 0)) {
        return -1;
    }
    chain_json(l, o);
    return fields_write(own_fields(l), l, o, e) != 0 ? -1
                                                     : fields_write(&label_plain_fields, l, o, e);
}

bool
label_is_imported(const struct label *l)
{
    return l->imported != 0;
}

bool
label_is_partial(const struct label *l)
{
    return strcmp(l->scope, "full") != 0;
}

static const char replaced_by[] = "before it was replaced by ";

char *
label_safety_note(const char *backup)
{
    return xasprintf("%s%s", replaced_by, backup);
}

bool
label_is_safety(const struct label *l)
{
    return l->note != NULL && strncmp(l->note, replaced_by, sizeof replaced_by - 1) == 0 &&
        backup_id_valid(l->note + sizeof replaced_by - 1);
}

json_t *
label_json(const struct label *l, struct err *e)
{
    json_t *o = object_new(type_of(l->baseline));

    if (write_plain(l, o, e) != 0 || fields_write(&label_hidden_fields, l, o, e) != 0) {
        err_wrap(e, "label");
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *
label_hidden_json(const struct label *l)
{
    json_t    *o = json_object();
    struct err ignored = ERR_INIT; /* none of them may be present */

    (void)fields_write(&label_hidden_fields, l, o, &ignored);
    return o;
}

static int
format_once(const struct label *l, struct buf *out, struct err *e)
{
    json_t *o = object_new(type_of(l->baseline));
    int     rc = write_plain(l, o, e);

    if (rc == 0 && l->hidden != NULL) {
        (void)json_object_set_new(o, "hidden", json_string(l->hidden));
    } else if (rc == 0) {
        rc = fields_write(&label_hidden_fields, l, o, e);
    }
    rc = rc != 0 ? err_wrap(e, "label") : object_format(o, out, e);
    json_decref(o);
    return rc;
}

static struct label *parse(const void *, size_t, bool baseline, struct err *);

/* Reading it back must give the same line: a member that was lost would show. */
int
label_format(const struct label *l, struct buf *out, struct err *e)
{
    struct buf    again = BUF_INIT(BUF_NO_LIMIT);
    size_t        begin = out->len;
    struct label *back = NULL;
    int           rc = format_once(l, out, e);

    if (rc == 0) {
        back = parse(out->data + begin, out->len - begin, l->baseline, e);
        rc = back == NULL ? -1 : format_once(back, &again, e);
    }
    if (rc == 0 &&
        (again.len != out->len - begin || memcmp(again.data, out->data + begin, again.len) != 0)) {
        rc = err_set(e, ERR_IO, "label: reads back differently from what was written");
    }
    label_free(back);
    buf_free(&again);
    return rc;
}

/* ---- reading ---- */

static int
read_object(const struct fields *fields, const char *key, const json_t *o, struct label *l,
            struct err *e)
{
    const json_t *from = json_object_get(o, key);

    return from == NULL || fields_read(fields, from, l, e) == 0 ? 0
                                                                : err_wrap(e, "key \"%s\"", key);
}

/* Labels from before encryption do not have it. */
static int
read_epoch(const json_t *o, struct label *l, struct err *e)
{
    int64_t epoch = 1;

    if (json_object_get(o, "epoch") != NULL && json_get_int(o, "epoch", &epoch, e) != 0) {
        return -1;
    }
    if (epoch < 1 || epoch > EPOCH_NUMBER_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"epoch\" is out of range");
    }
    l->epoch = (unsigned)epoch;
    return 0;
}

static int
read_number(const json_t *o, const char *key, unsigned *out, struct err *e)
{
    int64_t n = json_opt_int(o, key, 0);

    if (n < 0 || n > UINT32_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is out of range", key);
    }
    *out = (unsigned)n;
    return 0;
}

/* Plain values beside it in an encrypted label are ignored. */
static int
read_hidden(const json_t *o, struct label *l, struct err *e)
{
    const char *sealed;

    if (!l->encrypted) {
        return fields_read(&label_hidden_fields, o, l, e);
    }
    if (json_get_str(o, "hidden", &sealed, e) != 0) {
        return -1;
    }
    l->hidden = xstrdup(sealed);
    return 0;
}

int
label_take_hidden(struct label *l, const json_t *o, struct err *e)
{
    fields_free(&label_hidden_fields, l);
    return fields_read(&label_hidden_fields, o, l, e);
}

static struct label *
parse(const void *text, size_t n, bool baseline, struct err *e)
{
    json_t       *o = object_parse(text, n, type_of(baseline), e);
    struct label *l;

    if (o == NULL) {
        return NULL;
    }
    l = label_new();
    l->baseline = baseline;
    if (fields_read(own_fields(l), o, l, e) == 0 &&
        fields_read(&label_plain_fields, o, l, e) == 0 && read_epoch(o, l, e) == 0 &&
        read_number(o, "settings", &l->settings, e) == 0 &&
        read_number(o, "keys", &l->keys, e) == 0 && read_hidden(o, l, e) == 0 &&
        read_object(&label_copied_fields, "copied_from", o, l, e) == 0 &&
        read_object(&label_imported_fields, "imported_from", o, l, e) == 0 &&
        chain_read(o, l, e) == 0) {
        sha256_hex(text, (size_t)((const char *)memchr(text, '\n', n) - (const char *)text) + 1,
                   l->sha256);
    } else {
        label_free(l);
        l = NULL;
    }
    json_decref(o);
    return l;
}

struct label *
label_parse(const void *text, size_t n, struct err *e)
{
    return parse(text, n, false, e);
}

struct label *
label_parse_baseline(const void *text, size_t n, struct err *e)
{
    return parse(text, n, true, e);
}

char *
label_part_name(const struct label *l, enum label_part part)
{
    const char *copy = l->copied_repo[0] == '\0' ? "" : "-";
    const char *run = *copy == '\0' ? "" : l->run;

    return part == LABEL_CHUNKS
        ? xasprintf("chunks%s%s.zst", copy, run)
        : xasprintf("manifest%s%s.json.zst%s", copy, run, l->encrypted ? ".enc" : "");
}

char *
label_object_key(const struct label *l, const char *object)
{
    return l->baseline ? baseline_key(l->db, l->id, object) : backup_key(l->db, l->id, object);
}
