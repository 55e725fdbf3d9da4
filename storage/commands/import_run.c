/* import_run.c - one file: pgassay-backup, and pgassay-verify for what it stored. */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/host/proc.h"
#include "core/log.h"
#include "core/progress.h"
#include "storage/commands/import.h"
#include "storage/format/object.h"
#include "storage/repo/annotations.h"

enum { JSON_MAX = 256 << 20 };

/* ---- a tool ---- */

static void
arg(struct strlist *args, const char *name, const char *value)
{
    if (value != NULL) {
        strlist_take(args, xasprintf("--%s=%s", name, value));
    }
}

/* What both are told. */
static void
common_args(const struct import_run *run, struct strlist *args)
{
    const struct import_options *o = run->o;
    char                         jobs[16];

    strlist_add(args, "--json");
    arg(args, "repo", run->repo_name);
    arg(args, "config", o->cmd.config_file);
    arg(args, "scratch-dir", o->scratch_dir);
    arg(args, "scratch-user", o->scratch_user);
    arg(args, "pg-bindir", o->pg_bindir);
    if (o->scratch_unconfined) {
        strlist_add(args, "--scratch-unconfined");
    }
    if (o->jobs > 0) {
        (void)snprintf(jobs, sizeof jobs, "%d", o->jobs);
        arg(args, "jobs", jobs);
    }
    if (o->cmd.quiet) {
        strlist_add(args, "--quiet");
    }
}

/* Takes the arguments.  *report NULL: it printed none, and said holds the reason. */
static int
run_tool(const char *name, struct strlist *args, const struct secret *in, json_t **report,
         char **said, int *status, struct err *e)
{
    char          *program = proc_sibling(name, e);
    struct buf     out = BUF_INIT(JSON_MAX), errors = BUF_INIT(JSON_MAX);
    struct strlist argv = {0};
    struct err     ignored = ERR_INIT;
    int            rc = -1;

    *report = NULL;
    *said = NULL;
    if (program != NULL) {
        strlist_add(&argv, program);
        strlist_add_all(&argv, args);
        strlist_take(&argv, NULL);
        rc = proc_run(&(struct proc_spec){.argv = (const char *const *)argv.v,
                                          .out = &out,
                                          .err = &errors,
                                          .idle_ms = -1,
                                          .in = in != NULL ? in->data : NULL,
                                          .in_len = in != NULL ? in->n : 0,
                                          .status_ok = true,
                                          .ours = true},
                      status, e);
    }
    if (rc == 0) {
        *report = json_read(out.data, out.len, &ignored);
        *said = xstrndup(buf_str(&errors), strcspn(buf_str(&errors), "\n"));
    }
    strlist_free(&argv);
    strlist_free(args);
    buf_free(&out);
    buf_free(&errors);
    free(program);
    return rc;
}

/* ---- the drill ---- */

static char *
first_finding(const json_t *report)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(report, "findings"), i, one) {
        if (strcmp(json_opt_str(one, "class", ""), "note") != 0) {
            return xasprintf("its drill found: %s %s", json_opt_str(one, "object", ""),
                             json_opt_str(one, "what", ""));
        }
    }
    return xstrdup("its drill found differences");
}

static int
drill(struct import_run *run, struct import_result *r, struct err *e)
{
    const struct secret *passphrase = keyring_passphrase(run->repo->keys);
    struct strlist       args = {0};
    json_t              *report;
    char                *said;
    int                  status = EXIT_FAILED;

    strlist_add(&args, "drill");
    common_args(run, &args);
    storage_given_args(&run->o->cmd.given, &args);
    arg(&args, "passphrase-fd", passphrase != NULL ? "0" : NULL); /* the last one counts */
    arg(&args, "backup", r->id);
    strlist_add(&args, "--");
    strlist_add(&args, r->db);
    progress_start("drilling", 0, run->o->cmd.quiet);
    if (run_tool("pgassay-verify", &args, passphrase, &report, &said, &status, e) != 0) {
        progress_end();
        return -1;
    }
    progress_end();
    r->drill = status == EXIT_GOOD ? DRILL_PASSED
        : status == EXIT_DIFFERENT ? DRILL_FOUND
                                   : DRILL_FAILED;
    if (r->drill != DRILL_PASSED) {
        r->exit_status = status;
        r->error = r->drill == DRILL_FOUND ? first_finding(report)
                                           : xasprintf("it could not be drilled: %s", said);
    }
    json_decref(report);
    free(said);
    return 0;
}

/* An earlier run may have been interrupted before its drill, or the drill found something, which is
 * then named once more. */
static int
was_proven(struct import_run *run, const struct import_result *r, bool *was, struct err *e)
{
    struct backup_list list;
    struct annotations known = {0};
    int                rc = -1;

    *was = false;
    if (backup_list_look(run->repo, r->db, &list, e) != 0) {
        return -1;
    }
    if (annotations_load(run->repo, r->db, &list, &known, e) == 0) {
        rc = 0;
        for (size_t i = 0; i < list.n; i++) {
            *was = *was || (strcmp(list.v[i].id, r->id) == 0 && known.v[i].proven);
        }
    }
    annotations_free(&known);
    backup_list_free(&list);
    return rc;
}

/* What was stored, or is there and was never drilled. */
static int
drill_if_due(struct import_run *run, struct import_result *r, struct err *e)
{
    bool was = false;

    if (run->o->no_drill || run->o->dry_run || r->db == NULL ||
        (r->status != IMPORT_STORED && r->status != IMPORT_PRESENT)) {
        return 0;
    }
    if (r->status == IMPORT_PRESENT && was_proven(run, r, &was, e) != 0) {
        return -1;
    }
    return was ? 0 : drill(run, r, e);
}

/* ---- the import ---- */

static void
backup_args(const struct import_run *run, const struct dump_file *f, struct strlist *args)
{
    const struct import_options *o = run->o;
    char                         ratio[16];

    common_args(run, args);
    for (size_t i = 0; i < o->cmd.repo_options.n; i++) {
        arg(args, "repo-option", o->cmd.repo_options.v[i]);
    }
    arg(args, "file", f->path);
    arg(args, "name", o->db != NULL ? o->db : f->name.db);
    if (o->db == NULL) {
        strlist_add(args, "--all");
    }
    arg(args, "taken", o->scan != NULL ? f->name.taken : o->taken);
    arg(args, "member", o->member);
    arg(args, "max-size", o->max_size);
    if (o->max_ratio > 0) {
        (void)snprintf(ratio, sizeof ratio, "%d", o->max_ratio);
        arg(args, "max-ratio", ratio);
    }
    if (o->dry_run) {
        strlist_add(args, "--dry-run");
    }
}

static char *
copied(const json_t *o, const char *key)
{
    const char *text = json_opt_str(o, key, NULL);

    return text == NULL ? NULL : xstrdup(text);
}

/* Of one element of pgassay-backup's report. */
static void
take(struct import_result *r, const json_t *one, int status)
{
    static const char *const words[] = {"stored", "present", "planned"};
    const char              *word = json_opt_str(one, "status", "");
    struct err               none = ERR_INIT;
    const json_t            *item;
    size_t                   i;

    r->status = IMPORT_FAILED;
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        r->status = strcmp(word, words[k]) == 0 ? (enum import_status)k : r->status;
    }
    r->db = object_text(one, "database", &none);
    r->taken = copied(json_object_get(one, "import"), "taken");
    (void)snprintf(r->id, sizeof r->id, "%s", json_opt_str(one, "backup", ""));
    if (r->status == IMPORT_FAILED) {
        r->exit_status = status != EXIT_GOOD ? status : EXIT_FAILED;
        r->error = copied(one, "error");
        r->hint = copied(one, "hint");
    }
    json_array_foreach (json_object_get(one, "warnings"), i, item) {
        log_warn("%s: %s", r->path, json_is_string(item) ? json_string_value(item) : "?");
    }
}

static struct import_result *
add(struct import_run *run, const struct dump_file *f)
{
    VEC_GROW(run->v, run->n, run->cap);
    run->v[run->n] = (struct import_result){.path = xstrdup(f->path)};
    return &run->v[run->n++];
}

int
import_file(struct import_run *run, const struct dump_file *f, struct err *e)
{
    struct strlist args = {0};
    size_t         first = run->n, i;
    json_t        *report;
    const json_t  *one;
    char          *said;
    int            status = EXIT_FAILED, rc;

    backup_args(run, f, &args);
    progress_start(f->path, 0, run->o->cmd.quiet);
    rc = run_tool("pgassay-backup", &args, NULL, &report, &said, &status, e);
    progress_end();
    if (rc != 0) {
        return -1;
    }
    json_array_foreach (json_object_get(report, "backups"), i, one) {
        take(add(run, f), one, status);
    }
    if (run->n == first) {
        struct import_result *r = add(run, f);

        r->status = IMPORT_FAILED;
        r->exit_status = status != EXIT_GOOD ? status : EXIT_FAILED;
        r->error = xstrdup(said);
    }
    json_decref(report);
    free(said);
    for (size_t k = first; rc == 0 && k < run->n; k++) {
        rc = cancel_check(e) != 0 ? -1 : drill_if_due(run, &run->v[k], e);
    }
    return rc;
}
