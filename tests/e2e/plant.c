/*
 * plant.c - true, small backups without a PostgreSQL server, for tests that need a history.
 *
 *     plant shop --repo R --at "2026-01-31 02:00" --rows 2000
 *
 * writes one by the way that pgassay-backup writes it (storage/write), signed and encrypted as the
 * repository is, and prints its id.  It has one table, public.item: --rows rows, which are the same
 * in all backups, and one that is its own.  All that storage does with a backup can be done with
 * it; it has no schema archive, so that it cannot be restored.  Those of a database are planted in
 * the order of their times.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/opts.h"
#include "core/cli/opts_common.h"
#include "core/config/config.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "pg/rows/fingerprint.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo_keys.h"
#include "storage/write/fanout.h"

struct plant {
    const char    *repo;
    struct strlist repo_options;
    const char    *at, *scope, *note, *source, *xmax, *xid_age;
    int            rows;
    bool           json, quiet, verbose, print_config;
    const char    *config_file;
};

static const struct opt options[] = {
    OPT_COMMON_REPO(struct plant),
    OPT_COMMON_REPO_OPTION(struct plant),
    {OPT_TEXT, "at", 0, "TIME", "when its snapshot was taken (now)", offsetof(struct plant, at), 0,
     0, NULL, NULL},
    {OPT_TEXT, "scope", 0, "HEX", "digest of its selection (a full backup)",
     offsetof(struct plant, scope), 0, 0, NULL, NULL},
    {OPT_TEXT, "source", 0, "SYSTEM,OID", "which server's database the name stands for",
     offsetof(struct plant, source), 0, 0, NULL, NULL},
    {OPT_TEXT, "xmax", 0, "N", "the server's next XID at that time", offsetof(struct plant, xmax),
     0, 0, NULL, NULL},
    {OPT_TEXT, "xid-age", 0, "N", "the age of its oldest XID", offsetof(struct plant, xid_age), 0,
     0, NULL, NULL},
    {OPT_TEXT, "note", 0, "TEXT", "stands in the label", offsetof(struct plant, note), 0, 0, NULL,
     NULL},
    {OPT_INT, "rows", 0, "N", "rows that all backups share (2000)", offsetof(struct plant, rows), 0,
     1000000, NULL, NULL},
    OPTS_COMMON_GENERAL(struct plant),
    OPTS_END,
};

static const struct opts_spec spec = {
    .program = "plant",
    .args = "DB",
    .summary = "a small backup without a server",
    .tables = (const struct opt *const[]){options, NULL},
    .keys = repo_config_keys,
};

/* A chunk of text rows, and a range that consists of it. */
static int
put_range(struct fanout *f, struct manifest *m, struct manifest_table *t, const char *text,
          size_t n, struct err *e)
{
    struct manifest_range  *r;
    struct manifest_segment s = {.length = n};
    struct row_sum          sum = {0};
    struct chunk_number     chunk;

    if (n == 0) {
        return 0;
    }
    if (fanout_put(f, 0, text, n, &chunk, e) != 0) {
        return -1;
    }
    for (const char *row = text, *end; row < text + n; row = end) {
        end = strchr(row, '\n') + 1;
        row_sum_add(&sum, m->fingerprint_key, row, (size_t)(end - row));
    }
    VEC_GROW(t->ranges, t->n_ranges, t->cap_ranges);
    r = &t->ranges[t->n_ranges];
    *r = (struct manifest_range){
        .first_block = t->n_ranges * 2048, .rows = sum.rows, .fp = {sum.a, sum.b}};
    t->n_ranges++;
    s.chunk = manifest_add_chunk(m, chunk);
    segment_add(&r->segments, &r->n, &r->cap, &s);
    t->rows += sum.rows;
    t->bytes += sum.bytes;
    fingerprint_add(&t->fp, &r->fp);
    return 0;
}

static void
add_column(struct manifest_table *t, const char *name, const char *type)
{
    VEC_GROW(t->columns, t->n_columns, t->cap_columns);
    t->columns[t->n_columns++] = (struct manifest_column){.name = xstrdup(name),
                                                          .type = xstrdup(type)};
}

static int
put_table(struct fanout *f, struct manifest *m, const struct plant *p, const char *own,
          struct err *e)
{
    struct manifest_table *t = manifest_add_table(m);
    struct buf             text = BUF_INIT(CHUNK_RAW_MAX);
    int                    rc = 0;

    t->schema = xstrdup("public");
    t->name = xstrdup("item");
    t->kind = 'r';
    t->persistence = 'p';
    t->owner = xstrdup("postgres");
    add_column(t, "n", "integer");
    add_column(t, "t", "text");
    for (int i = 1; rc == 0 && i <= p->rows; i++) {
        rc = buf_printf(&text, e, "%d\titem %d\n", i, i);
    }
    if (rc == 0) {
        rc = put_range(f, m, t, buf_str(&text), text.len, e);
    }
    buf_clear(&text);
    if (rc == 0 && (rc = buf_printf(&text, e, "0\t%s\n", own)) == 0) {
        rc = put_range(f, m, t, buf_str(&text), text.len, e);
    }
    buf_free(&text);
    return rc;
}

static struct label *
make_label(const struct plant *p, const char *db, const struct manifest *m, time_t at)
{
    struct label *l = label_new();

    l->dbname = xstrdup(db);
    l->scope = xstrdup(p->scope != NULL ? p->scope : "full");
    l->selection = p->scope != NULL ? xstrdup("--table 'item'") : NULL;
    l->note = p->note != NULL ? xstrdup(p->note) : NULL;
    l->server_version = xstrdup("15.20");
    l->server_version_num = 150020;
    l->pg_dump_version = xstrdup("15.20");
    l->started = l->snapshot = l->finished = at;
    l->globals = l->passwords = true;
    l->tables = 1;
    l->rows = m->tables[0].rows;
    l->raw_bytes = l->database_bytes = m->tables[0].bytes;
    return l;
}

/* As writer_begin() makes ids, of that time; the random digits are its. */
static void
set_time(struct writer *w, time_t at)
{
    char id[BACKUP_ID_MAX], when[17];

    (void)snprintf(id, sizeof id, "%s%s", time_compact(at, when, sizeof when),
                   strrchr(writer_backup_id(w), '-'));
    writer_set_id(w, id);
}

/* "7412345678901234567,16384". */
static int
read_source(const struct plant *p, struct repo_source *s, struct err *e)
{
    if (p->source != NULL &&
        sscanf(p->source, "%" SCNu64 ",%" SCNu32, &s->system_identifier, &s->database_oid) != 2) {
        return err_set(e, ERR_USAGE, "--source \"%s\" is not SYSTEM,OID", p->source);
    }
    return 0;
}

/* What the manifest says of its server, as far as verify xid reads it. */
static void
note_xids(struct manifest *m, const struct plant *p, const struct repo_source *s)
{
    m->server = json_object();
    m->snapshot = json_object();
    json_object_set_new(m->server, "system_identifier", json_hex64(s->system_identifier));
    json_object_set_new(m->snapshot, "xmax", json_hex64(strtoull(p->xmax, NULL, 10)));
}

static int
plant(const struct plant *p, const char *db, struct repo *r, struct err *e)
{
    struct repo_source source = {.system_identifier = 1, .database_oid = 1, .dbname = xstrdup(db)};
    struct fanout_options o = {.db = db, .source = &source, .codec = CODEC_DEFAULT, .workers = 1};
    struct fanout_repo    to = {.repo = r};
    struct manifest      *m = manifest_new();
    struct label         *l = NULL;
    struct fanout        *f = NULL;
    time_t                at = time(NULL);
    int                   rc = -1;

    if (read_source(p, &source, e) == 0 && (p->at == NULL || time_parse(p->at, &at, e) == 0) &&
        (f = fanout_begin(&to, 1, &o, e)) != NULL) {
        if (p->at != NULL) {
            set_time(to.writer, at);
        }
        memcpy(m->fingerprint_key, fanout_fingerprint_key(f), sizeof m->fingerprint_key);
        m->has_fingerprint_key = true;
        if (p->xmax != NULL) {
            note_xids(m, p, &source);
        }
        if (p->xid_age != NULL) {
            m->xid = json_pack("{s:I}", "age", (json_int_t)strtoll(p->xid_age, NULL, 10));
        }
        rc = put_table(f, m, p, fanout_backup_id(f), e);
    }
    if (rc == 0) {
        struct draft d = manifest_draft(m);

        l = make_label(p, db, m, at);
        rc = fanout_commit(f, &d, l, e);
    }
    if (rc == 0) {
        (void)puts(to.label->id);
    }
    fanout_end(f);
    label_free(l);
    label_free(to.label);
    manifest_free(m);
    source_free(&source);
    return rc;
}

static int
run(struct plant *p, const struct opts_result *given, struct err *e)
{
    struct storage_given    of = {.options = &p->repo_options};
    struct config          *config = config_load(p->config_file, repo_config_keys(), e);
    struct storage_location place;
    struct repo            *r = NULL;
    int                     rc = -1;

    if (config != NULL &&
        storage_location_find(config, p->repo, given->rest.v[0], &of, &place, e) == 0 &&
        (r = repo_open(&place, e)) != NULL) {
        rc = plant(p, given->rest.v[0], r, e);
    }
    repo_close(r);
    config_free(config);
    return rc == 0 ? EXIT_GOOD : -1;
}

int
main(int argc, char **argv)
{
    struct err         e = ERR_INIT;
    struct opts_result given = {0};
    struct plant       p = {.rows = 2000};
    int                status = -1;

    tool_begin(spec.program);
    log_init(spec.program, LOG_WARN);
    if (opts_parse(&spec, NULL, argc, argv, &p, &given, &e) == 0 &&
        (given.done || opts_check(&spec, NULL, &given, &e) == 0)) {
        status = given.done ? EXIT_GOOD : run(&p, &given, &e);
    }
    if (status < 0) {
        err_print(&e);
        status = err_exit_status(&e);
    }
    opts_lists_free(given.tables, &p);
    opts_result_free(&given);
    return tool_end(status);
}
