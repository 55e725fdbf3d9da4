/*
 * config_key.h - the declaration of one key of the configuration: its meaning, whether it holds a
 * list, and which environment variables override the file.
 *
 * The module that reads a key has it in a table of its own, and gets its value by the table's row,
 * so that no undeclared key is read.  The tables of "[repo NAME]" are in storage/repo/repo_keys.c;
 * those of every other kind of section, and of keys before any, are in core/config/config_keys.c,
 * since every tool must accept what another one reads.
 */
#ifndef CORE_CONFIG_KEY_H
#define CORE_CONFIG_KEY_H

enum config_form {
    CONFIG_TEXT,   /* one value */
    CONFIG_SECRET, /* ... that --print-config hides */
    CONFIG_LIST,   /* one a line: the key may be given again, or be followed by indented lines */
    CONFIG_COMMA_LIST, /* ... and on the key's own line, several with commas between */
};

struct config_key {
    const char        *name; /* with '-'; NULL ends a table */
    enum config_form   form;
    const char        *help; /* one sentence, lower case, no full stop */
    const char *const *env;  /* variables that override the file, in order of priority; or NULL */
};

/* A kind of section that has nothing in common with the others. */
struct config_kind {
    const char              *name; /* NULL ends a table */
    const struct config_key *keys;
};

/* The tables of each kind of section, NULL at the end. */
struct config_keys {
    const struct config_key *const *common;   /* before any section, and in [database NAME] */
    const struct config_key *const *database; /* [database NAME] only */
    const struct config_key *const *repo;     /* [repo NAME] */
    const struct config_kind       *others;
};

#endif
