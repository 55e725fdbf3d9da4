/*
 * location.h - where a repository is, and how it is reached.
 *
 * A location alone is enough for a directory; an S3 store needs an endpoint, a region and more; who
 * signs and who reads is set here too.  They are keys of "[repo NAME]", and each can be given as
 * --repo-option KEY=VALUE, some as dedicated options.  The module that reads a key declares it
 * (core/config_key.h) and passes this declaration.  Everything is borrowed from the configuration
 * and the command line, and only used while a repository is opened.
 */
#ifndef STORAGE_CONTRACT_LOCATION_H
#define STORAGE_CONTRACT_LOCATION_H

#include "core/config/config.h"
#include "core/config_key.h"
#include "core/err.h"
#include "core/mem.h"

/* What the command line sets for a repository; NULL and empty lists: not given. */
struct storage_given {
    const struct strlist *options;               /* --repo-option: "KEY=VALUE" */
    const struct strlist *identity, *encrypt_to; /* the options: each names one file */
    const char           *passphrase_file, *passphrase_command, *passphrase_fd;
    const char           *as_of;
};

struct storage_location {
    const char          *location; /* a path, file://path or s3://bucket/prefix */
    const char          *section;  /* the NAME of its [repo NAME]; NULL: none */
    const struct config *config;   /* where that is written; NULL: nowhere */
    struct storage_given given;
    const char
        *others; /* the other repositories that the same backups go to, for hints; NULL: none */
};

/* A location and nothing else. */
#define STORAGE_LOCATION(where) (&(const struct storage_location){.location = (where)})

/* The keys that any repository has. */
enum {
    LOCATION_PATH,
    LOCATION_LISTING_DELAY,
    LOCATION_AS_OF,
    LOCATION_OBJECT_LOCK, /* these two if the store can lock objects */
    LOCATION_OBJECT_LOCK_DAYS
};
extern const struct config_key location_keys[];

/* Resolves a --repo argument, which names one repository; NULL: none was given, so the environment
 * and the configuration decide (the first of several).  given (NULL: nothing) is checked for keys
 * that do not exist. */
int storage_location_find(const struct config *, const char *arg, const char *database,
                          const struct storage_given *given, struct storage_location *out,
                          struct err *);
/* All repositories meant (config_repo_names()), in order, each once; the array is the caller's to
 * free. */
int storage_locations_find(const struct config *, const struct strlist *args, const char *database,
                           const struct storage_given *given, struct storage_location **out,
                           size_t *n, struct err *);
/* Files with secrets (keys and passphrases) of every repository in the configuration and of what
 * was given.  For tools that run foreign code. */
void storage_location_secrets(const struct config *, const struct storage_given *,
                              struct strlist *out);
/* As a --repo argument for a tool that is given the same configuration. */
const char *storage_location_name(const struct storage_location *);
/* What was given, as arguments for such a tool. */
void storage_given_args(const struct storage_given *, struct strlist *args);

/* A key's value: what was given, else the first environment variable of the key that is set, else
 * the section, else NULL.  An empty value counts as none. */
const char *storage_location_get(const struct storage_location *, const struct config_key *);
/* All values of a list, likewise, into out, which is empty.  --repo-options accumulate; an empty
 * one discards those before it. */
void storage_location_list(const struct storage_location *, const struct config_key *,
                           struct strlist *out);
/* Is it set in the section? */
bool storage_location_has(const struct storage_location *, const struct config_key *);
/* Where it was found, for messages: "--repo-option region", "AWS_REGION", "/etc/pgassay.conf:
 * [repo x] region". Allocated. */
char *storage_location_origin(const struct storage_location *, const struct config_key *);

#endif
