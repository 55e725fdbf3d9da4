#include "core/human.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
size_human(uint64_t bytes, char *out, size_t cap)
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double                   v = (double)bytes;
    size_t                   i = 0;

    while (v >= 999.5 && i < sizeof unit / sizeof unit[0] - 1) {
        v /= 1000;
        i++;
    }
    (void)snprintf(out, cap, i == 0 || v >= 99.95 ? "%.0f %s" : "%.1f %s", v, unit[i]);
    return out;
}

int
size_parse(const char *text, uint64_t *bytes)
{
    static const char units[] = "kMGT";
    double            factor = 1;
    double            v;
    char             *end;
    const char       *unit;

    if (!isdigit((unsigned char)*text)) {
        return -1;
    }
    v = strtod(text, &end);
    end += strspn(end, " ");
    unit = *end == '\0' ? NULL : strchr(units, *end == 'K' ? 'k' : *end);
    if (unit != NULL) {
        double step = end[1] == 'i' ? 1024 : 1000;

        end += end[1] == 'i' ? 2 : 1;
        for (const char *u = units; u <= unit; u++) {
            factor *= step;
        }
    }
    end += *end == 'B' ? 1 : 0;
    if (*end != '\0' || !(v * factor < 9e18)) {
        return -1;
    }
    *bytes = (uint64_t)(v * factor);
    return 0;
}

int
duration_parse(const char *text, uint64_t *seconds)
{
    static const struct {
        const char *name;
        uint64_t    seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    char    *end;
    uint64_t n = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || n > 1000000000) {
        return -1;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) == 0) {
            *seconds = n * units[i].seconds;
            return 0;
        }
    }
    return -1;
}

char *
count_human(uint64_t n, const char *noun, char *out, size_t cap)
{
    char   digits[24], grouped[32];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            grouped[at++] = ',';
        }
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    (void)snprintf(out, cap, "%s%s%s%s", grouped, noun != NULL ? " " : "", noun != NULL ? noun : "",
                   noun != NULL && n != 1 ? "s" : "");
    return out;
}

char *
duration_human(double seconds, char *out, size_t cap)
{
    uint64_t s = seconds <= 0 ? 0 : (uint64_t)(seconds + 0.5);

    if (seconds > 0 && seconds < 0.0995) {
        (void)snprintf(out, cap, "%.*f ms", seconds < 0.00995 ? 1 : 0, seconds * 1000);
    } else if (seconds < 9.95) {
        (void)snprintf(out, cap, "%.1f s", seconds < 0 ? 0.0 : seconds);
    } else if (s < 60) {
        (void)snprintf(out, cap, "%u s", (unsigned)s);
    } else if (s < 3600) {
        (void)snprintf(out, cap, "%u min %u s", (unsigned)(s / 60), (unsigned)(s % 60));
    } else if (s < 86400) {
        (void)snprintf(out, cap, "%u h %u min", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
    } else {
        (void)snprintf(out, cap, "%llu d %u h", (unsigned long long)(s / 86400),
                       (unsigned)(s / 3600 % 24));
    }
    return out;
}

char *
time_rfc3339(time_t t, char *out, size_t cap)
{
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        out[0] = '\0';
    }
    return out;
}

char *
time_compact(time_t t, char *out, size_t cap)
{
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(out, cap, "%Y%m%dT%H%M%SZ", &tm) == 0) {
        out[0] = '\0';
    }
    return out;
}

/* Exactly n digits at *s, which moves past them; -1: there are none. */
static int
take_digits(const char **s, int n)
{
    int v = 0;

    for (; n > 0; n--, (*s)++) {
        if (!isdigit((unsigned char)**s)) {
            return -1;
        }
        v = 10 * v + (**s - '0');
    }
    return v;
}

static bool
in(int v, int max)
{
    return v >= 0 && v <= max;
}

/* "Z", "+02", "+0200", "+02:00"; 0 and *offset in seconds, or -1. */
static int
take_zone(const char **s, long *offset)
{
    int sign = **s == '-' ? -1 : 1;
    int hours;
    int minutes = 0;

    *offset = 0;
    if (**s == 'Z') {
        (*s)++;
        return 0;
    }
    if (**s != '+' && **s != '-') {
        return -1;
    }
    (*s)++;
    hours = take_digits(s, 2);
    if (**s == ':') {
        (*s)++;
        minutes = take_digits(s, 2);
    } else if (**s != '\0') {
        minutes = take_digits(s, 2);
    }
    *offset = sign * (hours * 3600L + minutes * 60L);
    return in(hours, 15) && in(minutes, 59) ? 0 : -1;
}

static int
take_clock(const char **s, struct tm *tm)
{
    tm->tm_hour = take_digits(s, 2);
    if (*(*s)++ != ':') {
        return -1;
    }
    tm->tm_min = take_digits(s, 2);
    if (**s == ':') {
        (*s)++;
        tm->tm_sec = take_digits(s, 2);
    }
    return in(tm->tm_hour, 23) && in(tm->tm_min, 59) && in(tm->tm_sec, 59) ? 0 : -1;
}

/* "YYYY-MM-DD", a day that exists. */
static int
take_date(const char **s, struct tm *tm)
{
    struct tm same;

    tm->tm_year = take_digits(s, 4) - 1900;
    if (**s != '-') {
        return -1;
    }
    (*s)++;
    tm->tm_mon = take_digits(s, 2) - 1;
    if (**s != '-') {
        return -1;
    }
    (*s)++;
    tm->tm_mday = take_digits(s, 2);
    same = *tm;
    (void)timegm(&same); /* 30 February moves on */
    return same.tm_mday == tm->tm_mday && same.tm_mon == tm->tm_mon && tm->tm_mday > 0 ? 0 : -1;
}

static int
parse_time(const char *s, time_t *out)
{
    struct tm tm = {.tm_isdst = -1};
    long      offset;

    if (take_date(&s, &tm) != 0) {
        return -1;
    }
    if (*s == 'T' || *s == ' ') {
        s++;
        if (take_clock(&s, &tm) != 0) {
            return -1;
        }
        if (*s != '\0') {
            if (take_zone(&s, &offset) != 0 || *s != '\0') {
                return -1;
            }
            *out = timegm(&tm) - offset;
            return 0;
        }
    }
    *out = mktime(&tm);
    return *s == '\0' ? 0 : -1;
}

int
time_parse(const char *text, time_t *out, struct err *e)
{
    if (parse_time(text, out) != 0) {
        err_set(e, ERR_USAGE, "\"%s\" is not a time", text);
        return err_hint(e,
                        "write 2026-11-21, \"2026-11-21 02:15\" (local time) or "
                        "2026-11-21T02:15:00Z");
    }
    return 0;
}

double
clock_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
