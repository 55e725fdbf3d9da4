/*
 * utf8.h - UTF-8, which text from elsewhere may be or not.
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at s, of which n bytes are there (n > 0), and its code; 0 when it is not
 * valid (no surrogates, no overlong forms). */
size_t utf8_decode(const char *s, size_t n, uint32_t *code);

bool utf8_valid(const char *s, size_t n);

/* Replaces each byte that is part of no valid UTF-8 by a question mark: for messages that must
 * be text. */
void utf8_clean(char *s);

#endif
