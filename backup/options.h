/*
 * options.h - the user's options, from flags, environment and configuration file.
 */
#ifndef BACKUP_OPTIONS_H
#define BACKUP_OPTIONS_H

#include <stdbool.h>

#include "core/cli/opts.h"
#include "core/codec.h"
#include "core/config/config.h"
#include "pg/conn/conn.h"
#include "storage/format/manifest.h"

struct options {
    const char    *conninfo, *host, *port, *user, *role;
    bool           all;
    struct strlist repos; /* as given: config_repo_names() */
    const char    *name;
    struct strlist repo_options;
    bool           adopt;
    int            jobs; /* 0: as many as CPUs */
    const char    *compress, *copy_format;
    bool           schema_only, data_only;
    struct strlist tables, exclude_tables, schemas, exclude_schemas, exclude_table_data;
    int            lock_timeout_s;
    const char    *note;
    bool           whole;
    int            delta_state_mib; /* 0: nothing is kept for the next backup */
    bool           read_all;
    int            read_all_every; /* each n-th backup */
    bool           prune;
    const char    *file, *member, *max_size, *taken; /* import.h */
    int            max_ratio;
    const char    *scratch_dir, *scratch_user;
    bool           scratch_unconfined;
    bool           complete; /* whatever the configuration leaves out */
    bool           dry_run, json, quiet, verbose, print_config;
    const char    *config_file, *pg_bindir;
    /* Computed from these: */
    struct codec_spec codec;
    bool              all_text;
};

extern const struct opts_spec options_spec;

void options_init(struct options *);
void options_free(struct options *);

/* A checked copy for one database (NULL: none in particular), with the values of its section and
 * the file's defaults for options that neither flags nor environment set.  Strings are borrowed
 * from o and the configuration; options_free() it. */
int options_for(const struct options *o, const struct opts_result *given, const struct config *,
                const char *database, struct options *out, struct err *e);

#endif
