#include "restore/load/load_first.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "pg/archive/entry_ids.h"
#include "restore/job/entries.h"
#include "restore/load/finish.h"

static const char *const table[] = {"TABLE", NULL};
static const char *const foreign_key[] = {"FK CONSTRAINT", NULL};
static const char *const keys[] = {"INDEX", "CONSTRAINT", "FK CONSTRAINT", NULL};

/* Of the table of an entry; 0: it is loaded with the rest, or has no rows to be loaded. */
static int
stage_of(const struct restore *r, const struct archive_entry *entry)
{
    const char            *schema = entry->schema == NULL ? "" : entry->schema;
    struct manifest_table *t = manifest_find(r->manifest, schema, entry->tag);

    return t == NULL || t->oid != entry->oid ? 0 : r->tables[t - r->manifest->tables].group->stage;
}

static bool
is_to_come(const struct restore *r, const struct archive_entry *entry)
{
    for (size_t i = 0; i < r->post.n; i++) {
        if (r->post.v[i] == entry) {
            return true;
        }
    }
    return false;
}

/* Both tables are loaded, and what the key refers to is there. */
static bool
is_ready(const struct restore *r, const struct entry_ids *ids, const struct archive_entry *entry,
         int stage)
{
    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *on = entry_ids_find(ids, entry->depends[i]);
        int                         its = on != NULL && entry_is(on, table) ? stage_of(r, on) : 1;

        if (on != NULL && (its == 0 || its > stage || is_to_come(r, on))) {
            return false;
        }
    }
    return true;
}

/* Takes foreign keys that can be made now out of the list of what comes last. */
static void
take_keys(struct restore *r, const struct entry_ids *ids, int stage, struct entry_list *out)
{
    struct entry_list rest = {0};

    for (size_t i = 0; i < r->post.n; i++) {
        const struct archive_entry *entry = r->post.v[i];
        bool take = entry_is(entry, foreign_key) && is_ready(r, ids, entry, stage);

        entry_list_add(take ? out : &rest, entry);
    }
    entry_list_free(&r->post);
    r->post = rest;
}

/* A foreign key's own table is named first in its tag. */
static bool
is_on(const struct archive_entry *entry, const struct archive_entry *of)
{
    size_t n = strlen(of->tag);
    bool   depends = false;

    for (size_t i = 0; i < entry->n_depends; i++) {
        depends = depends || entry->depends[i] == of->dump_id;
    }
    return depends &&
        (!entry_is(entry, foreign_key) ||
         (strncmp(entry->tag, of->tag, n) == 0 && entry->tag[n] == ' '));
}

static int
analyze(struct restore *r, int stage, struct err *e)
{
    for (size_t i = 0; !r->o->no_analyze && i < r->n_tables; i++) {
        const struct table_job *job = &r->tables[i];

        if (job->group->stage != stage || job->table->kind != 'r') {
            continue;
        }
        if (pg_execf(r->conn, e, "ANALYZE %s", job->qualified) != 0) {
            if (problem_is_fatal(r->conn, e)) {
                return err_wrap(e, "collecting statistics");
            }
            err_clear(e); /* it is tried, and told, once more at the end */
        }
    }
    return 0;
}

static void
say(const struct restore *r, const struct first_table *t)
{
    char  rows[48], took[32];
    char *waiting = t->waiting == 0
        ? xstrdup("")
        : xasprintf("; until the rest is there, without %zu %s", t->waiting,
                    t->waiting == 1 ? "index or key" : "indexes or keys");

    log_say("usable after %s: %s, %s, in database \"%s\"%s",
            duration_human(t->seconds, took, sizeof took), t->name,
            count_human(t->rows, "row", rows, sizeof rows), r->working_name, waiting);
    free(waiting);
}

static void
tell(struct restore *r, int stage)
{
    for (size_t i = 0; i < r->n_first; i++) {
        struct first_table *t = &r->first[i];

        if (t->stage != stage) {
            continue;
        }
        t->seconds = clock_seconds() - r->start;
        for (size_t k = 0; k < r->post.n; k++) {
            t->waiting += entry_is(r->post.v[k], keys) && is_on(r->post.v[k], t->entry);
        }
        say(r, t);
    }
}

static int
run_stage(struct restore *r, const struct entry_ids *ids, int stage, struct err *e)
{
    struct entry_list ready = {0};
    int               rc = load_run(r, stage, e);

    if (rc == 0) {
        take_keys(r, ids, stage, &ready);
        rc = finish_foreign_keys(r, &ready, e) == 0 ? analyze(r, stage, e) : -1;
    }
    if (rc == 0) {
        tell(r, stage);
    }
    entry_list_free(&ready);
    return rc;
}

int
load_first(struct restore *r, struct err *e)
{
    struct entry_ids ids = entry_ids_new(&r->archive);
    int              rc = 0;

    for (int stage = 1; rc == 0 && r->n_first > 0 && stage <= (int)r->o->first.n; stage++) {
        rc = run_stage(r, &ids, stage, e);
    }
    entry_ids_free(&ids);
    return rc;
}
