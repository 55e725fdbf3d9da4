/*
 * enc.h - bytes as text: hexadecimal, names in keys, UTF-8.
 */
#ifndef CORE_ENC_H
#define CORE_ENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* out holds 2n + 1 characters. */
void hex_encode(const uint8_t *bytes, size_t n, char *out);
/* Exactly 2n lower-case digits, or -1. */
int hex_decode(const char *text, size_t text_len, uint8_t *bytes, size_t n);

/* Percent-encodes everything outside [a-z0-9_-] (docs/repository-format.md: database
 * names in keys).  Allocated. */
char *name_encode(const char *name);
/* The exact inverse; NULL when text is empty or not what name_encode() would write. */
char *name_decode(const char *text);

/* True when s is valid UTF-8 (no surrogates, no overlong forms). */
bool utf8_valid(const char *s, size_t n);

/* Replaces each byte that is part of no valid UTF-8 by a question mark: for messages that must
 * be text. */
void utf8_clean(char *s);

/* A name from elsewhere as a terminal may see it: valid UTF-8, and a question mark for each control
 * character.  Allocated. */
char *utf8_printable(const char *);

#endif
