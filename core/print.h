/*
 * print.h - text for a terminal, with control characters made visible.
 *
 * Names, comments, notes, server messages and keys in a store come from outside, and may hold
 * anything: escape sequences, the same in one character (U+0080 to U+009F), characters that change
 * the direction of a line or are invisible, line ends that begin a forged line.  So all text that
 * the tools print for people goes through here (`make lint` checks it): what a terminal could obey
 * is shown as \n, \x1b, \u202e, or \x9b for a byte that is not UTF-8.  JSON is exact and has
 * escapes of its own.
 */
#ifndef CORE_PRINT_H
#define CORE_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* As printf(): the format is trusted and printed as it is, the text for %s is shown in one line.
 * Widths count characters. */
void print_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void print_to(FILE *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void print_vto(FILE *, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));

/* A message that may have several lines: further ones are indented, so that none of them looks like
 * a line of the tool; an empty line at the end is dropped. */
void print_lines(FILE *, const char *);

/* Into out, as snprintf(): returns the bytes that the whole text takes, without the NUL; truncated
 * between characters when cap is too small. */
size_t print_copy(char *out, size_t cap, const char *text);

/* The exact bytes: JSON, a command to be copied, the output of another of the tools. */
void print_raw(FILE *, const char *);

#endif
