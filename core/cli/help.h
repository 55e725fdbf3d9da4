/*
 * help.h - --help and --version, from the tables.
 */
#ifndef CORE_CLI_HELP_H
#define CORE_CLI_HELP_H

#include "core/cli/opts_table.h"

/* To stdout.  verb NULL: about the tool, including its commands if it has any. */
void help_print(const struct opts_spec *, const struct opts_verb *verb);
void help_print_version(const struct opts_spec *);

#endif
