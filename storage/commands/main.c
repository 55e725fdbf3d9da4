/*
 * pgassay-storage: the repository.  The commands are described in cmd.h.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cli/opts_args.h"
#include "core/exit.h"
#include "core/log.h"
#include "core/logline.h"
#include "storage/commands/cmd.h"
#include "storage/keys/trust_who.h"
#include "storage/repo/repo_keys.h"

static const struct opts_verb *const verbs[] = {
#define CMD_VERB(name) &cmd_##name.cli,
#include "storage/commands/verbs.def"
    NULL,
};

static const struct opts_spec spec = {
    .program = "pgassay-storage",
    .args = "",
    .summary = "Create, inspect and maintain repositories of backups.",
    .tables = CMD_TABLES(cmd_repo_options, cmd_general_options),
    .verbs = verbs,
    .keys = repo_config_keys,
};

/* The command's options with their defaults; verb NULL: what every command has. */
static struct cmd *
cmd_new(const struct cmd_verb *verb)
{
    struct cmd *c = xcalloc(1, verb == NULL ? sizeof *c : verb->size);

    if (verb != NULL && verb->defaults != NULL) {
        memcpy(c, verb->defaults, verb->size);
    }
    return c;
}

/* The database that the command is about, if it names one first. */
static const char *
database_of(const struct opts_verb *verb, const struct opts_result *given)
{
    char name[8];

    opts_args_name(verb == NULL ? "" : verb->args, 0, name, sizeof name);
    return strcmp(name, "DB") == 0 && given->rest.n > 0 ? given->rest.v[0] : NULL;
}

static void
take_given(struct cmd *c, const struct opts_result *given)
{
    c->args = (const char *const *)given->rest.v;
    c->n_args = given->rest.n;
    c->given = (struct storage_given){.options = &c->repo_options,
                                      .identity = &c->identity,
                                      .passphrase_file = c->passphrase_file,
                                      .passphrase_command = c->passphrase_command,
                                      .passphrase_fd = c->passphrase_fd,
                                      .as_of = c->as_of};
}

/* An exit status, or -1. */
static int
run(const struct cmd_verb *verb, struct cmd *c, int argc, char **argv, struct opts_result *given,
    struct err *e)
{
    const struct opts_verb *cli = verb == NULL ? NULL : &verb->cli;

    if (opts_parse(&spec, cli, argc, argv, c, given, e) != 0) {
        return -1;
    }
    if (given->done) {
        return EXIT_GOOD;
    }
    log_init(spec.program, c->quiet ? LOG_ERROR : c->verbose ? LOG_INFO : LOG_WARN);
    c->config = config_load(c->config_file, repo_config_keys(), e);
    if (c->config == NULL || config_apply(c->config, NULL, given, c, e) != 0) {
        return -1;
    }
    if (c->print_config) {
        config_print_options(c->config, database_of(cli, given), given, c, stdout);
        trust_who_print_meant(c->config, c->repo, database_of(cli, given), &c->repo_options,
                              stdout);
        return EXIT_GOOD;
    }
    if (opts_check(&spec, cli, given, e) != 0) {
        return -1;
    }
    take_given(c, given);
    logline_database_set(database_of(cli, given));
    return verb->run(c, e);
}

int
main(int argc, char **argv)
{
    struct err              e = ERR_INIT;
    struct opts_result      given = {0};
    const struct opts_verb *named;
    struct cmd             *c = NULL;
    int                     status = -1;

    tool_begin(spec.program);
    if (opts_verb(&spec, argc, argv, &named, &e) == 0) {
        const struct cmd_verb *verb = (const void *)named; /* of which it is the beginning */

        c = cmd_new(verb);
        status = run(verb, c, argc, argv, &given, &e);
        config_free(c->config);
        opts_lists_free(given.tables, c);
        free(c);
    }
    if (status < 0) {
        err_print(&e);
        status = err_exit_status(&e);
    }
    opts_result_free(&given);
    return tool_end(status);
}
