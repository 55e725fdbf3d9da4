#include "backup/import.h"

#include <stdlib.h>
#include <string.h>

#include "backup/destinations.h"
#include "core/log.h"
#include "storage/repo/imported.h"

/* ---- is it there? ---- */

/* In each repository of its name that can be opened. */
static int
find_present(const struct importing *m, struct import_target *t, const struct backup_request *run,
             struct err *e)
{
    struct storage_location *places;
    struct storage_given     given = {.options = &run->options->repo_options};
    struct imported_file     file = {m->import.sha256, m->import.from, m->import.until};
    struct destinations      to;
    char                     id[BACKUP_ID_MAX];
    bool                     lacking = false;
    size_t                   n;
    int                      rc;

    if (storage_locations_find(run->config, &run->options->repos, t->name, &given, &places, &n,
                               e) != 0) {
        return -1;
    }
    destinations_open(&to, places, n, NULL);
    rc = destinations_left(&to, e);
    for (size_t i = 0; rc == 0 && i < to.n; i++) {
        if (to.v[i].repo == NULL) {
            continue;
        }
        rc = imported_find(to.v[i].repo, t->name, &file, id, e);
        lacking = lacking || id[0] == '\0';
        memcpy(t->present, id, sizeof t->present);
    }
    if (lacking) {
        t->present[0] = '\0';
    }
    destinations_close(&to);
    free(places);
    return rc;
}

/* *all: nothing is left to do. */
static int
compare(struct importing *m, const struct backup_request *run, bool *all, struct err *e)
{
    *all = true;
    for (size_t i = 0; i < m->n; i++) {
        if (find_present(m, &m->v[i], run, e) != 0) {
            return -1;
        }
        *all = *all && m->v[i].present[0] != '\0';
    }
    return 0;
}

/* ---- the server ---- */

static int
start_server(struct importing *m, const struct backup_request *run, struct err *e)
{
    const struct options *o = run->options;
    struct strlist        secrets = {0};

    storage_location_secrets(run->config, &(struct storage_given){.options = &o->repo_options},
                             &secrets);
    m->import.scratch = scratch_start(
        &(struct scratch_options){
            .at_least = m->import.server_version_num,
            .parent_dir = o->scratch_dir,
            .user = o->scratch_user,
            .secrets = &secrets,
            .unconfined = o->scratch_unconfined,
            .jobs = o->jobs,
            .max_locks = (int)(m->import.tables < 50000 ? 2 * m->import.tables : 100000),
        },
        e);
    strlist_free(&secrets);
    return m->import.scratch != NULL ? 0 : err_wrap(e, "scratch server");
}

int
importing_begin(struct importing *m, const struct backup_request *run, struct err *e)
{
    bool all;

    if (import_digest(&m->import, e) != 0 || import_look(m, run->options, e) != 0 ||
        compare(m, run, &all, e) != 0) {
        return -1;
    }
    if (all || run->options->dry_run) {
        return 0;
    }
    if (start_server(m, run, e) != 0) {
        return -1;
    }
    if (import_restore(m, run->options, e) != 0) {
        scratch_explain(m->import.scratch, e);
        return -1;
    }
    return 0;
}

int
importing_end(struct importing *m, struct err *e)
{
    struct scratch *s = m->import.scratch;

    m->import.scratch = NULL;
    return scratch_end(s, e);
}

void
importing_free(struct importing *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->v[i].name);
        free(m->v[i].dbname);
    }
    free(m->v);
    free(m->import.file);
    free(m->import.kind);
    free(m->import.server_version);
    free(m->import.pg_dump_version);
    json_decref(m->import.locale);
    strlist_free(&m->import.warnings);
    *m = (struct importing){0};
}
