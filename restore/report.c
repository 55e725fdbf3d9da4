/*
 * report.c - the result: a few lines of text, or one JSON object (docs/json.md).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/print.h"
#include "core/quote.h"
#include "core/when.h"
#include "restore/expect.h"
#include "restore/file/foreign.h"
#include "restore/job/restore.h"
#include "restore/load/kept.h"
#include "restore/replace_status.h"

static json_t *
strings(const struct strlist *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->n; i++) {
        json_array_append_new(all, json_text(l->v[i]));
    }
    return all;
}

static json_t *
backup_json(const struct restore *r)
{
    const struct label *l = r->label;
    char                snapshot[32];

    return json_pack("{s:s, s:o, s:o, s:s, s:s}", "id", l->id, "database", json_text(l->db),
                     "source_database", json_text(l->dbname), "snapshot_time",
                     time_rfc3339(l->snapshot, snapshot, sizeof snapshot), "scope", l->scope);
}

/* One line, unlike json_print(): what reads standard output and error together tells it apart. */
static int
print_json(json_t *o, struct err *e)
{
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    int        rc;

    json_set_run(o);
    rc = json_write(o, &out, e);
    if (rc == 0) {
        print_raw(stdout, buf_str(&out));
        print_raw(stdout, "\n");
    }
    buf_free(&out);
    json_decref(o);
    return rc;
}

static json_t *
list_json(const struct restore *r)
{
    const struct manifest *m = r->manifest;
    json_t                *tables = json_array(), *objects = json_array();

    for (size_t i = 0; i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];
        json_array_append_new(tables,
                              json_pack("{s:o, s:o, s:I, s:I, s:o}", "schema", json_text(t->schema),
                                        "name", json_text(t->name), "rows", (json_int_t)t->rows,
                                        "bytes", (json_int_t)t->bytes, "skipped",
                                        json_text(t->skipped)));
    }
    for (size_t i = 0; i < m->n_objects; i++) {
        const struct manifest_object *x = &m->objects[i];
        json_array_append_new(objects,
                              json_pack("{s:s, s:o, s:o}", "kind", x->kind, "schema",
                                        json_text(x->schema), "name", json_text(x->name)));
    }
    return json_pack("{s:o, s:o, s:o, s:I}", "backup", backup_json(r), "tables", tables, "objects",
                     objects, "large_objects", (json_int_t)m->lo_count);
}

int
report_list(const struct restore *r, struct err *e)
{
    if (r->o->json) {
        return print_json(
            r->foreign != NULL ? json_pack("{s:o}", "file", foreign_json(r)) : list_json(r), e);
    }
    if (r->foreign != NULL) {
        foreign_list(r);
    } else {
        report_list_text(r);
    }
    return 0;
}

static json_t *
target_json(const struct restore *r)
{
    json_t *t = json_object();

    json_object_set_new(t, "database",
                        r->foreign != NULL && foreign_is_cluster(r) ? json_null()
                                                                    : json_text(r->name));
    json_object_set_new(t, "schema", json_text(r->o->into_schema));
    json_object_set_new(t, "host", json_text(r->host));
    json_object_set_new(t, "port", json_text(r->port));
    json_object_set_new(t, "user", json_text(r->user));
    json_object_set_new(t, "scratch", json_boolean(r->scratch != NULL));
    json_object_set_new(t, "remove_command", json_text(r->keep_command));
    return t;
}

static json_t *
phases_json(const struct restore *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->n_phases; i++) {
        json_array_append_new(
            all,
            json_pack("{s:s, s:f}", "name", r->phases[i].name, "seconds", r->phases[i].seconds));
    }
    return all;
}

static json_t *
written_json(const struct restore *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->n_written; i++) {
        const struct live_written *w = &r->written[i];

        json_array_append_new(all,
                              json_pack("{s:o, s:I, s:I}", "table", json_text(w->table), "rows",
                                        (json_int_t)w->rows, "written", (json_int_t)w->written));
    }
    return all;
}

static json_t *
first_json(const struct restore *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->n_first; i++) {
        const struct first_table *t = &r->first[i];

        json_array_append_new(all,
                              json_pack("{s:o, s:I, s:o, s:I}", "table", json_text(t->name), "rows",
                                        (json_int_t)t->rows, "usable_seconds",
                                        t->seconds > 0 ? json_real(t->seconds) : json_null(),
                                        "waiting", (json_int_t)t->waiting));
    }
    return all;
}

static json_t *
result_json(const struct restore *r, int status, const struct err *e)
{
    static const char *const words[] = {"complete", "failed", "usage", "different", "partly"};
    json_t                  *o = json_object();

    json_object_set_new(
        o, "status",
        json_string(status >= 0 && status <= EXIT_PARTLY ? words[status] : "interrupted"));
    json_object_set_new(o, "exit_status", json_integer(status));
    json_object_set_new(o, "dry_run", json_boolean(r->o->dry_run));
    json_object_set_new(o, "backup", r->label == NULL ? json_null() : backup_json(r));
    json_object_set_new(o, "file", foreign_json(r));
    json_object_set_new(o, "target", target_json(r));
    json_object_set_new(o, "seconds", json_real(r->seconds));
    json_object_set_new(o, "expected_seconds",
                        r->expected_seconds > 0 ? json_real(r->expected_seconds) : json_null());
    json_object_set_new(o, "phases", phases_json(r));
    json_object_set_new(
        o, "tables",
        json_integer((json_int_t)(r->foreign != NULL ? foreign_tables(r) : r->n_tables)));
    json_object_set_new(o, "rows", json_integer((json_int_t)r->rows));
    json_object_set_new(o, "bytes", json_integer((json_int_t)r->bytes));
    if (r->kept != NULL) {
        json_object_set_new(o, "loaded_tables", json_integer((json_int_t)kept_loaded(r)));
    }
    json_object_set_new(o, "early_indexes", json_integer((json_int_t)r->indexes_built));
    json_object_set_new(o, "large_objects",
                        json_integer(r->manifest == NULL ? 0 : (json_int_t)r->manifest->lo_count));
    if (r->o->swap) {
        json_object_set_new(o, "set_aside", json_text(r->aside));
        json_object_set_new(o, "outage_seconds",
                            r->aside == NULL ? json_null() : json_real(r->outage_seconds));
    }
    if (r->o->replace) {
        const struct replacing *x = r->replacing;

        json_object_set_new(o, "safety_database", json_text(x == NULL ? NULL : x->safety_db));
        json_object_set_new(o, "safety_backup", json_text(x == NULL ? NULL : x->safety_id));
    }
    json_object_set_new(o, "errors", problems_json(&r->problems));
    json_object_set_new(o, "warnings", strings(&r->warnings));
    json_object_set_new(o, "preflight", preflight_json(&r->preflight));
    json_object_set_new(o, "needed", strings(&r->needed));
    json_object_set_new(o, "first", first_json(r));
    json_object_set_new(o, "written", written_json(r));
    json_object_set(o, "differences", r->differences == NULL ? json_null() : r->differences);
    json_object_set_new(o, "error", e->kind == ERR_NONE ? json_null() : json_text(e->text));
    if (e->hint[0] != '\0') {
        json_object_set_new(o, "hint", json_text(e->hint));
    }
    return o;
}

/* Nothing without a terminal: cron mails all output. */
static bool
is_watched(const struct options *o)
{
    return !o->json && !o->quiet && o->rows.n == 0 &&
        (o->verbose || o->dry_run || isatty(STDOUT_FILENO));
}

/* 'database "shop2" on db1:5432, as "shop" was 6 h 12 min ago, 02:15 (backup ID)' */
char *
report_what(const struct restore *r)
{
    char  age[96];
    char *server = target_name(r), *file;
    char *schema = r->o->into_schema == NULL ? xstrdup("")
                                             : xasprintf("schema \"%s\" of ", r->o->into_schema);
    char *text;

    if (r->foreign != NULL) {
        file = foreign_what(r);
        text = foreign_is_cluster(r)
            ? xasprintf("%s: %s", server, file)
            : xasprintf("database \"%s\" on %s: %s", r->name, server, file);
        free(file);
    } else {
        text = xasprintf("%sdatabase \"%s\" on %s, as \"%s\" was %s (backup %s)", schema, r->name,
                         server, r->label->dbname,
                         when_ago(r->label->snapshot, time(NULL), age, sizeof age), r->label->id);
    }
    free(server);
    free(schema);
    return text;
}

void
report_begin(const struct restore *r)
{
    char *text;

    if (is_watched(r->o) && !r->o->dry_run) {
        text = report_what(r);
        print_out("restoring %s\n", text);
        free(text);
        text = expect_text(r);
        if (text != NULL) {
            print_out("%s\n", text);
        }
        (void)fflush(stdout);
        free(text);
    }
}

/* The needed objects of a part; a long list is truncated. */
static void
print_needed(const struct restore *r)
{
    enum { SHOWN = 20 };

    for (size_t i = 0; i < r->needed.n && i < SHOWN; i++) {
        print_out("%s%s", i == 0 ? "with what that needs: " : ", ", r->needed.v[i]);
    }
    if (r->needed.n > SHOWN) {
        print_out(" and %zu more", r->needed.n - SHOWN);
    }
    if (r->needed.n > 0) {
        print_out("\n");
    }
}

/* With --dry-run; otherwise the log has them, with --verbose. */
static void
print_notes(const struct restore *r)
{
    for (size_t i = 0; i < r->preflight.n; i++) {
        const struct preflight_finding *x = &r->preflight.v[i];

        if (x->kind == PREFLIGHT_NOTE && !r->o->verbose) {
            print_out("note: %s\n", x->text);
        }
        if (x->kind == PREFLIGHT_NOTE && !r->o->verbose && x->sql != NULL) {
            print_out("      SQL: %s\n", x->sql);
        }
    }
}

/* Frees the command. */
static void
print_command(const char *before, char *command)
{
    print_out("%s%s\n", before, command);
    free(command);
}

static void
print_for_people(const struct restore *r)
{
    char  size[32], took[32], tables[48], rows[48], objects[48];
    char *text = report_what(r);

    if (r->foreign != NULL) {
        foreign_print(r, text);
        free(text);
        return;
    }
    count_human(r->n_tables, "table", tables, sizeof tables);
    count_human(r->o->dry_run ? plan_sizes(r).rows : r->rows, "row", rows, sizeof rows);
    if (r->o->dry_run) {
        print_notes(r);
        print_needed(r);
        print_out("nothing stands in the way of %s: %s, %s\n", text, tables, rows);
        free(text);
        text = expect_text(r);
        if (text != NULL) {
            print_out("%s\n", text);
        }
        free(text);
        return;
    }
    print_needed(r);
    for (size_t i = 0; i < r->n_written; i++) {
        print_out("%s: %" PRIu64 " of %" PRIu64 " rows written\n", r->written[i].table,
                  r->written[i].written, r->written[i].rows);
    }
    print_out("restored %s, %s, %s in %s: %s\n", tables, rows,
              size_human(r->bytes, size, sizeof size),
              duration_human(r->seconds, took, sizeof took), text);
    free(text);
    if (r->aside != NULL) {
        print_out("nobody could connect for %s; what had the name is set aside as \"%s\"\n",
                  duration_human(r->outage_seconds, took, sizeof took), r->aside);
        print_command("to go back: ",
                      quote_command("pgassay", "restore", QUOTE_ARG(r->name), "--undo"));
    }
    if (r->replacing != NULL && r->replacing->safety_id != NULL) {
        print_command("to go back: ", replace_command_back(r->replacing));
        print_command("that backup is pinned; to give it up: ",
                      quote_command("pgassay", "storage", "unpin",
                                    QUOTE_ARG(r->replacing->safety_db),
                                    QUOTE_ARG(r->replacing->safety_id)));
    }
    if (r->problems.n > 0) {
        print_out("not restored as it was: %s, named above\n",
                  count_human(r->problems.n, "object", objects, sizeof objects));
    }
}

int
report_result(const struct restore *r, int status, const struct err *why, struct err *e)
{
    bool done = status == EXIT_GOOD || status == EXIT_PARTLY;

    if (r->o->json) {
        return print_json(result_json(r, status, why), e);
    }
    if (done && is_watched(r->o)) {
        print_for_people(r);
    }
    if (r->keep_command != NULL) {
        char *name = quote_dbname(r->foreign != NULL && foreign_is_cluster(r) ? "postgres"
                                                                              : r->name);

        print_command(
            "scratch server: ",
            quote_command("psql", "-h", r->host, "-p", r->port, "-U", r->user, "-d", name));
        free(name);
        print_out("to remove it:\n%s\n", r->keep_command);
    }
    return 0;
}
