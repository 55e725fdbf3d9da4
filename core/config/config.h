/*
 * config.h - the configuration file (INI, read with inih).
 *
 *     jobs = 4                         ; before any section: defaults for everything
 *     [repo nightly]
 *     path = /srv/backups
 *     encrypt-to = ops.pub, escrow.pub ; a list
 *     [repo offsite]
 *     path = s3://bucket
 *     encrypt-to =
 *         /keys/a name, with a comma.pub
 *         /keys/escrow.pub
 *     [database shop]
 *     conninfo = host=db1 dbname=shop
 *     repo = nightly
 *     [check no-empty-names]           ; of verify drill
 *     database = shop
 *     query = SELECT count(*) FROM public.item
 *         WHERE name = ''
 *     expect = 0
 *     [expect shop.orders]             ; of verify live
 *     rows = only-grows
 *     [notify phone]                   ; core/notify
 *     webhook-file = /etc/pgassay/webhook
 *
 * Path: --config, else $PGASSAY_CONFIG, else $XDG_CONFIG_HOME/pgassay/pgassay.conf
 * (~/.config), else /etc/pgassay.conf; a missing default file is not an error.  An unknown key is
 * an error naming file and line; so is one given twice, unless it holds a list: then each adds to
 * it.  An indented line after a list is one more value, commas included, when it is indented deeper
 * than the key and does not itself begin with a key.  Lines may be of any length.  In keys "_" is
 * the same as "-".  Flag > environment > file > default.
 *
 * In the environment, PGASSAY_LOCK_TIMEOUT is the key "lock-timeout" before any section; it counts
 * for each database, and of a list each line is a value.  An empty one counts as not set.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/cli/opts.h"
#include "core/config_key.h"
#include "core/err.h"

struct config;

/* path NULL: the default places.  The tables of keys must live as long as the configuration.  Never
 * NULL on success, even without a file. */
/* Also the rest of what the environment says: secrets in files (envsecret.h), and a warning of each
 * PGASSAY_* that means nothing. */
struct config *config_load(const char *path, const struct config_keys *, struct err *);
void           config_free(struct config *);

/* What the variables of keys before any section begin with, and of those of "[repo NAME]". */
#define CONFIG_ENV      "PGASSAY_"
#define CONFIG_REPO_ENV "PGASSAY_REPO_"
/* The others that there are, NULL at the end. */
extern const char *const config_env_others[];
/* "PGASSAY_REPO_SIGN_KEY".  Allocated. */
char *config_env_name(const char *prefix, const struct config_key *);
/* Its value, borrowed from the environment; NULL when it is not set or empty. */
const char *config_env(const char *prefix, const struct config_key *);
/* ... of a list: one value a line, and where the key allows it, with commas between; false: NULL.
 */
bool config_env_list(const char *prefix, const struct config_key *, struct strlist *out);

/* kind: "" before any section, "repo", "database", "check" …  NULL when not set. */
const char *config_get(const struct config *, const char *kind, const char *name, const char *key);
/* The values of a list, in their order, appended to out.  False when the key is not there at all:
 * a list may be there and empty. */
bool config_list(const struct config *, const char *kind, const char *name, const char *key,
                 struct strlist *out);
/* The i-th section's name of that kind, NULL at the end. */
const char *config_section(const struct config *, const char *kind, size_t i);
const char *config_path(const struct config *); /* NULL: no file was read */

/* Sets every option that has a configuration key and was given neither on the command
 * line nor in the environment: from the database's section (database may be NULL), else
 * from the defaults.  What it sets is borrowed from the configuration. */
int config_apply(const struct config *, const char *database, const struct opts_result *,
                 void *values, struct err *);

/* --print-config: the repository in use, each option's value in force, then the file's sections
 * as INI.  A comment on each value says whether it comes from the command line, the environment,
 * the file (and which line), or is the default.  The output can be read as a configuration. */
void config_print_options(const struct config *, const char *database, const struct opts_result *,
                          const void *values, FILE *);

/* The repositories to use, by name or location: --repo arguments (args, may be NULL),
 * else $PGASSAY_REPO, else the database's repo key, else the default's.  In an argument and in the
 * variable, commas separate several.  ERR_USAGE with a hint when there is none. */
int config_repo_names(const struct config *, const struct strlist *args, const char *database,
                      struct strlist *names, struct err *);
/* Where one of them is: the path of "[repo NAME]" when such a section exists (*section becomes
 * its name), else the name itself (a path or a URL; *section becomes NULL).  Borrowed; ERR_USAGE
 * when the section has no path. */
const char *config_repo_path(const struct config *, const char *name, const char **section,
                             struct err *);
/* A copy that lives as long as the configuration.  Not thread-safe. */
const char *config_keep(const struct config *, const char *text);
/* ERR_USAGE, with the likely correct key, when a section of this kind has no such key. */
int config_check_key(const struct config *, const char *kind, const char *key, struct err *);

/* The keys that any tool reads before any section and in "[database NAME]": for struct
 * config_keys. */
extern const struct config_key *const config_common_keys[], *const config_database_keys[];
/* The kinds of sections that only some tool reads. */
extern const struct config_kind config_other_kinds[];

#endif
