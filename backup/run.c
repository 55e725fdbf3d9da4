#include "backup/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/import.h"
#include "backup/job.h"
#include "backup/prune.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/utf8.h"
#include "facts/describe.h"

static char *
copied(const char *s)
{
    return s == NULL ? NULL : xstrdup(s);
}

static void
fill_imported(struct label *l, const struct import *m)
{
    l->snapshot = m->taken;
    l->imported = time(NULL);
    l->imported_kind = xstrdup(m->kind);
    l->imported_file = xstrdup(m->file);
    l->imported_sha256 = xstrdup(m->sha256);
    l->imported_server_version = copied(m->server_version);
    l->imported_pg_dump_version = copied(m->pg_dump_version);
    utf8_clean(l->imported_file);
    l->passwords = l->passwords && m->cluster; /* of roles that only their names are known of */
    /* A scratch server's, which nobody has any more. */
    free(l->system_identifier);
    l->system_identifier = NULL;
    l->next_xid = l->xid_age = l->multixact_age = 0;
}

/* Whoever restores it gets the locale that the database had: not that of the scratch server, which
 * it may have instead, for want of the dump's or of a word about it.  (A missing key: whatever the
 * target server has.)  A dump of pg_dumpall makes its databases as they were. */
static void
note_locale(json_t *db, const struct import *m)
{
    static const char *const keys[] = {"provider", "locale", "collate", "ctype", "icu_rules"};
    bool                     other = false;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !m->cluster; i++) {
        json_t *said = json_object_get(m->locale, keys[i]);

        if (m->locale == NULL) {
            (void)json_object_del(db, keys[i]);
        } else if (said != NULL && !json_equal(said, json_object_get(db, keys[i]))) {
            (void)json_object_set(db, keys[i], said);
            other = true;
        }
    }
    if (other || (m->locale == NULL && !m->cluster)) {
        (void)json_object_del(db, "collation_version");
        (void)json_object_del(db, "collation_version_now");
    }
}

/* What the manifest says of the moment, and what the restore of the dump had to leave out. */
static void
note_import(struct manifest *man, const struct import *m)
{
    char at[32];

    (void)json_object_set_new(man->snapshot, "time",
                              json_string(time_rfc3339(m->taken, at, sizeof at)));
    note_locale(man->database, m);
    strlist_add_all(&man->warnings, &m->warnings);
}

static void
fill_label(struct job *j, time_t started)
{
    struct label          *l = j->label = label_new();
    const struct snapshot *s = &j->snapshot;

    if (j->run->import != NULL) {
        note_import(j->manifest, j->run->import);
    }
    describe_label(s, j->manifest, l);
    l->db = xstrdup(j->name);
    l->dbname = xstrdup(j->dbname);
    l->scope = xstrdup(j->selection.scope);
    l->selection = copied(j->selection.words);
    l->started = started;
    l->note = copied(j->o.note);
    if (j->run->import != NULL) {
        fill_imported(l, j->run->import);
    }
}

static int
store(struct job *j, struct outcome *out, struct err *e)
{
    struct fanout_options options = {.db = j->name,
                                     .source = &j->source,
                                     .adopt = j->o.adopt,
                                     .taken = j->run->import != NULL ? j->run->import->taken : 0,
                                     .codec = j->o.codec,
                                     .workers = j->o.jobs + 1};
    time_t                started = time(NULL);
    struct draft          draft;

    j->fanout = fanout_begin(j->to.v, j->to.n, &options, e);
    if (j->fanout == NULL || job_take(j, e) != 0) {
        return -1;
    }
    fill_label(j, started);
    snapshot_end(&j->snapshot);
    j->label->finished = time(NULL);
    j->label->seconds = clock_seconds() - j->began;
    draft = manifest_draft(j->manifest);
    if (fanout_commit(j->fanout, &draft, j->label, e) != 0) {
        return -1;
    }
    if (j->deltas != NULL) {
        deltas_commit(j->deltas);
    }
    out->status = OUTCOME_STORED;
    out->unread = j->unread;
    j->unread = (struct unread_sums){0};
    return 0;
}

static int
plan(struct job *j, struct outcome *out, struct err *e)
{
    if (job_plan(j, &out->relation_bytes, e) != 0) {
        return -1;
    }
    out->status = OUTCOME_PLANNED;
    out->plan = j->label;
    j->label = NULL;
    return 0;
}

/* The outcome in each repository; if the whole backup failed, its error for all that had not failed
 * before. */
static void
take_repos(struct job *j, struct outcome *out)
{
    out->n_repos = j->to.n;
    out->repos = xcalloc(j->to.n + 1, sizeof *out->repos);
    for (size_t i = 0; i < j->to.n; i++) {
        struct fanout_repo *r = &j->to.v[i];

        out->repos[i] = (struct outcome_repo){
            .location = xstrdup(j->to.locations[i]),
            .label = r->label,
            .err = r->failed.kind == ERR_NONE ? out->err : r->failed,
        };
        r->label = NULL;
        if (r->repo != NULL) {
            memcpy(out->repos[i].id, r->repo->id, sizeof out->repos[i].id);
        }
    }
}

void
backup_run(const struct backup_request *run, const struct database *db, struct outcome *out)
{
    struct job j = {.run = run, .db = db, .began = clock_seconds()};

    *out = (struct outcome){.status = OUTCOME_FAILED, .err = ERR_INIT, .import = run->import};
    if (job_open(&j, &out->err) == 0) {
        (void)(j.o.dry_run ? plan : store)(&j, out, &out->err);
    }
    out->name = copied(j.name != NULL ? j.name : db->name);
    out->dbname = copied(j.dbname != NULL ? j.dbname : db->dbname);
    take_repos(&j, out);
    if (out->status == OUTCOME_STORED && j.o.prune) {
        prune_after(&j, out);
    }
    job_close(&j);
}

size_t
outcome_unpruned(const struct outcome *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n_repos; i++) {
        n += o->repos[i].pruned && o->repos[i].prune_status != EXIT_GOOD;
    }
    return n;
}

size_t
outcome_failures(const struct outcome *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n_repos; i++) {
        n += o->repos[i].err.kind != ERR_NONE;
    }
    return n;
}

const char *
outcome_alarm(const struct outcome *o)
{
    if (o->unread.differs.n == 0) {
        return NULL;
    }
    return o->unread.by == UNREAD_BY_VERSIONS ? "rows have changed where row versions say that "
                                                "nothing has"
                                              : "rows have changed where WAL summaries say that "
                                                "nothing has";
}

const struct label *
outcome_label(const struct outcome *o)
{
    for (size_t i = 0; i < o->n_repos; i++) {
        if (o->repos[i].label != NULL) {
            return o->repos[i].label;
        }
    }
    return NULL;
}

void
outcome_free(struct outcome *o)
{
    for (size_t i = 0; i < o->n_repos; i++) {
        free(o->repos[i].location);
        label_free(o->repos[i].label);
        free(o->repos[i].prune_text);
        free(o->repos[i].prune_warnings);
    }
    free(o->repos);
    free(o->name);
    free(o->dbname);
    label_free(o->plan);
    unread_sums_free(&o->unread);
    *o = (struct outcome){0};
}
