/*
 * human.h - sizes, counts, durations and times in human-readable form.
 */
#ifndef CORE_HUMAN_H
#define CORE_HUMAN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "core/err.h"

/* "1.2 GB", decimal units, into out (at least 16 characters); returns out. */
char *size_human(uint64_t bytes, char *out, size_t cap);
/* "500", "20MB", "1.5 GiB", "20M" into bytes: k, M, G and T are decimal, or binary with an i; a B
 * may follow. -1: something else. */
int size_parse(const char *text, uint64_t *bytes);
/* "90", "90s", "30m" (minutes), "2h", "3d" into seconds.  -1: something else. */
int duration_parse(const char *text, uint64_t *seconds);
/* "1 table", "555,885 rows"; the digits alone when noun is NULL (out: at least 27 more than the
 * noun).  Nouns whose plural is an s. */
char *count_human(uint64_t n, const char *noun, char *out, size_t cap);
/* "3 d 4 h", "2 min 5 s", "0.8 s", "42 ms". */
char *duration_human(double seconds, char *out, size_t cap);

/* RFC 3339 in UTC, "2026-11-21T02:15:00Z" (out: at least 21). */
char *time_rfc3339(time_t, char *out, size_t cap);
/* "20261121T021500Z" (out: at least 17). */
char *time_compact(time_t, char *out, size_t cap);
/* "2026-11-21", "2026-11-21 02:15[:00]", with T or blank, optional Z or offset; without
 * a zone it is local time.  ERR_USAGE names the text. */
int time_parse(const char *text, time_t *, struct err *);

/* Two clocks may differ by this much without consequences: an hour's difference refuses nothing,
 * and makes no backup one from the future. */
enum { CLOCK_OFF_MAX = 3600 };

/* Seconds on a clock that never jumps. */
double clock_seconds(void);

#endif
