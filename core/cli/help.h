/*
 * help.h - --help and --version, from the tables.
 */
#ifndef CORE_CLI_HELP_H
#define CORE_CLI_HELP_H

#include "core/cli/opts_table.h"
#include "core/err.h"

/* To stdout.  verb NULL: about the tool, including its commands if it has any.  how_much NULL: what
 * fits the terminal, or 40 lines where there is none.  When that is not all, of each section as
 * many options are explained as there is room for, in the order of the tables, and the others are
 * named.  "all": everything; ERR_USAGE for another word. */
int  help_print(const struct opts_spec *, const struct opts_verb *verb, const char *how_much,
                struct err *);
void help_print_version(const struct opts_spec *);

#endif
