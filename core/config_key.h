/*
 * config_key.h - one key of the configuration, where it is declared: with what it means, whether it
 * holds a list, and which environment variables count more than the file.
 *
 * The module that reads a key has it in a table of its own, and asks for its value with the table's
 * row, so that no key is read that was not declared.  Which tables make up "[repo NAME]" is said by
 * storage/repo/repo_keys.c; those of "[database NAME]" and of what stands before any section are
 * core/config/config_keys.c's, since every tool must accept what another one reads.
 */
#ifndef CORE_CONFIG_KEY_H
#define CORE_CONFIG_KEY_H

enum config_form {
    CONFIG_TEXT, /* one value */
    CONFIG_LIST, /* one a line: the key may be given again, or be followed by indented lines */
    CONFIG_COMMA_LIST, /* ... and on the key's own line, several with commas between */
};

struct config_key {
    const char        *name; /* with '-'; NULL ends a table */
    enum config_form   form;
    const char        *help; /* one sentence, lower case, no full stop */
    const char *const *env;  /* variables that count more than the file, the first first; or NULL */
};

/* The tables of each kind of section, NULL at the end. */
struct config_keys {
    const struct config_key *const *common;   /* before any section, and in [database NAME] */
    const struct config_key *const *database; /* [database NAME] only */
    const struct config_key *const *repo;     /* [repo NAME] */
};

#endif
