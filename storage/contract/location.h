/*
 * location.h - where a repository is, and how it is reached.
 *
 * A location alone is enough for a directory; an S3 store has an endpoint, a region and more.  They
 * are keys of "[repo NAME]", and each can be given as --repo-option KEY=VALUE.  Everything is
 * borrowed from the configuration and the command line, and only looked at while a storage is
 * opened.
 */
#ifndef STORAGE_CONTRACT_LOCATION_H
#define STORAGE_CONTRACT_LOCATION_H

#include "core/config/config.h"
#include "core/err.h"
#include "core/mem.h"

struct storage_location {
    const char           *location; /* a path, file://path or s3://bucket/prefix */
    const char           *section;  /* the NAME of its [repo NAME]; NULL: none */
    const struct config  *config;   /* where that stands; NULL: nowhere */
    const struct strlist *options;  /* "KEY=VALUE"; NULL: none */
    const char
        *others; /* the other repositories that the same backups go to, for hints; NULL: none */
};

/* A location and nothing else. */
#define STORAGE_LOCATION(where) (&(const struct storage_location){.location = (where)})

/* What a --repo argument means (config_repo_names(); NULL: none was given), with its
 * --repo-options, whose keys are checked.  Where several repositories are named it is the first
 * of them. */
int storage_location_find(const struct config *, const char *arg, const char *database,
                          const struct strlist *options, struct storage_location *out,
                          struct err *);
/* All of them, in their order, each once; the array is the caller's to free. */
int storage_locations_find(const struct config *, const struct strlist *args, const char *database,
                           const struct strlist *options, struct storage_location **out, size_t *n,
                           struct err *);
/* What --as-of means: the key "as-of" among the --repo-options; NULL adds nothing. */
void storage_location_as_of(struct strlist *options, const char *as_of);
/* What --identity and its like mean, likewise; NULL and empty lists add nothing. */
struct storage_keys_given {
    const struct strlist *identity, *encrypt_to;
    const char           *passphrase_file, *passphrase_command, *passphrase_fd;
};
void storage_location_keys(struct strlist *options, const struct storage_keys_given *);
/* As a --repo argument for a tool that is given the same configuration. */
const char *storage_location_name(const struct storage_location *);

/* A key's value: --repo-option, else the first environment variable of env that is set (a list
 * that ends with NULL; or NULL), else the section, else NULL.  An empty value counts as none. */
const char *storage_location_get(const struct storage_location *, const char *key,
                                 const char *const *env);
/* The same, of the section alone. */
const char *storage_location_section_get(const struct storage_location *, const char *key);
/* Where it was found, for messages: "--repo-option region", "AWS_REGION", "/etc/pgassay.conf:
 * [repo x] region". Allocated. */
char *storage_location_origin(const struct storage_location *, const char *key,
                              const char *const *env);

#endif
