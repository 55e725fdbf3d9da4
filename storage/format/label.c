#include "storage/format/label.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "storage/format/chunkname.h"
#include "storage/format/label_chain.h"
#include "storage/format/object.h"

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
    free(l->db);
    free(l->dbname);
    free(l->scope);
    free(l->selection);
    free(l->tool);
    free(l->host);
    free(l->server_version);
    free(l->pg_dump_version);
    free(l->note);
    free(l->hidden);
    strlist_free(&l->warnings);
    free(l->heads);
    free(l);
}

/* ---- the fields, once for both directions ---- */

enum field_kind { F_ID, F_TEXT, F_OPT_TEXT, F_TIME, F_COUNT, F_INT, F_BOOL, F_SECONDS, F_SHA256 };

static const struct field {
    const char     *key;
    enum field_kind kind;
    size_t          offset;
} fields[] = {
#define FIELD(kind, key, member)                                                                   \
    {                                                                                              \
        key, kind, offsetof(struct label, member)                                                  \
    }
    FIELD(F_ID, "backup", id),
    FIELD(F_ID, "run", run),
    FIELD(F_TEXT, "db", db),
    FIELD(F_TEXT, "dbname", dbname),
    FIELD(F_TEXT, "scope", scope),
    FIELD(F_OPT_TEXT, "selection", selection),
    FIELD(F_TIME, "started", started),
    FIELD(F_TIME, "snapshot", snapshot),
    FIELD(F_TIME, "finished", finished),
    FIELD(F_TEXT, "tool", tool),
    FIELD(F_OPT_TEXT, "host", host),
    FIELD(F_TEXT, "server_version", server_version),
    FIELD(F_INT, "server_version_num", server_version_num),
    FIELD(F_OPT_TEXT, "pg_dump_version", pg_dump_version),
    FIELD(F_BOOL, "standby", standby),
    FIELD(F_BOOL, "globals", globals),
    FIELD(F_BOOL, "passwords", passwords),
    FIELD(F_COUNT, "tables", tables),
    FIELD(F_COUNT, "rows", rows),
    FIELD(F_COUNT, "raw_bytes", raw_bytes),
    FIELD(F_COUNT, "database_bytes", database_bytes),
    FIELD(F_COUNT, "chunks", chunks),
    FIELD(F_COUNT, "stored_bytes", stored_bytes),
    FIELD(F_COUNT, "new_chunks", new_chunks),
    FIELD(F_COUNT, "new_bytes", new_bytes),
    FIELD(F_SECONDS, "seconds", seconds),
    FIELD(F_OPT_TEXT, "note", note),
    FIELD(F_SHA256, "chunks_sha256", chunks_sha256),
    FIELD(F_COUNT, "chunks_size", chunks_size),
    FIELD(F_COUNT, "chunks_raw_size", chunks_raw_size),
    FIELD(F_SHA256, "manifest_sha256", manifest_sha256),
    FIELD(F_COUNT, "manifest_size", manifest_size),
    FIELD(F_SHA256, "manifest_raw_sha256", manifest_raw_sha256),
    FIELD(F_COUNT, "manifest_raw_size", manifest_raw_size),
#undef FIELD
};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

/* Of an encrypted backup nobody sees these without a key. */
static const char *const hidden_keys[] = {"selection", "host", "note", "warnings"};

enum { N_HIDDEN = sizeof hidden_keys / sizeof hidden_keys[0] };

struct label *
label_copy(const struct label *l)
{
    struct label *copy = label_new();

    *copy = *l;
    for (size_t i = 0; i < N_FIELDS; i++) {
        char **text = (char **)(void *)((char *)copy + fields[i].offset);

        if ((fields[i].kind == F_TEXT || fields[i].kind == F_OPT_TEXT) && *text != NULL) {
            *text = xstrdup(*text);
        }
    }
    copy->hidden = l->hidden == NULL ? NULL : xstrdup(l->hidden);
    copy->warnings = (struct strlist){0};
    for (size_t i = 0; i < l->warnings.n; i++) {
        strlist_add(&copy->warnings, l->warnings.v[i]);
    }
    chain_copy_heads(l, copy);
    return copy;
}

static json_t *
field_json(const struct field *f, const void *at)
{
    char text[32];

    switch (f->kind) {
    case F_ID:
    case F_SHA256:
        return json_string(at);
    case F_TEXT:
    case F_OPT_TEXT:
        return *(char *const *)at == NULL ? NULL : json_text(*(char *const *)at);
    case F_TIME:
        return json_string(time_rfc3339(*(const time_t *)at, text, sizeof text));
    case F_COUNT:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case F_INT:
        return json_integer(*(const int *)at);
    case F_BOOL:
        return json_boolean(*(const bool *)at);
    case F_SECONDS:
        return json_real(*(const double *)at);
    }
    return NULL;
}

static json_t *
copied_json(const struct label *l)
{
    char    at[32];
    json_t *o = json_pack("{s:s,s:s,s:s}", "repo_id", l->copied_repo, "run", l->copied_run,
                          "copied", time_rfc3339(l->copied, at, sizeof at));

    if (l->replaces) {
        (void)json_object_set_new(o, "replaces", json_true());
    }
    return o;
}

static json_t *
warnings_json(const struct label *l)
{
    json_t *warnings = json_array();

    for (size_t i = 0; i < l->warnings.n; i++) {
        (void)json_array_append_new(warnings, json_text(l->warnings.v[i]));
    }
    return warnings;
}

json_t *
label_json(const struct label *l, struct err *e)
{
    json_t *o = object_new("label");

    (void)json_object_set_new(o, "warnings", warnings_json(l));
    (void)json_object_set_new(o, "epoch", json_integer(l->epoch == 0 ? 1 : l->epoch));
    if (l->encrypted) {
        object_need_encryption(o);
        (void)json_object_set_new(o, "encrypted", json_true());
    }
    if (l->copied_repo[0] != '\0') {
        (void)json_object_set_new(o, "copied_from", copied_json(l));
    }
    chain_json(l, o);
    for (size_t i = 0; i < N_FIELDS; i++) {
        json_t *v = field_json(&fields[i], (const char *)l + fields[i].offset);

        if (v != NULL) {
            (void)json_object_set_new(o, fields[i].key, v);
        } else if (fields[i].kind == F_TEXT) {
            err_set(e, ERR_CORRUPT, "label: \"%s\" was never filled in", fields[i].key);
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

int
label_format(const struct label *l, struct buf *out, struct err *e)
{
    json_t *o = label_json(l, e);
    int     rc;

    if (o != NULL && l->hidden != NULL) {
        for (size_t i = 0; i < N_HIDDEN; i++) {
            (void)json_object_del(o, hidden_keys[i]);
        }
        (void)json_object_set_new(o, "hidden", json_string(l->hidden));
    }
    rc = o == NULL ? -1 : object_format(o, out, e);
    json_decref(o);
    return rc;
}

static int
read_time(const json_t *o, const char *key, time_t *out, struct err *e)
{
    const char *text;
    char        again[32];

    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    /* Only what we write: UTC, to the second. */
    if (time_parse(text, out, e) != 0 ||
        strcmp(time_rfc3339(*out, again, sizeof again), text) != 0) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not a time like 2026-11-21T02:15:00Z", key);
    }
    return 0;
}

static int
read_hex(const json_t *o, const char *key, char *out, size_t bytes, struct err *e)
{
    const char *text;
    uint8_t     b[SHA256_BYTES];

    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    if (hex_decode(text, strlen(text), b, bytes) != 0) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not %zu hex digits", key, 2 * bytes);
    }
    memcpy(out, text, 2 * bytes + 1);
    return 0;
}

static int
read_id(const json_t *o, const char *key, char *out, struct err *e)
{
    const char *text;

    if (strcmp(key, "run") == 0) {
        return read_hex(o, key, out, 8, e);
    }
    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    if (!backup_id_valid(text)) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not the id of a backup", key);
    }
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int
read_count(const json_t *o, const char *key, int64_t max, int64_t *out, struct err *e)
{
    if (json_get_int(o, key, out, e) != 0) {
        return -1;
    }
    return *out <= max ? 0 : err_set(e, ERR_CORRUPT, "key \"%s\" is out of range", key);
}

static int
read_field(const json_t *o, const struct field *f, void *at, struct err *e)
{
    const json_t *v = json_object_get(o, f->key);
    int64_t       n;

    switch (f->kind) {
    case F_ID:
        return read_id(o, f->key, at, e);
    case F_SHA256:
        return read_hex(o, f->key, at, SHA256_BYTES, e);
    case F_TEXT:
        *(char **)at = object_text(o, f->key, e);
        return *(char **)at != NULL ? 0 : -1;
    case F_OPT_TEXT:
        return object_opt_text(o, f->key, at, e);
    case F_TIME:
        return read_time(o, f->key, at, e);
    case F_COUNT:
        if (read_count(o, f->key, INT64_MAX, &n, e) != 0) {
            return -1;
        }
        *(uint64_t *)at = (uint64_t)n;
        return 0;
    case F_INT:
        if (read_count(o, f->key, INT32_MAX, &n, e) != 0) {
            return -1;
        }
        *(int *)at = (int)n;
        return 0;
    case F_BOOL:
        return json_get_bool(o, f->key, at, e);
    case F_SECONDS:
        if (!json_is_number(v)) {
            return err_set(e, ERR_CORRUPT, "key \"%s\" is not a number", f->key);
        }
        *(double *)at = json_number_value(v);
        return 0;
    }
    return 0;
}

static int
read_warnings(const json_t *o, struct label *l, struct err *e)
{
    json_t *list;

    if (json_get_array(o, "warnings", &list, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t n;
        char  *text = json_bytes_get(json_array_get(list, i), &n, e);

        if (text == NULL) {
            return err_wrap(e, "warning %zu", i);
        }
        strlist_take(&l->warnings, text);
    }
    return 0;
}

static int
read_copied(const json_t *o, struct label *l, struct err *e)
{
    json_t *from;

    if (json_object_get(o, "copied_from") == NULL) {
        return 0;
    }
    if (json_get_object(o, "copied_from", &from, e) != 0 ||
        read_hex(from, "repo_id", l->copied_repo, sizeof l->copied_repo / 2, e) != 0 ||
        read_hex(from, "run", l->copied_run, sizeof l->copied_run / 2, e) != 0 ||
        read_time(from, "copied", &l->copied, e) != 0) {
        return err_wrap(e, "key \"copied_from\"");
    }
    l->replaces = json_opt_bool(from, "replaces", false);
    return 0;
}

/* Labels of before there was encryption do not say. */
static int
read_epoch(const json_t *o, struct label *l, struct err *e)
{
    int64_t     epoch = 1;
    const char *hidden;

    if (json_object_get(o, "epoch") != NULL &&
        read_count(o, "epoch", EPOCH_NUMBER_MAX, &epoch, e) != 0) {
        return -1;
    }
    if (epoch < 1) {
        return err_set(e, ERR_CORRUPT, "key \"epoch\" is out of range");
    }
    l->epoch = (unsigned)epoch;
    if (json_object_get(o, "encrypted") != NULL &&
        json_get_bool(o, "encrypted", &l->encrypted, e) != 0) {
        return -1;
    }
    if (l->encrypted) {
        if (json_get_str(o, "hidden", &hidden, e) != 0) {
            return -1;
        }
        l->hidden = xstrdup(hidden);
    }
    return 0;
}

struct label *
label_parse(const void *text, size_t n, struct err *e)
{
    json_t       *o = object_parse(text, n, "label", e);
    struct label *l;

    if (o == NULL) {
        return NULL;
    }
    l = label_new();
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (read_field(o, &fields[i], (char *)l + fields[i].offset, e) != 0) {
            goto fail;
        }
    }
    if (read_epoch(o, l, e) == 0 && (l->hidden != NULL || read_warnings(o, l, e) == 0) &&
        read_copied(o, l, e) == 0 && chain_read(o, l, e) == 0) {
        sha256_hex(text, (size_t)((const char *)memchr(text, '\n', n) - (const char *)text) + 1,
                   l->sha256);
        json_decref(o);
        return l;
    }
fail:
    json_decref(o);
    label_free(l);
    return NULL;
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

json_t *
label_hidden_json(const struct label *l)
{
    json_t *o = json_object();

    object_set_text(o, "selection", l->selection);
    object_set_text(o, "host", l->host);
    object_set_text(o, "note", l->note);
    (void)json_object_set_new(o, "warnings", warnings_json(l));
    return o;
}

int
label_take_hidden(struct label *l, const json_t *o, struct err *e)
{
    /* What a label says in plain beside it counts for nothing. */
    free(l->selection);
    free(l->host);
    free(l->note);
    l->selection = l->host = l->note = NULL;
    return object_opt_text(o, "selection", &l->selection, e) != 0 ||
            object_opt_text(o, "host", &l->host, e) != 0 ||
            object_opt_text(o, "note", &l->note, e) != 0 || read_warnings(o, l, e) != 0
        ? -1
        : 0;
}
