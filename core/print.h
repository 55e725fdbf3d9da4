/*
 * print.h - text for a terminal, with control characters made visible.
 *
 * Names, comments, notes, server messages and keys in a store come from elsewhere, and may hold
 * anything: escape sequences, the same in one character (U+0080 to U+009F), characters that turn
 * the direction of a line or are not seen, line ends that begin a line of their own.  So all that
 * the tools print for people goes through here (`make lint` holds it): what a terminal could obey
 * is shown instead, as \n, \x1b, \u202e, or \x9b for a byte that is no UTF-8.  JSON is exact and
 * has escapes of its own.
 */
#ifndef CORE_PRINT_H
#define CORE_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* As printf(): the format is ours and goes out as it is, what %s stands for is shown in one line.
 * Widths count characters. */
void print_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void print_to(FILE *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void print_vto(FILE *, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));

/* A message that may have several lines: further ones are indented, so that none of them looks like
 * one of ours; an empty line at the end is dropped. */
void print_lines(FILE *, const char *);

/* Into out, as snprintf(): the bytes that all of it takes, without the NUL; cut between characters
 * when cap is less than that. */
size_t print_copy(char *out, size_t cap, const char *text);

/* The very bytes: JSON, a command to be copied, what another of our tools has printed. */
void print_raw(FILE *, const char *);

#endif
