/*
 * config_impl.h - shared by the config*.c files; private to them.
 */
#ifndef CORE_CONFIG_CONFIG_IMPL_H
#define CORE_CONFIG_CONFIG_IMPL_H

#include <stdbool.h>

#include "core/config/config.h"

struct config_section {
    char *kind; /* "", "repo", "database", "check", "expect" */
    char *name; /* "" for the defaults */
};

/* One value; a list has several under one key, and a single empty one when it is set but empty. */
struct config_entry {
    size_t                   section;
    const struct config_key *key;
    char                    *value;
    int                      line;
    bool                     env; /* from the environment: there is no line */
};

struct config {
    char                     *path; /* NULL: no file was read */
    const struct config_keys *keys;
    struct config_section    *section;
    size_t                    n_sections, cap_sections;
    struct config_entry      *entry;
    size_t                    n, cap;
    struct strlist           *kept; /* config_keep()'s */
};

/* One value, not a list. */
bool config_is_one(const struct config_key *);
bool config_kind_known(const struct config *, const char *kind);
/* ERR_USAGE "unknown kind of section ...", with a hint. Returns -1. */
int config_kind_unknown(const struct config *, const char *kind, struct err *);
/* The declaration of a key, given with '-'; NULL when a section of this kind has no such key. */
const struct config_key *config_key_find(const struct config *, const char *kind, const char *key);
/* True when it is a key, or might be a misspelt one. */
bool config_key_likely(const struct config *, const char *kind, const char *key);
/* In place: '_' becomes '-'. */
void config_key_normalise(char *key);
/* ERR_USAGE "unknown key ...", with a hint. Returns -1. */
int config_key_unknown(const struct config *, const char *kind, const char *key, struct err *);

/* Reads the file's text into c. */
int config_read(struct config *c, const char *text, struct err *);
/* Adds a copy of value as what, which says all but the value. */
void config_add_entry(struct config *c, struct config_entry what, const char *value);

/* Each key before any section that the environment has replaces what the file says, there and in
 * "[database NAME]". */
void config_read_environment(struct config *c);
/* Warns of each PGASSAY_* in the environment that no program of ours reads or sets. */
void config_warn_of_environment(const struct config *c);
/* Where an entry comes from: the file, or the name of a variable.  Allocated. */
char *config_origin(const struct config *c, const struct config_entry *);

/* The first value of a key, NULL when the key is not there; *at (from where to look, 0 at first)
 * becomes where to look for the next one. */
const struct config_entry *config_next(const struct config *, const char *kind, const char *name,
                                       const char *key, size_t *at);
/* True for connection text that holds a password: never print it. */
bool config_is_secret(const char *value);

#endif
