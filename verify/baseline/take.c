#include "verify/baseline/take.h"

#include <stdlib.h>

#include "core/human.h"
#include "core/log.h"
#include "facts/describe.h"
#include "pg/conn/tools.h"
#include "storage/repo/baselines.h"
#include "verify/compare/rows.h"

static void
add_tables(const struct catalog *c, struct manifest *m)
{
    for (size_t i = 0; i < c->n_tables; i++) {
        const struct cat_table *t = &c->tables[i];

        if (!t->extension_member || t->extension != NULL)
            (void)describe_table(m, t, false, describe_skipped(c, t));
    }
    m->lo_count = c->lo_count;
}

static int
add_definitions(const struct snapshot *s, struct manifest *m, struct err *e)
{
    struct pg_tool         pg_restore = {0};
    struct archive         archive = {0};
    struct archive_options options = {0};
    struct oid_set         sequences = {0}, views = {0};
    int                    rc = -1;

    if (pg_tool_find("pg_restore", 0, &pg_restore, e) != 0)
        return -1;
    options.pg_restore = pg_restore.path;
    if (archive_open_bytes(&archive, s->archive.data, s->archive.len, &options, e) == 0) {
        describe_objects(&archive, m);
        describe_globals(s, m);
        describe_oids(&archive, "MATERIALIZED VIEW", &views);
        describe_matviews(&s->catalog, &views, m);
        describe_oids(&archive, "SEQUENCE", &sequences);
        rc = describe_sequences(s, &sequences, m, e);
        oid_set_free(&sequences);
        oid_set_free(&views);
    }
    archive_close(&archive);
    pg_tool_free(&pg_restore);
    return rc;
}

/* One range without segments: there are no chunks. */
static void
take_rows(struct manifest *m, const struct row_check *check)
{
    struct manifest_table *t = &m->tables[check->want - m->tables];
    const struct row_sum  *sum = &check->read.rows;

    t->rows = sum->rows;
    t->counted = check->how != ROWS_SUMMED;
    t->estimated = check->how == ROWS_ESTIMATED;
    if (!t->counted) {
        t->fp = (struct fingerprint){sum->a, sum->b};
        t->generated_fp = (struct fingerprint){check->read.generated.a, check->read.generated.b};
    }
    if (t->rows == 0)
        return;
    VEC_GROW(t->ranges, t->n_ranges, t->cap_ranges);
    t->ranges[t->n_ranges++] = (struct manifest_range){.rows = t->rows, .fp = t->fp};
}

/* Ignored tables are counted all the same: what is expected may change, and what was, not. */
static void
leave_none(struct row_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        if (checks->v[i].how == ROWS_LEFT)
            checks->v[i].how = ROWS_COUNTED;
}

static int
unread(const struct findings *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].class == FINDING_UNCOMPARED) {
            err_set(e, ERR_PG, "table %s %s: %s", f->v[i].object, f->v[i].what,
                    f->v[i].have != NULL ? f->v[i].have : "");
            return err_hint(e, "the role must read every row: GRANT pg_read_all_data to it");
        }
    return 0;
}

/* The manifest of today compared with today, for how many rows there are. */
static int
read_rows(struct compare *c, struct manifest *m, struct label *l, struct err *e)
{
    struct row_checks checks;
    int               rc;

    row_checks_make(c, &checks);
    leave_none(&checks);
    rc = row_checks_read(c, &checks, e);
    if (rc == 0)
        rc = unread(&c->result->findings, e);
    for (size_t i = 0; rc == 0 && i < checks.n; i++) {
        take_rows(m, &checks.v[i]);
        l->estimated += checks.v[i].how == ROWS_ESTIMATED;
    }
    row_checks_free(&checks);
    return rc;
}

static void
fill_label(const struct options *o, const struct snapshot *s, const struct manifest *m,
           struct label *l)
{
    describe_label(s, m, l);
    l->baseline = true;
    l->db = xstrdup(o->database);
    l->dbname = xstrdup(PQdb(s->conn));
    l->scope = xstrdup("full");
    l->note = o->name == NULL ? NULL : xstrdup(o->name);
}

static int
describe(const struct options *o, const struct snapshot_options *so, struct snapshot *s,
         struct repo *repo, struct manifest *m, struct label *l, struct err *e)
{
    struct verify_result r;
    struct compare       c = {.repo = repo,
                              .label = l,
                              .man = m,
                              .snap = s,
                              .snap_opts = so,
                              .options = o,
                              .result = &r,
                              .estimates = o->estimate};
    int                  rc = -1;

    result_init(&r, VERB_LIVE);
    for (size_t i = 0; i < s->warnings.n; i++)
        strlist_add(&m->warnings, s->warnings.v[i]);
    add_tables(&s->catalog, m);
    if (tolerances_load(o->config, o->database, &c.tolerances, e) == 0 &&
        add_definitions(s, m, e) == 0 && describe_sections(s, m, e) == 0 &&
        read_rows(&c, m, l, e) == 0) {
        fill_label(o, s, m, l);
        rc = 0;
    }
    tolerances_free(c.tolerances);
    result_free(&r);
    return rc;
}

int
take_baseline(const struct options *o, struct repo *repo, struct label **label,
              struct manifest **manifest, struct err *e)
{
    struct pg_target        target = options_database_target(o);
    struct snapshot_options so = {.target = &target, .lock_timeout_ms = o->lock_timeout_s * 1000};
    struct snapshot         s = {0};
    struct label           *l = label_new();
    struct manifest        *m = manifest_new();
    double                  began = clock_seconds();
    int                     rc;

    l->started = time(NULL);
    rc = baseline_begin(repo, m, e) != 0 || snapshot_take(&so, &s, e) != 0 ? -1 : 0;
    if (rc == 0) {
        rc = describe(o, &so, &s, repo, m, l, e);
        snapshot_end(&s);
    }
    l->finished = time(NULL);
    l->seconds = clock_seconds() - began;
    if (rc != 0) {
        label_free(l);
        manifest_free(m);
        return -1;
    }
    *label = l;
    *manifest = m;
    return 0;
}
