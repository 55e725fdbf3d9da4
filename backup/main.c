/*
 * pgassay-backup: takes a consistent snapshot of one, several or all databases and stores it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/hooked.h"
#include "backup/import.h"
#include "backup/remember.h"
#include "backup/report.h"
#include "backup/telling.h"
#include "core/cancel.h"
#include "core/exit.h"
#include "core/json.h"
#include "core/log.h"
#include "core/logline.h"
#include "pg/conn/tools.h"
#include "storage/keys/trust_who.h"
#include "storage/repo/repo_keys.h"

/* Parsed arguments and what belongs to them. */
struct cli {
    struct options     options;
    struct opts_result given;
    struct config     *config;
    struct targets     targets;
    struct importing   importing; /* --file */
};

static enum log_level
level_of(const struct options *o)
{
    return o->quiet ? LOG_ERROR : o->verbose ? LOG_INFO : LOG_WARN;
}

/* Of each repository to use; errors in them are reported by a backup. */
static void
print_who(const struct cli *c, const struct options *o, const char *database)
{
    struct storage_location *places = NULL;
    struct storage_given     given = {.options = &o->repo_options};
    struct err               none = ERR_INIT;
    size_t                   n = 0;

    if (storage_locations_find(c->config, o->repos.n > 0 ? &o->repos : NULL, database, &given,
                               &places, &n, &none) == 0) {
        for (size_t i = 0; i < n; i++) {
            trust_who_print(&places[i], stdout);
        }
        free(places);
    }
}

/* 0: go on; 1: done. */
static int
parse(int argc, char **argv, struct cli *c, struct err *e)
{
    struct options general = {0};
    const char    *database; /* whose section counts here */

    if (opts_parse(&options_spec, NULL, argc, argv, &c->options, &c->given, e) != 0) {
        return -1;
    }
    if (c->given.done) {
        return 1;
    }
    log_init(options_spec.program, level_of(&c->options));
    database = c->options.name != NULL ? c->options.name
        : c->given.rest.n == 1         ? c->given.rest.v[0]
                                       : NULL;
    c->config = config_load(c->options.config_file, repo_config_keys(), e);
    if (c->config == NULL ||
        options_for(&c->options, &c->given, c->config, database, &general, e) != 0) {
        return -1;
    }
    if (c->options.print_config) {
        config_print_options(c->config, database, &c->given, &general, stdout);
        print_who(c, &general, database);
    }
    pg_tools_bindir(general.pg_bindir);
    options_free(&general);
    return c->options.print_config ? 1 : 0;
}

/* A database of the dump, when there is nothing to back up. */
static bool
is_done(const struct cli *c, size_t i, struct outcome *out)
{
    const struct import_target *t = &c->importing.v[i];
    bool                        present = t->present[0] != '\0';

    if (!present && !c->options.dry_run) {
        return false;
    }
    *out = (struct outcome){.status = present ? OUTCOME_PRESENT : OUTCOME_PLANNED,
                            .err = ERR_INIT,
                            .name = xstrdup(t->name),
                            .dbname = xstrdup(t->dbname),
                            .import = &c->importing.import};
    memcpy(out->present, t->present, sizeof out->present);
    return true;
}

/* A single database that failed: its error's status; some but not all, or not in all repositories,
 * or not pruned: partly done; all, but rows that have changed unseen: different. */
static int
back_up_all(struct cli *c, json_t *results, struct notify *notify)
{
    bool                  imports = c->options.file != NULL;
    struct backup_request run = {&c->options, &c->given, c->config,
                                 imports ? &c->importing.import : NULL};
    bool   several = c->targets.n > 1, show = isatty(STDOUT_FILENO) || c->options.verbose;
    bool   differs = false;
    size_t failed = 0, left_out = 0;
    int    status = EXIT_GOOD;

    for (size_t i = 0; i < c->targets.n; i++) {
        time_t         started = time(NULL);
        struct outcome o;

        if (!imports || !is_done(c, i, &o)) {
            hooked_run(&run, &c->targets.v[i], &o);
        }
        if (!imports) {
            remember(&run, &c->targets.v[i], &o, started);
        }
        if (!c->options.json) {
            report_text(&o, show && !c->options.quiet);
        }
        report_errors(&o, several);
        telling_add(notify, &o);
        json_array_append_new(results, report_json(&o));
        if (o.status == OUTCOME_FAILED) {
            failed++;
            status = hooked_status(&o);
        } else {
            left_out += hooked_status(&o) == EXIT_PARTLY;
            differs = differs || hooked_status(&o) == EXIT_DIFFERENT;
        }
        outcome_free(&o);
        logline_database_set(NULL);
        /* A signal that came after the last commit has stopped nothing. */
        if (cancel_requested() && (status != EXIT_GOOD || left_out > 0 || i + 1 < c->targets.n)) {
            return 128 + cancel_signal();
        }
    }
    if (left_out > 0 || (failed > 0 && failed < c->targets.n)) {
        return EXIT_PARTLY;
    }
    return failed == 0 && differs ? EXIT_DIFFERENT : status;
}

/* The databases of the dump. */
static int
import(struct cli *c, struct err *e)
{
    struct backup_request run = {&c->options, &c->given, c->config, NULL};
    struct options        checked = {0};

    if (options_for(&c->options, &c->given, c->config, c->options.name, &checked, e) != 0) {
        return -1;
    }
    run.options = &checked;
    c->importing.import.path = c->options.file;
    if (importing_begin(&c->importing, &run, e) != 0) {
        options_free(&checked);
        return -1;
    }
    for (size_t i = 0; i < c->importing.n; i++) {
        targets_add(&c->targets, c->importing.v[i].name, c->importing.v[i].dbname);
    }
    options_free(&checked);
    return 0;
}

/* Nothing of it can be backed up. */
static int
not_imported(struct cli *c, json_t *results, const struct err *e)
{
    struct outcome o = {.status = OUTCOME_FAILED,
                        .name = c->options.name == NULL ? NULL : xstrdup(c->options.name),
                        .err = *e};

    report_errors(&o, false);
    json_array_append_new(results, report_json(&o));
    outcome_free(&o);
    return err_exit_status(e);
}

static int
run_cli(struct cli *c, struct err *e)
{
    struct backup_request run = {&c->options, &c->given, c->config, NULL};
    json_t               *results = json_array();
    struct err            unsaid = ERR_INIT;
    struct notify        *notify;
    int                   status;

    if (c->options.file == NULL &&
        targets_make(&c->options, &c->given, c->config, &c->targets, e) != 0) {
        notify = telling_begin(&run, &c->targets);
        telling_none(notify, &c->options, e);
        notify_end(notify, err_exit_status(e));
        json_decref(results);
        return -1;
    }
    notify = telling_begin(&run, &c->targets);
    telling_none(notify, &c->options, NULL);
    status = c->options.file != NULL && import(c, e) != 0 ? not_imported(c, results, e)
                                                          : back_up_all(c, results, notify);
    if (importing_end(&c->importing, &unsaid) != 0) {
        log_warn("%s", unsaid.text);
    }
    if (!c->options.json) {
        json_decref(results);
    } else if (json_print(json_pack("{s:o}", "backups", results), e) != 0) {
        err_print(e);
        status = err_exit_status(e);
    }
    notify_end(notify, status);
    return status;
}

int
main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct cli c = {0};
    int        status;

    tool_begin(options_spec.program);
    options_init(&c.options);
    status = parse(argc, argv, &c, &e);
    if (status == 0) {
        status = run_cli(&c, &e);
    } else if (status > 0) {
        status = EXIT_GOOD;
    }
    if (status < 0) {
        err_print(&e);
        status = err_exit_status(&e);
    }
    targets_free(&c.targets);
    importing_free(&c.importing);
    config_free(c.config);
    opts_result_free(&c.given);
    options_free(&c.options);
    return tool_end(status);
}
