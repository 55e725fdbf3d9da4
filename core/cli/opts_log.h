/*
 * opts_log.h - the options of kind OPT_LOG: --log-format, --log-to and --progress.
 */
#ifndef CORE_CLI_OPTS_LOG_H
#define CORE_CLI_OPTS_LOG_H

#include "core/err.h"

/* ERR_USAGE: there is no such format, or place. */
int         opts_log_set(const char *name, const char *text, struct err *);
const char *opts_log_text(const char *name); /* in force */

#endif
