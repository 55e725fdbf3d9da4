/*
 * opts_print.h - what opts.c prints for --help, --version and --completion; nobody else includes
 * it.
 */
#ifndef CORE_CLI_OPTS_PRINT_H
#define CORE_CLI_OPTS_PRINT_H

#include "core/cli/opts_table.h"

/* All to stdout. */
void opts_print_help(const struct opts_spec *);
void opts_print_version(const struct opts_spec *);
void opts_print_completion(const struct opts_spec *);

#endif
