#include "core/cli/opts_log.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/progress.h"

/* ---- one word of a few ---- */

static void
set_format(size_t word)
{
    log_format((enum log_format)word);
}

static void
set_progress(size_t word)
{
    progress_as_json(word == 1);
}

static struct words {
    const char *name; /* of the option */
    const char *words[4], *said;
    void (*set)(size_t word);
    size_t in_force;
} known[] = {
    {"log-format", {"text", "long", "json"}, "text, long or json", set_format, 0},
    {"progress", {"line", "json"}, "line or json", set_progress, 0},
};

static struct words *
find(const char *name)
{
    return &known[strcmp(name, known[0].name) == 0 ? 0 : 1];
}

static int
set_word(struct words *w, const char *text, struct err *e)
{
    for (size_t i = 0; w->words[i] != NULL; i++) {
        if (strcmp(text, w->words[i]) == 0) {
            w->in_force = i;
            w->set(i);
            return 0;
        }
    }
    return err_set(e, ERR_USAGE, "%s: \"%s\" is not %s", w->name, text, w->said);
}

/* ---- where to: several, with commas ---- */

static const char        TO[] = "log-to";
static const char *const places[] = {"journal", "syslog", "stderr"};
enum { N_PLACES = sizeof places / sizeof *places };
_Static_assert(LOG_TO_STDERR == 1 << 2 && LOGDAEMON_SYSLOG == 1, "the places are bits, in order");

static unsigned in_force = LOG_TO_STDERR;

static int
set_places(const char *text, struct err *e)
{
    unsigned bits = 0;

    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, ","), i = 0;

        while (i < N_PLACES && (strlen(places[i]) != n || strncmp(at, places[i], n) != 0)) {
            i++;
        }
        if (i == N_PLACES) {
            return err_set(e, ERR_USAGE, "%s: \"%.*s\" is not stderr, journal or syslog", TO,
                           (int)n, at);
        }
        bits |= 1U << i;
        at += n + (at[n] == ',');
    }
    if (bits == 0) {
        return err_set(e, ERR_USAGE, "%s: name stderr, journal or syslog", TO);
    }
    in_force = bits;
    log_to(bits);
    return 0;
}

static const char *
places_text(void)
{
    static char text[32];
    int         n = 0;

    for (size_t i = 0; i < N_PLACES; i++) {
        if ((in_force & 1U << i) != 0) {
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", n == 0 ? "" : ",", places[i]);
        }
    }
    return text;
}

int
opts_log_set(const char *name, const char *text, struct err *e)
{
    return strcmp(name, TO) == 0 ? set_places(text, e) : set_word(find(name), text, e);
}

const char *
opts_log_text(const char *name)
{
    const struct words *w = find(name);

    return strcmp(name, TO) == 0 ? places_text() : w->words[w->in_force];
}
