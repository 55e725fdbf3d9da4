#include "storage/exchange/dumpname.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

/* ---- its end ---- */

static const char *const compressed[] = {".gz", ".zst", ".xz", ".bz2", ".lz4", NULL};
static const char *const ends[] = {
    ".sql", ".dump", ".backup", ".bak",  ".pgdump", ".pg_dump", ".custom", ".pg", ".dmp", ".psql",
    ".tar", ".tgz",  ".tbz",    ".tbz2", ".txz",    ".tzst",    ".zip",    ".7z", NULL};

/* The length of the name without one of these; 0: it has none. */
static size_t
without(const char *file, size_t n, const char *const *list)
{
    for (; *list != NULL; list++) {
        size_t k = strlen(*list);

        if (n > k && strncasecmp(file + n - k, *list, k) == 0) {
            return n - k;
        }
    }
    return 0;
}

/* Where the ends begin; 0: no dump is called so. */
static size_t
stem(const char *file)
{
    size_t n = strlen(file), packed = without(file, n, compressed), end;

    n = packed > 0 ? packed : n;
    end = without(file, n, ends);
    return end > 0 ? end : packed;
}

/* ---- the date ---- */

static bool
is_separator(char c)
{
    return c != '\0' && strchr("_-. ", c) != NULL;
}

/* So many digits as a number; -1: others, or fewer. */
static int
digits(const char *p, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)p[i])) {
            return -1;
        }
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

/* A day that there is. */
static bool
is_day(int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 12};

    return year >= 1990 && year < 2200 && month >= 1 && month <= 12 && day >= 1 &&
        timegm(&tm) != -1 && tm.tm_mday == day;
}

/* 20260930 or 2026-09-30 at p: its length; 0: none. */
static size_t
read_day(const char *p, struct tm *tm)
{
    bool   parted = digits(p, 4) >= 0 && is_separator(p[4]);
    size_t month = parted ? 5 : 4, day = parted ? 8 : 6;

    if (digits(p, 4) < 0 || digits(p + month, 2) < 0 || (parted && p[7] != p[4]) ||
        digits(p + day, 2) < 0 || !is_day(digits(p, 4), digits(p + month, 2), digits(p + day, 2))) {
        return 0;
    }
    *tm = (struct tm){.tm_year = digits(p, 4) - 1900,
                      .tm_mon = digits(p + month, 2) - 1,
                      .tm_mday = digits(p + day, 2),
                      .tm_isdst = -1};
    return day + 2;
}

/* ---- the time of day ---- */

/* Two digits below a limit, and the letter or mark that may follow them. */
static bool
read_part(const char **p, int below, const char *marks, int *out)
{
    *out = digits(*p, 2);
    if (*out < 0 || *out >= below) {
        return false;
    }
    *p += 2;
    if (**p != '\0' && strchr(marks, **p) != NULL) {
        (*p)++;
    }
    return true;
}

/* "_0215", "T021500Z", "-02h15m" at p: its length, and how many parts of it there are. */
static size_t
read_time(const char *begin, struct tm *tm, int *parts, bool *utc)
{
    const char *p = begin, *seconds;
    int         hour, minute, second = 0;

    *parts = 0;
    if (is_separator(*p) || *p == 'T' || *p == 't') {
        p++;
    }
    if (!read_part(&p, 24, "h:-_.", &hour) || !read_part(&p, 60, "m:-_.", &minute)) {
        return 0;
    }
    seconds = p;
    if (read_part(&p, 60, "s", &second) && !isdigit((unsigned char)*p)) {
        *parts = 3;
    } else {
        p = seconds[-1] == 'm' || isdigit((unsigned char)seconds[-1]) ? seconds : seconds - 1;
        second = 0;
        *parts = 2;
    }
    if (isdigit((unsigned char)*p)) {
        *parts = 0; /* a longer number */
        return 0;
    }
    *utc = *p == 'Z';
    tm->tm_hour = hour;
    tm->tm_min = minute;
    tm->tm_sec = second;
    return (size_t)(p - begin) + *utc;
}

/* ---- both ---- */

struct date {
    size_t    begin, end; /* in the name */
    struct tm tm;
    int       parts; /* of the time: 0, 2 or 3 */
    bool      utc;
};

static bool
find_date(const char *file, size_t n, struct date *out)
{
    bool found = false;

    for (size_t i = 0; i < n;) {
        struct date d = {.begin = i};
        size_t      day = 0, time = 0;

        if (i == 0 || !isdigit((unsigned char)file[i - 1])) {
            day = read_day(file + i, &d.tm);
        }
        if (day > 0) {
            time = read_time(file + i + day, &d.tm, &d.parts, &d.utc);
        }
        d.end = i + day + time;
        if (day > 0 && d.end <= n && !isdigit((unsigned char)file[d.end])) {
            *out = d;
            found = true;
            i = d.end;
        } else {
            i++;
        }
    }
    return found;
}

static char *
trimmed(const char *text, size_t n)
{
    while (n > 0 && is_separator(text[0])) {
        text++;
        n--;
    }
    while (n > 0 && is_separator(text[n - 1])) {
        n--;
    }
    return n == 0 ? NULL : xstrndup(text, n);
}

static void
write_taken(const struct date *d, struct dump_name *out)
{
    const struct tm *tm = &d->tm;
    size_t           n = strftime(out->taken, sizeof out->taken, "%Y-%m-%d", tm);

    if (d->parts > 0) {
        n += strftime(out->taken + n, sizeof out->taken - n, " %H:%M", tm);
    }
    if (d->parts == 3 || d->utc) {
        n += strftime(out->taken + n, sizeof out->taken - n, ":%S", tm);
    }
    (void)snprintf(out->taken + n, sizeof out->taken - n, "%s", d->utc ? "Z" : "");
}

enum dump_name_is
dump_name_parse(const char *file, bool directory, struct dump_name *out)
{
    size_t      n = stem(file);
    struct date d;
    struct tm   local;

    *out = (struct dump_name){0};
    if (n == 0 && !directory) {
        return DUMP_NAME_NO_DUMP;
    }
    n = n > 0 ? n : strlen(file);
    if (!find_date(file, n, &d)) {
        return DUMP_NAME_NO_DATE;
    }
    local = d.tm;
    out->at = d.utc ? timegm(&local) : mktime(&local);
    write_taken(&d, out);
    out->db = d.begin > 0 ? trimmed(file, d.begin) : trimmed(file + d.end, n - d.end);
    return DUMP_NAME_GOOD;
}
