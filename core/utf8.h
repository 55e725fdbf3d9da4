/*
 * utf8.h - checking UTF-8, as text from outside may be invalid.
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length and the code of the character at s, where n bytes are left (n > 0); 0 when it is not
 * valid (no surrogates, no overlong forms). */
size_t utf8_decode(const char *s, size_t n, uint32_t *code);

bool utf8_valid(const char *s, size_t n);

/* Replaces each byte that is part of no valid UTF-8 by a question mark: for messages that must
 * be text. */
void utf8_clean(char *s);

#endif
