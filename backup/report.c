#include "backup/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/import.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/when.h"

enum { HUMAN = 48 };

static void
print_sizes(const struct label *l)
{
    char fresh[HUMAN], reused[HUMAN];

    print_out("%s stored new, %s reused", size_human(l->new_bytes, fresh, sizeof fresh),
              size_human(l->stored_bytes - l->new_bytes, reused, sizeof reused));
}

/* '"shop_20260930.sql.gz" as of 2026-09-30 02:15' */
static char *
import_text(const struct import *m)
{
    char at[32];

    return xasprintf("\"%s\" as of %s", m->file, when_local(m->taken, time(NULL), at, sizeof at));
}

static void
print_stored(const struct outcome *o)
{
    const struct label *l = outcome_label(o);
    char                rows[HUMAN], tables[HUMAN], read[HUMAN], took[HUMAN];

    if (o->import != NULL) {
        char *text = import_text(o->import);

        print_out("%s: imported %s: ", o->name, text);
        free(text);
    } else {
        print_out("%s: ", o->name);
    }
    print_out("backup %s: %s, %s, %s read, ", l->id,
              count_human(l->tables, "table", tables, sizeof tables),
              count_human(l->rows, "row", rows, sizeof rows),
              size_human(l->raw_bytes - o->unread.bytes, read, sizeof read));
    if (o->unread.ranges > 0) {
        print_out("%s unchanged and not read, ", size_human(o->unread.bytes, read, sizeof read));
    }
    if (o->n_repos == 1) {
        print_sizes(l);
        print_out(", ");
    }
    print_out("%s\n", duration_human(l->seconds, took, sizeof took));
    for (size_t i = 0; i < o->n_repos && o->n_repos > 1; i++) {
        if (o->repos[i].label != NULL) {
            print_out("  %s: ", o->repos[i].location);
            print_sizes(o->repos[i].label);
            print_out("\n");
        }
    }
}

static void
print_import(const struct outcome *o)
{
    const struct import *m = o->import;
    char                *text = import_text(m), tables[HUMAN], rows[HUMAN];

    if (o->status == OUTCOME_PRESENT) {
        print_out("%s: %s is there already: backup %s\n", o->name, text, o->present);
    } else {
        print_out("%s: would import %s (%s, %s, %s)\n", o->name, text, m->kind,
                  count_human(m->tables, "table", tables, sizeof tables),
                  count_human(m->rows, "row", rows, sizeof rows));
    }
    free(text);
}

static void
print_planned(const struct outcome *o)
{
    char tables[HUMAN], size[HUMAN];
    bool first = true;

    print_out("%s: would back up %s of database \"%s\" (%s) into ", o->name,
              count_human(o->plan->tables, "table", tables, sizeof tables), o->dbname,
              size_human(o->relation_bytes, size, sizeof size));
    for (size_t i = 0; i < o->n_repos; i++) {
        if (o->repos[i].err.kind == ERR_NONE) {
            print_out("%s%s", first ? "" : ", ", o->repos[i].location);
            first = false;
        }
    }
    print_out("\n");
}

static void
print_error(const struct outcome *o, const struct err *error, bool several)
{
    struct err e = *error;

    if (several) {
        err_wrap(&e, "database \"%s\"", o->name);
    }
    err_print(&e);
}

/* The prune's output is printed unchanged: its lines name their program. */
static void
print_pruned(const struct outcome *o, const struct outcome_repo *r)
{
    if (r->prune_warnings != NULL) {
        print_raw(stderr, r->prune_warnings);
    }
    if (r->prune_err.kind != ERR_NONE) {
        log_warn("backup %s is stored, but \"%s\" in \"%s\" could not be pruned: %s", r->label->id,
                 o->name, r->location, r->prune_err.text);
    } else if (r->prune_status != EXIT_GOOD) {
        log_warn("backup %s is stored, but pruning \"%s\" in \"%s\" ended with status %d",
                 r->label->id, o->name, r->location, r->prune_status);
    }
}

void
report_errors(const struct outcome *o, bool several)
{
    if (o->status == OUTCOME_FAILED) {
        print_error(o, &o->err, several);
    }
    for (size_t i = 0; i < o->n_repos; i++) {
        const struct err *e = &o->repos[i].err;

        /* The overall error may be one of theirs. */
        if (e->kind != ERR_NONE && strstr(o->err.text, e->text) == NULL) {
            print_error(o, e, several);
        }
        if (o->repos[i].pruned) {
            print_pruned(o, &o->repos[i]);
        }
    }
    if (o->hook_err.kind != ERR_NONE) {
        print_error(o, &o->hook_err, several);
    }
}

void
report_text(const struct outcome *o, bool wanted)
{
    const struct label *l = outcome_label(o);

    for (size_t i = 0; l != NULL && i < l->warnings.n; i++) {
        log_warn("%s: %s", o->name, l->warnings.v[i]);
    }
    if (o->status == OUTCOME_STORED && wanted) {
        print_stored(o);
        for (size_t i = 0; i < o->n_repos; i++) {
            print_raw(stdout, o->repos[i].prune_text != NULL ? o->repos[i].prune_text : "");
        }
    } else if (o->status == OUTCOME_PRESENT) {
        if (wanted) {
            print_import(o);
        }
    } else if (o->status == OUTCOME_PLANNED) {
        (o->import != NULL ? print_import : print_planned)(o);
    }
}

static void
add_numbers(json_t *j, const struct label *l)
{
    const struct {
        const char *key;
        uint64_t    value;
    } numbers[] = {
        {"rows", l->rows},
        {"raw_bytes", l->raw_bytes},
        {"chunks", l->chunks},
        {"stored_bytes", l->stored_bytes},
        {"new_chunks", l->new_chunks},
        {"new_bytes", l->new_bytes},
        {"database_bytes", l->database_bytes},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_object_set_new(j, numbers[i].key, json_integer((json_int_t)numbers[i].value));
    }
}

static void
add_label(json_t *j, const struct label *l)
{
    char    time[HUMAN];
    json_t *warnings = json_array();

    for (size_t i = 0; i < l->warnings.n; i++) {
        json_array_append_new(warnings, json_text(l->warnings.v[i]));
    }
    json_object_set_new(j, "backup", json_text(l->id));
    json_object_set_new(j, "scope", json_text(l->scope));
    json_object_set_new(j, "snapshot", json_text(time_rfc3339(l->snapshot, time, sizeof time)));
    json_object_set_new(j, "seconds", json_real(l->seconds));
    json_object_set_new(j, "warnings", warnings);
    add_numbers(j, l);
}

static void
add_error(json_t *j, const struct err *e)
{
    json_object_set_new(j, "error", json_text(e->text));
    if (e->hint[0] != '\0') {
        json_object_set_new(j, "hint", json_text(e->hint));
    }
}

static json_t *
repo_json(const struct outcome_repo *r)
{
    json_t *j = json_object();

    json_object_set_new(j, "repo", json_text(r->location));
    json_object_set_new(j, "status",
                        json_text(r->label != NULL              ? "stored"
                                      : r->err.kind == ERR_NONE ? "planned"
                                                                : "failed"));
    if (r->label != NULL) {
        json_object_set_new(j, "stored_bytes", json_integer((json_int_t)r->label->stored_bytes));
        json_object_set_new(j, "new_chunks", json_integer((json_int_t)r->label->new_chunks));
        json_object_set_new(j, "new_bytes", json_integer((json_int_t)r->label->new_bytes));
        if (r->pruned) {
            json_object_set_new(j, "prune_status", json_integer(r->prune_status));
        }
    } else if (r->err.kind != ERR_NONE) {
        add_error(j, &r->err);
    }
    return j;
}

/* The first that has the backup, else the first. */
static const char *
main_repo(const struct outcome *o)
{
    for (size_t i = 0; i < o->n_repos; i++) {
        if (o->repos[i].err.kind == ERR_NONE) {
            return o->repos[i].location;
        }
    }
    return o->n_repos == 0 ? NULL : o->repos[0].location;
}

static const char *
status_text(const struct outcome *o)
{
    static const char *const status[] = {"failed", "stored", "planned", "present"};

    return o->status != OUTCOME_FAILED && outcome_failures(o) > 0 ? "partly" : status[o->status];
}

static json_t *
import_json(const struct import *m)
{
    char at[HUMAN];

    return json_pack("{s:o, s:s, s:s, s:s}", "file", json_text(m->file), "sha256", m->sha256,
                     "kind", m->kind, "taken", time_rfc3339(m->taken, at, sizeof at));
}

static json_t *
unread_json(const struct unread_sums *u)
{
    static const char *const source[] = {NULL, "wal_summaries", "row_versions"};
    json_t                  *differs = json_array();

    for (size_t i = 0; i < u->differs.n; i++) {
        json_array_append_new(differs, json_text(u->differs.v[i]));
    }
    return json_pack("{s:I, s:I, s:I, s:o, s:s?}", "tables", (json_int_t)u->tables, "ranges",
                     (json_int_t)u->ranges, "bytes", (json_int_t)u->bytes, "differs", differs,
                     "source", source[u->by]);
}

json_t *
report_json(const struct outcome *o)
{
    json_t *j = json_object(), *repos = json_array();

    json_object_set_new(j, "database", json_text(o->name));
    json_object_set_new(j, "dbname", json_text(o->dbname));
    json_object_set_new(j, "repo", json_text(main_repo(o)));
    json_object_set_new(j, "status", json_text(status_text(o)));
    json_object_set_new(j, "repositories", repos);
    for (size_t i = 0; i < o->n_repos; i++) {
        json_array_append_new(repos, repo_json(&o->repos[i]));
    }
    if (o->import != NULL) {
        json_object_set_new(j, "import", import_json(o->import));
    }
    switch (o->status) {
    case OUTCOME_PRESENT:
        json_object_set_new(j, "backup", json_text(o->present));
        break;
    case OUTCOME_FAILED:
        add_error(j, &o->err);
        break;
    case OUTCOME_STORED:
        json_object_set_new(j, "tables", json_integer((json_int_t)outcome_label(o)->tables));
        add_label(j, outcome_label(o));
        json_object_set_new(j, "unread", unread_json(&o->unread));
        break;
    case OUTCOME_PLANNED:
        json_object_set_new(
            j, "tables",
            json_integer((json_int_t)(o->import != NULL ? o->import->tables : o->plan->tables)));
        json_object_set_new(j, "relation_bytes", json_integer((json_int_t)o->relation_bytes));
        break;
    }
    return j;
}
