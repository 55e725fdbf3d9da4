/*
 * config.h - the configuration file (INI, read with inih).
 *
 *     jobs = 4                         ; before any section: defaults for everything
 *     [repo nightly]
 *     path = /srv/backups
 *     [database shop]
 *     conninfo = host=db1 dbname=shop
 *     repo = nightly
 *
 * Path: --config, else $PGASSAY_CONFIG, else $XDG_CONFIG_HOME/pgassay/pgassay.conf
 * (~/.config), else /etc/pgassay.conf; a missing default file is no error.  A key that nobody knows
 * is an error naming file and line; so is one given twice.  In keys "_" is the same as "-".
 * Flag > environment > file > default.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "core/cli/opts.h"
#include "core/err.h"

struct config;

/* path NULL: the default places.  Never NULL on success, even without a file. */
struct config *config_load(const char *path, struct err *);
void           config_free(struct config *);

/* kind: "" for what stands before any section, "repo", "database".  NULL when not set. */
const char *config_get(const struct config *, const char *kind, const char *name, const char *key);
/* The i-th section's name of that kind, NULL at the end. */
const char *config_section(const struct config *, const char *kind, size_t i);
const char *config_path(const struct config *); /* NULL: no file was read */

/* Sets every option that has a configuration key and was given neither on the command
 * line nor in the environment: from the database's section (database may be NULL), else
 * from the defaults.  What it sets is borrowed from the configuration. */
int config_apply(const struct config *, const char *database, const struct opts_spec *,
                 const struct opts_result *, void  *values, struct err *);

/* --print-config: the file's sections as INI, the origin of each value as a comment. */
void config_print(const struct config *, FILE *);
/* The same, and before it each option's value in force and whether it comes from the
 * command line, the environment, the file or is the default. */
void config_print_options(const struct config *, const char *database, const struct opts_spec *,
                          const struct opts_result *, const void *values, FILE *);

/* The repositories that are meant, by name or location: --repo arguments (args, may be NULL),
 * else $PGASSAY_REPO, else the database's repo key, else the default's; each text may name
 * several, with commas between.  ERR_USAGE with a hint when there is none. */
int config_repo_names(const struct config *, const struct strlist *args, const char *database,
                      struct strlist *names, struct err *);
/* Where one of them is: the path of "[repo NAME]" when such a section exists (*section becomes
 * its name), else the name itself (a path or a URL; *section becomes NULL).  Borrowed; ERR_USAGE
 * when the section has no path. */
const char *config_repo_path(const struct config *, const char *name, const char **section,
                             struct err *);
/* A copy that lives as long as the configuration.  Not thread-safe. */
const char *config_keep(const struct config *, const char *text);
/* ERR_USAGE when a section of this kind has no such key. */
int config_check_key(const char *kind, const char *key, struct err *);

#endif
