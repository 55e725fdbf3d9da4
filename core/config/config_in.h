/*
 * config_in.h - what the config*.c files share; nobody else includes it.
 *
 * Every key that some tool knows: a tool must accept the keys of the others, and
 * still refuse a misspelt one.
 */
#ifndef CORE_CONFIG_CONFIG_IN_H
#define CORE_CONFIG_CONFIG_IN_H

#include <stdbool.h>

#include "core/config/config.h"

bool config_kind_known(const char *kind);
bool config_key_known(const char *kind, const char *key);
/* The keys of a kind of section, with commas between; allocated. */
char *config_keys_text(const char *kind);

/* config_get() that also tells the line. */
const char *config_find(const struct config *, const char *kind, const char *name, const char *key,
                        int *line);
/* The i-th key of a section, NULL at the end. */
const char *config_key(const struct config *, const char *kind, const char *name, size_t i);
/* True for connection text that holds a password: never print it. */
bool config_is_secret(const char *value);

#endif
