#include "core/when.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"

static const struct {
    const char *name;
    long        seconds;
} units[] = {
    {"s", 1},         {"sec", 1},        {"second", 1},   {"seconds", 1},  {"m", 60},
    {"min", 60},      {"minute", 60},    {"minutes", 60}, {"h", 3600},     {"hour", 3600},
    {"hours", 3600},  {"d", 86400},      {"day", 86400},  {"days", 86400}, {"w", 604800},
    {"week", 604800}, {"weeks", 604800},
};

/* "2 hours ago", "2h ago". */
static int
parse_ago(const char *text, time_t now, time_t *out)
{
    char         *end;
    unsigned long n = strtoul(text, &end, 10);
    size_t        len;

    if (!isdigit((unsigned char)*text) || n > 1000000) {
        return -1;
    }
    end += strspn(end, " ");
    len = strcspn(end, " ");
    if (end[len] != ' ' || strcmp(end + len + strspn(end + len, " "), "ago") != 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == len && strncmp(units[i].name, end, len) == 0) {
            *out = now - (time_t)n * units[i].seconds;
            return 0;
        }
    }
    return -1;
}

/* "2026-11-20", this many days before today. */
static void
day_before(time_t now, int days, char *out, size_t cap)
{
    struct tm tm;

    (void)localtime_r(&now, &tm);
    tm.tm_mday -= days;
    tm.tm_hour = 12; /* even if an hour is left out that night */
    tm.tm_isdst = -1;
    (void)mktime(&tm);
    if (strftime(out, cap, "%Y-%m-%d", &tm) == 0) {
        out[0] = '\0';
    }
}

/* "20261121T021500Z" */
static bool
is_compact(const char *text)
{
    return strlen(text) == strlen("20261121T021500Z") && strspn(text, "0123456789") == 8 &&
        text[8] == 'T' && strspn(text + 9, "0123456789") == 6 && text[15] == 'Z';
}

/* As time_parse() wants it. */
static void
written_out(const char *text, time_t now, char *out, size_t cap)
{
    static const char *const days[] = {"today", "yesterday"};
    char                     date[16];

    for (int i = 0; i < 2; i++) {
        size_t n = strlen(days[i]);

        if (strncmp(text, days[i], n) == 0 && (text[n] == ' ' || text[n] == '\0')) {
            day_before(now, i, date, sizeof date);
            (void)snprintf(out, cap, "%s%s", date, text + n);
            return;
        }
    }
    if (isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) && text[2] == ':') {
        day_before(now, 0, date, sizeof date);
        (void)snprintf(out, cap, "%s %s", date, text);
    } else if (is_compact(text)) {
        (void)snprintf(out, cap, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6,
                       text + 9, text + 11, text + 13);
    } else {
        (void)snprintf(out, cap, "%s", text);
    }
}

/* The part "2026-11-21 02:15", whatever zone follows. */
static bool
is_to_the_minute(const char *exact)
{
    return strlen(exact) >= strlen("2026-11-21 02:15") && exact[13] == ':' && exact[16] != ':';
}

static int
parse(const char *text, time_t now, struct when *w, struct err *e)
{
    char       exact[64];
    struct err ignored = ERR_INIT;

    if (strcmp(text, "now") == 0 || parse_ago(text, now, &w->from) == 0) {
        w->from = strcmp(text, "now") == 0 ? now : w->from;
        w->until = w->from;
        return 0;
    }
    written_out(text, now, exact, sizeof exact);
    if (time_parse(exact, &w->from, &ignored) != 0) {
        err_set(e, ERR_USAGE, "\"%s\" is not a time", text);
        return err_hint(e,
                        "write 2026-11-21, \"2026-11-21 02:15\", \"yesterday 02:15\", 02:15 or \"2 "
                        "hours ago\" (local time), or 2026-11-21T02:15:00Z");
    }
    w->until = w->from + (is_to_the_minute(exact) ? 59 : 0);
    return 0;
}

int
when_parse(const char *text, time_t now, struct when *w, struct err *e)
{
    char a[32], b[32];

    if (parse(text, now, w, e) != 0) {
        return -1;
    }
    if (w->from > now) {
        return err_set(e, ERR_USAGE, "\"%s\" is still to come: it would be %s, and it is %s", text,
                       when_local(w->from, now, a, sizeof a), when_local(now, now, b, sizeof b));
    }
    return 0;
}

char *
when_local(time_t t, time_t now, char *out, size_t cap)
{
    char      date[16], clock[8], day[16];
    struct tm tm;

    if (localtime_r(&t, &tm) == NULL || strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0 ||
        strftime(clock, sizeof clock, "%H:%M", &tm) == 0) {
        return time_rfc3339(t, out, cap);
    }
    day_before(now, 0, day, sizeof day);
    if (strcmp(date, day) == 0) {
        (void)snprintf(out, cap, "%s", clock);
        return out;
    }
    day_before(now, 1, day, sizeof day);
    (void)snprintf(out, cap, "%s %s", strcmp(date, day) == 0 ? "yesterday" : date, clock);
    return out;
}

char *
when_ago(time_t t, time_t now, char *out, size_t cap)
{
    char local[32], age[32];

    (void)when_local(t, now, local, sizeof local);
    if (t > now) {
        (void)snprintf(out, cap, "at %s, by a clock that is ahead of this host's", local);
    } else {
        (void)snprintf(out, cap, "%s ago, %s", duration_human(difftime(now, t), age, sizeof age),
                       local);
    }
    return out;
}
