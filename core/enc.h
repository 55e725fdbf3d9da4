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

#endif
