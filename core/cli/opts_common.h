/*
 * opts_common.h - the options that every tool has, or several: the same words, letters and
 * environment variables in each.  `values` is the tool's struct of values, whose members are named
 * as here.
 */
#ifndef CORE_CLI_OPTS_COMMON_H
#define CORE_CLI_OPTS_COMMON_H

#include <stddef.h>

#include "core/cli/opts_table.h"

#define OPT_HEADING(text)                                                                          \
    {                                                                                              \
        .kind = OPT_HEAD, .name = (text)                                                           \
    }
#define OPTS_END                                                                                   \
    {                                                                                              \
        .kind = OPT_HEAD, .name = NULL                                                             \
    }

/* storage_location_find() reads environment and configuration, as these may name several, and
 * depend on the database.  (Written out: cppcheck cannot follow a macro into another.) */
#define OPT_COMMON_REPO(values)                                                                    \
    {                                                                                              \
        OPT_TEXT, "repo", 0, "PATH|NAME",                                                          \
            "a directory, s3://BUCKET/PREFIX, or a [repo NAME] [$PGASSAY_REPO]",                   \
            offsetof(values, repo), 0, 0, NULL, NULL                                               \
    }

#define OPT_COMMON_REPO_OPTION(values)                                                             \
    {                                                                                              \
        OPT_LIST, "repo-option", 0, "KEY=VALUE", "a key of [repo NAME], for this run",             \
            offsetof(values, repo_options), 0, 0, NULL, NULL                                       \
    }

/* The repository as it was: the key "as-of" of [repo NAME] (storage/contract/location.h). */
#define OPT_COMMON_AS_OF(values)                                                                   \
    {                                                                                              \
        OPT_TEXT, "as-of", 0, "TIME",                                                              \
            "the repository as it was at TIME: needs a bucket that keeps versions",                \
            offsetof(values, as_of), 0, 0, NULL, NULL                                              \
    }

/* The reader of encrypted backups: keys of [repo NAME] (storage/contract/location.h, struct
 * storage_given). */
#define OPT_COMMON_IDENTITY(values)                                                                \
    {                                                                                              \
        OPT_LIST, "identity", 0, "FILE", "secret key of a reader, for an encrypted repository",    \
            offsetof(values, identity), 0, 0, NULL, NULL                                           \
    }

#define OPTS_COMMON_PASSPHRASE(values)                                                             \
    {OPT_TEXT,                                                                                     \
     "passphrase-file",                                                                            \
     0,                                                                                            \
     "FILE",                                                                                       \
     "the secret key's passphrase is the first line of FILE",                                      \
     offsetof(values, passphrase_file),                                                            \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     NULL},                                                                                        \
        {OPT_TEXT,                                                                                 \
         "passphrase-command",                                                                     \
         0,                                                                                        \
         "COMMAND",                                                                                \
         "... is what COMMAND prints",                                                             \
         offsetof(values, passphrase_command),                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         NULL},                                                                                    \
    {                                                                                              \
        OPT_TEXT, "passphrase-fd", 0, "N", "... is read from descriptor N",                        \
            offsetof(values, passphrase_fd), 0, 0, NULL, NULL                                      \
    }

#define OPT_JOBS_PROCESSORS "one a processor, at most 16"
/* `otherwise` says in words how many when the option is not given. */
#define OPT_COMMON_JOBS(values, most, otherwise)                                                   \
    {                                                                                              \
        OPT_INT, "jobs", 'j', "N", "parallel workers (default: " otherwise ")",                    \
            offsetof(values, jobs), 1, (most), "PGASSAY_JOBS", "jobs"                              \
    }

/* Which backup. */
#define OPTS_COMMON_BACKUP(values)                                                                 \
    {OPT_TEXT,                                                                                     \
     "backup",                                                                                     \
     0,                                                                                            \
     "ID",                                                                                         \
     "an id, the end of one, \"latest\" (the default), \"latest~1\" or \"proven\"",                \
     offsetof(values, backup),                                                                     \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     NULL},                                                                                        \
        {OPT_TEXT,                                                                                 \
         "at",                                                                                     \
         0,                                                                                        \
         "TIME",                                                                                   \
         "the newest backup whose snapshot is not later than TIME",                                \
         offsetof(values, at),                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         NULL},                                                                                    \
        {OPT_TEXT,                                                                                 \
         "before",                                                                                 \
         0,                                                                                        \
         "ID",                                                                                     \
         "the whole backup before that one, as --backup ID~1",                                     \
         offsetof(values, before),                                                                 \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         NULL},                                                                                    \
    {                                                                                              \
        OPT_FLAG, "proven", 0, NULL, "the newest whose drill passed, as --backup proven",          \
            offsetof(values, proven), 0, 0, NULL, NULL                                             \
    }

/* Instead of a backup in a repository: what is read, or written. */
#define OPT_COMMON_FILE(values)                                                                    \
    {                                                                                              \
        OPT_TEXT, "file", 0, "FILE",                                                               \
            "a file outside of any repository: a bundle of storage export, or (not to export) a "  \
            "dump of pg_dump or pg_dumpall",                                                       \
            offsetof(values, file), 0, 0, NULL, NULL                                               \
    }

/* Whose dump it is. */
#define OPT_COMMON_FILE_DB(field)                                                                  \
    {                                                                                              \
        OPT_TEXT, "db", 0, "NAME",                                                                 \
            "file: import it as this database, or restore only this one of a pg_dumpall; scan: "   \
            "only dumps of it",                                                                    \
            field, 0, 0, NULL, NULL                                                                \
    }

/* What of such a file, and how much it may become. */
enum { MAX_RATIO_MOST = 1000000 };
#define OPTS_COMMON_BUNDLE(values)                                                                 \
    {OPT_TEXT,                                                                                     \
     "member",                                                                                     \
     0,                                                                                            \
     "NAME",                                                                                       \
     "file: the one of a bundle that holds several dumps",                                         \
     offsetof(values, member),                                                                     \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     NULL},                                                                                        \
        {OPT_TEXT,                                                                                 \
         "max-size",                                                                               \
         0,                                                                                        \
         "SIZE",                                                                                   \
         "file: give up when it unpacks to more than that (default: 1 TB)",                        \
         offsetof(values, max_size),                                                               \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         NULL},                                                                                    \
    {                                                                                              \
        OPT_INT, "max-ratio", 0, "N",                                                              \
            "file: ... or, beyond 64 MiB, to more than N times its size (default: 200)",           \
            offsetof(values, max_ratio), 1, MAX_RATIO_MOST, NULL, NULL                             \
    }

/* Of a restore, and of the restore that a drill makes. */
#define OPT_COMMON_BEYOND(values)                                                                  \
    {                                                                                              \
        OPT_FLAG, "beyond", 0, NULL, "also bring back the changes that pg_dump does not carry",    \
            offsetof(values, beyond), 0, 0, NULL, NULL                                             \
    }

/* How old the newest may be. */
#define OPT_COMMON_MAX_AGE(values)                                                                 \
    {                                                                                              \
        OPT_TEXT, "max-age", 0, "TIME", "the backup must not be older than that: 30m, 26h, 3d",    \
            offsetof(values, max_age), 0, 0, NULL, "max-age"                                       \
    }

/* Which server; the environment has priority over the configuration (pg/conn/target.h).  A restore
 * does not take its target from the configuration. */
#define OPTS_COMMON_SERVER(values)                                                                 \
    OPTS_COMMON_SERVER_FROM(values, NULL, NULL, NULL, NULL, NULL, NULL)
#define OPTS_COMMON_SERVER_CONFIGURED(values)                                                      \
    OPTS_COMMON_SERVER_FROM(values, "PGHOST", "host", "PGPORT", "port", "PGUSER", "user")
#define OPTS_COMMON_SERVER_FROM(values, env_host, conf_host, env_port, conf_port, env_user,        \
                                conf_user)                                                         \
    {OPT_TEXT,                                                                                     \
     "host",                                                                                       \
     'h',                                                                                          \
     "HOST",                                                                                       \
     "server's host or socket directory",                                                          \
     offsetof(values, host),                                                                       \
     0,                                                                                            \
     0,                                                                                            \
     (env_host),                                                                                   \
     (conf_host)},                                                                                 \
        {OPT_TEXT, "port", 'p',        "PORT",     "server's port", offsetof(values, port),        \
         0,        0,      (env_port), (conf_port)},                                               \
    {                                                                                              \
        OPT_TEXT, "username", 'U', "NAME", "connect as this role", offsetof(values, user), 0, 0,   \
            (env_user), (conf_user)                                                                \
    }

/* Throw-away servers. */
#define OPT_COMMON_KEEP(values)                                                                    \
    {                                                                                              \
        OPT_FLAG, "keep", 0, NULL,                                                                 \
            "leave the scratch server running, and print how to reach and remove it",              \
            offsetof(values, keep), 0, 0, NULL, NULL                                               \
    }

#define OPTS_COMMON_SCRATCH(values)                                                                \
    {OPT_TEXT,                                                                                     \
     "scratch-dir",                                                                                \
     0,                                                                                            \
     "DIR",                                                                                        \
     "where the scratch server lives, not $TMPDIR",                                                \
     offsetof(values, scratch_dir),                                                                \
     0,                                                                                            \
     0,                                                                                            \
     "PGASSAY_SCRATCH_DIR",                                                                        \
     "scratch-dir"},                                                                               \
        {OPT_TEXT,                                                                                 \
         "scratch-user",                                                                           \
         0,                                                                                        \
         "USER",                                                                                   \
         "system user that runs it when started by root, instead of one of its own",               \
         offsetof(values, scratch_user),                                                           \
         0,                                                                                        \
         0,                                                                                        \
         "PGASSAY_SCRATCH_USER",                                                                   \
         "scratch-user"},                                                                          \
    {                                                                                              \
        OPT_FLAG, "scratch-unconfined", 0, NULL, "run it even where its user could read keys",     \
            offsetof(values, scratch_unconfined), 0, 0, NULL, "scratch-unconfined"                 \
    }

#define OPT_COMMON_BINDIR(values)                                                                  \
    {                                                                                              \
        OPT_TEXT, "pg-bindir", 0, "DIR", "directory of PostgreSQL's programs",                     \
            offsetof(values, pg_bindir), 0, 0, "PGASSAY_PG_BINDIR", "pg-bindir"                    \
    }

/* The end of every --help. */
#define OPTS_COMMON_GENERAL(values)                                                                \
    {OPT_FLAG, "json", 0,    NULL, "print the result as JSON", offsetof(values, json),             \
     0,        0,      NULL, NULL},                                                                \
        {OPT_FLAG,                                                                                 \
         "quiet",                                                                                  \
         'q',                                                                                      \
         NULL,                                                                                     \
         "print only what went wrong, no progress line",                                           \
         offsetof(values, quiet),                                                                  \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         NULL},                                                                                    \
        {OPT_FLAG, "verbose", 'v',  NULL, "print what is being done", offsetof(values, verbose),   \
         0,        0,         NULL, NULL},                                                         \
        {OPT_LOG,                                                                                  \
         "log-format",                                                                             \
         0,                                                                                        \
         "FORMAT",                                                                                 \
         "messages as text (the default), long: with time and run, or json, one object a line",    \
         0,                                                                                        \
         0,                                                                                        \
         0,                                                                                        \
         "PGASSAY_LOG_FORMAT",                                                                     \
         "log-format"},                                                                            \
        {OPT_LOG,                                                                                  \
         "log-to",                                                                                 \
         0,                                                                                        \
         "PLACES",                                                                                 \
         "messages to stderr (the default), journal, syslog; commas separate several",             \
         0,                                                                                        \
         0,                                                                                        \
         0,                                                                                        \
         "PGASSAY_LOG_TO",                                                                         \
         "log-to"},                                                                                \
        {OPT_LOG,                                                                                  \
         "progress",                                                                               \
         0,                                                                                        \
         "FORMAT",                                                                                 \
         "line (the default: on a terminal) or json, one object a second",                         \
         0,                                                                                        \
         0,                                                                                        \
         0,                                                                                        \
         "PGASSAY_PROGRESS",                                                                       \
         NULL},                                                                                    \
        {OPT_TEXT,                                                                                 \
         "config",                                                                                 \
         0,                                                                                        \
         "FILE",                                                                                   \
         "configuration file",                                                                     \
         offsetof(values, config_file),                                                            \
         0,                                                                                        \
         0,                                                                                        \
         "PGASSAY_CONFIG",                                                                         \
         NULL},                                                                                    \
    {                                                                                              \
        OPT_FLAG, "print-config", 0, NULL, "print the configuration in force and leave",           \
            offsetof(values, print_config), 0, 0, NULL, NULL                                       \
    }

#endif
