/*
 * completion.h - --completion: a script for a shell, or a plain list, made from the tables.
 *
 * The scripts know commands, options, and the place and possible values of each argument: files,
 * the repositories of the configuration; names of databases and ids of backups, from
 * "pgassay-storage list --names".  Each consists of a part that is the same for every tool, and a
 * part made from the tables.
 */
#ifndef CORE_CLI_COMPLETION_H
#define CORE_CLI_COMPLETION_H

#include "core/cli/opts_table.h"
#include "core/err.h"

/* To stdout.  shell: bash, zsh, fish; or plain, a list for programs: lines of fields with tabs
 * between,
 *
 *     command  NAME     ARGUMENTS  SUMMARY
 *     option   COMMAND  --NAME     -LETTER  VALUE  SUMMARY      COMMAND is empty: without one
 *     key      SECTION  NAME       SUMMARY                      of the configuration
 *
 * or nearest, for scripts that tell what was misspelt: of standard input's lines the one that is
 * nearest to the first (core/similar.h), if one is near.
 *
 * ERR_USAGE for any other. */
int completion_print(const struct opts_spec *, const char *shell, struct err *);

#endif
