#include "backup/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/job.h"
#include "core/enc.h"
#include "core/json.h"
#include "pg/locks.h"

static char *
copied(const char *s)
{
    return s == NULL ? NULL : xstrdup(s);
}

static void
sum_tables(const struct manifest *m, struct label *l)
{
    l->tables = m->n_tables;
    for (size_t i = 0; i < m->n_tables; i++) {
        l->rows += m->tables[i].rows;
        l->raw_bytes += m->tables[i].bytes;
    }
    l->raw_bytes += m->lo_pages.bytes + m->lo_metadata.bytes;
}

/* "/var/run/postgresql" is no host that anybody else could connect to. */
static char *
host_of(const PGconn *conn)
{
    const char *host = PQhost(conn);

    return host == NULL || *host == '\0' || *host == '/' || *host == '@' ? NULL : xstrdup(host);
}

static void
fill_label(struct job *j, time_t started)
{
    struct label          *l = j->label = label_new();
    const struct snapshot *s = &j->snapshot;

    l->db = xstrdup(j->name);
    l->dbname = xstrdup(j->dbname);
    l->scope = xstrdup(j->selection.scope);
    l->selection = copied(j->selection.words);
    l->started = started;
    l->snapshot = s->taken;
    l->tool = xstrdup("pgassay " PGASSAY_VERSION);
    l->host = host_of(s->conn);
    l->server_version_num = pg_version(s->conn);
    l->server_version = copied(PQparameterStatus(s->conn, "server_version"));
    l->pg_dump_version = copied(s->pg_dump_version);
    l->standby = s->catalog.in_recovery;
    l->globals = s->globals;
    l->passwords = s->passwords;
    l->database_bytes = (uint64_t)json_opt_int(j->manifest->database, "size_bytes", 0);
    l->note = copied(j->o.note);
    sum_tables(j->manifest, l);
    for (size_t i = 0; i < j->manifest->warnings.n; i++) {
        utf8_clean(j->manifest->warnings.v[i]); /* names and messages come in the server's encoding */
        strlist_add(&l->warnings, j->manifest->warnings.v[i]);
    }
}

/* What will be stored must be readable: all sums, indices and names are checked once more by the reader's own eyes. */
static int
check_manifest(const struct manifest *m, struct err *e)
{
    struct buf       text = BUF_INIT(BUF_NO_LIMIT);
    struct manifest *back = NULL;

    if (manifest_format(m, &text, e) == 0) {
        back = manifest_parse(text.data, text.len, e);
    }
    buf_free(&text);
    manifest_free(back);
    return back == NULL ? err_wrap(e, "the manifest does not add up") : 0;
}

static int
store(struct job *j, struct outcome *out, struct err *e)
{
    struct writer_options options = {.db = j->name, .codec = j->o.codec, .workers = j->o.jobs + 1};
    time_t                started = time(NULL);

    j->writer = writer_begin(j->repo, &options, e);
    if (j->writer == NULL) {
        return err_wrap(e, "repository \"%s\"", j->repo->st->location);
    }
    if (job_take(j, e) != 0) {
        return -1;
    }
    fill_label(j, started);
    snapshot_end(&j->snapshot);
    if (check_manifest(j->manifest, e) != 0) {
        return -1;
    }
    if (source_bind(j->repo, j->name, &j->source, j->o.adopt, e) != 0) {
        return -1;
    }
    j->label->finished = time(NULL);
    j->label->seconds = clock_seconds() - j->began;
    if (writer_commit(j->writer, j->manifest, j->label, e) != 0) {
        return -1;
    }
    out->status = OUTCOME_STORED;
    return 0;
}

static int
plan(struct job *j, struct outcome *out, struct err *e)
{
    if (job_plan(j, &out->relation_bytes, e) != 0) {
        return -1;
    }
    out->status = OUTCOME_PLANNED;
    return 0;
}

void
backup_run(const struct run *run, const struct database *db, struct outcome *out)
{
    struct job j = {.run = run, .db = db, .lock = -1, .began = clock_seconds()};

    *out = (struct outcome){.status = OUTCOME_FAILED, .err = ERR_INIT};
    if (job_open(&j, &out->err) == 0) {
        (void)(j.o.dry_run ? plan : store)(&j, out, &out->err);
    }
    out->name = copied(j.name != NULL ? j.name : db->name);
    out->dbname = copied(j.dbname != NULL ? j.dbname : db->dbname);
    out->repo = j.repo == NULL ? NULL : xstrdup(j.repo->st->location);
    if (out->status != OUTCOME_FAILED) {
        out->label = j.label;
        j.label = NULL;
    }
    job_close(&j);
}

void
outcome_free(struct outcome *o)
{
    free(o->name);
    free(o->dbname);
    free(o->repo);
    label_free(o->label);
    *o = (struct outcome){0};
}
