#include "core/cli/help.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cli/opts_impl.h"

enum {
    HELP_COLUMN = 28,
    WIDTH_MOST = 100,
    WIDTH_LEAST = 80,
    LINES_USUAL = 40, /* where there is no terminal */
    LINES_LEAST = 24,
    ROWS_MOST = 12,
    SECTIONS_MOST = 12,
    NAMES_MAX = 65536
};

/* What is printed, and how much of it. */
struct help {
    FILE  *f;
    size_t rows; /* options explained in each section; the others are named.  SIZE_MAX: all */
    size_t more; /* so many of the first sections have one row more */
    size_t width, lines;
};

/* That of the terminal, whose last line is for the next prompt. */
static void
measure_screen(struct help *h)
{
    struct winsize w;

    h->width = WIDTH_MOST;
    h->lines = LINES_USUAL;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0) {
        h->lines = (w.ws_row < LINES_LEAST ? LINES_LEAST : w.ws_row) - 1U;
        h->width = w.ws_col < WIDTH_LEAST ? WIDTH_LEAST
            : w.ws_col > WIDTH_MOST       ? WIDTH_MOST
                                          : w.ws_col;
    }
}

static bool
is_short(const struct help *h)
{
    return h->rows != SIZE_MAX;
}

/* Words, from column at on, where at least one fits; further lines begin at the other. */
static void
print_words_from(const struct help *h, const char *text, size_t at, size_t column)
{
    size_t begun = at;

    while (*text != '\0') {
        size_t n = strcspn(text, " ");

        if (at > begun && at + 1 + n > h->width) {
            (void)fprintf(h->f, "\n%*s", (int)column, "");
            at = begun = column;
        } else if (at > begun) {
            (void)putc(' ', h->f);
            at++;
        }
        (void)fprintf(h->f, "%.*s", (int)n, text);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    (void)putc('\n', h->f);
}

static void
print_words(const struct help *h, const char *text, size_t column)
{
    print_words_from(h, text, column, column);
}

/* A label, and what it means from HELP_COLUMN on. */
static void
print_row(const struct help *h, const char *label, const char *help)
{
    if (strlen(label) + 2 > HELP_COLUMN) {
        (void)fprintf(h->f, "%s\n%*s", label, HELP_COLUMN, "");
    } else {
        (void)fprintf(h->f, "%-*s", HELP_COLUMN, label);
    }
    print_words(h, help, HELP_COLUMN);
}

static void
print_option(const struct help *h, const struct opt *o)
{
    char label[128];
    char help[1024];

    (void)snprintf(label, sizeof label, "  %c%c%s--%s%s%s", o->letter != 0 ? '-' : ' ',
                   o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : "  ", o->name,
                   o->arg != NULL ? "=" : "", o->arg != NULL ? o->arg : "");
    (void)snprintf(help, sizeof help, "%s%s%s%s%s", o->help, o->env != NULL ? " [$" : "",
                   o->env != NULL ? o->env : "", o->env != NULL ? "]" : "",
                   o->kind == OPT_LIST ? " (may be given again)" : "");
    print_row(h, label, help);
}

/* A section under way. */
struct section {
    size_t      i; /* 1: the first */
    size_t      rows;
    const char *name;
    struct buf  names; /* "--a, --b": of those that are not explained */
};

/* So many of its options are explained. */
static size_t
explained(const struct help *h, const struct section *s)
{
    return is_short(h) ? h->rows + (s->i <= h->more) : SIZE_MAX;
}

static void
add_option(const struct help *h, struct section *s, const struct opt *o)
{
    struct err none = ERR_INIT; /* the buffer is large enough for every option that there is */

    if (s->rows++ < explained(h, s)) {
        print_option(h, o);
    } else if (o->letter != 0) {
        (void)buf_printf(&s->names, &none, "%s-%c/--%s", s->names.len > 0 ? " " : "", o->letter,
                         o->name);
    } else {
        (void)buf_printf(&s->names, &none, "%s--%s", s->names.len > 0 ? " " : "", o->name);
    }
}

static void
end_section(const struct help *h, struct section *s)
{
    if (s->names.len > 0) {
        bool none = explained(h, s) == 0;
        int  at = none ? fprintf(h->f, "%s: ", s->name) : fprintf(h->f, "%6s", "");

        print_words_from(h, buf_str(&s->names), (size_t)at, none ? 2 : 6);
    }
    buf_free(&s->names);
    s->rows = 0;
}

static void
begin_section(const struct help *h, struct section *s, const char *name)
{
    end_section(h, s);
    s->i++;
    s->name = name;
    if (explained(h, s) > 0) {
        (void)fprintf(h->f, "%s%s:\n", is_short(h) ? "" : "\n", name);
    }
}

static void
print_options(const struct help *h, opts_tables tables)
{
    struct section    s = {.names = BUF_INIT(NAMES_MAX)};
    const struct opt *o;

    if (*tables != NULL && (*tables)->kind != OPT_HEAD) {
        begin_section(h, &s, "Options");
    }
    for (; *tables != NULL; tables++) {
        for (o = *tables; o->kind != OPT_HEAD || o->name != NULL; o++) {
            if (o->kind == OPT_HEAD) {
                begin_section(h, &s, o->name);
            } else {
                add_option(h, &s, o);
            }
        }
    }
    for (size_t i = 0; (o = opts_builtin(i)) != NULL; i++) {
        add_option(h, &s, o);
    }
    end_section(h, &s);
}

/* The commands of a group; NULL: all that are in none. */
static void
print_verbs(const struct help *h, const struct opts_spec *spec, const char *group)
{
    (void)fprintf(h->f, "\nCommands:\n");
    for (size_t i = 0; spec->verbs[i] != NULL; i++) {
        const struct opts_verb *v = spec->verbs[i];
        char                    label[128];

        if (group == NULL ? strchr(v->name, ' ') == NULL : opts_in_group(v, group)) {
            (void)snprintf(label, sizeof label, "  %s%s%s", v->name, *v->args == '\0' ? "" : " ",
                           v->args);
            print_row(h, label, v->summary);
        }
    }
}

static void
print_usage(const struct help *h, const char *program, const char *verb, const char *args)
{
    (void)fprintf(h->f, "Usage: %s%s%s [OPTION]...%s%s\n", program, *verb == '\0' ? "" : " ", verb,
                  *args == '\0' ? "" : " ", args);
}

static void
print_verb_help(const struct help *h, const struct opts_spec *spec, const struct opts_verb *verb)
{
    char summary[512];

    (void)snprintf(summary, sizeof summary, "%c%s.", toupper((unsigned char)*verb->summary),
                   verb->summary + 1);
    print_usage(h, spec->program, verb->name, verb->args);
    print_words(h, summary, 0);
    if (opts_has_group(spec, verb->name)) {
        print_verbs(h, spec, verb->name);
    }
    print_options(h, verb->tables);
}

static void
print_tool_help(const struct help *h, const struct opts_spec *spec)
{
    if (spec->verbs != NULL) {
        print_usage(h, spec->program, "COMMAND", "[ARGUMENT]...");
    } else {
        print_usage(h, spec->program, "", spec->args);
    }
    print_words(h, spec->summary, 0);
    if (spec->verbs != NULL) {
        print_verbs(h, spec, NULL);
    }
    print_options(h, spec->tables);
    if (spec->verbs != NULL) {
        (void)fprintf(h->f, "\n\"%s COMMAND --help\" shows the options of a command.\n",
                      spec->program);
    }
    if (!is_short(h)) {
        (void)fprintf(h->f,
                      "\nExit status: 0 good, 1 failed, 2 wrong usage or configuration, 3 "
                      "verification found a difference,\n"
                      "4 partly done, 130 or 143 interrupted.\n");
    }
}

/* All of it as text, and the number of its lines; allocated. */
static char *
compose(const struct opts_spec *spec, const struct opts_verb *verb, struct help h, size_t *lines)
{
    char  *text = NULL;
    size_t size;

    h.f = open_memstream(&text, &size);

    if (h.f == NULL) {
        abort(); /* no memory, as for xmalloc() */
    }
    if (verb != NULL) {
        print_verb_help(&h, spec, verb);
    } else {
        print_tool_help(&h, spec);
    }
    if (is_short(&h)) {
        (void)fprintf(h.f, "%s\"%s%s%s --help=all\" explains every option.\n",
                      h.rows + h.more > 0 ? "\n" : "", spec->program, verb == NULL ? "" : " ",
                      verb == NULL ? "" : verb->name);
    }
    (void)fclose(h.f);
    *lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        ++*lines;
    }
    return text;
}

int
help_print(const struct opts_spec *spec, const struct opts_verb *verb, const char *how_much,
           struct err *e)
{
    struct help h = {.rows = SIZE_MAX};
    size_t      lines, left = ROWS_MOST * SECTIONS_MOST;
    char       *text;

    if (how_much != NULL && strcmp(how_much, "all") != 0) {
        return err_set(e, ERR_USAGE, "--help=all explains every option; it knows no \"%s\"",
                       how_much);
    }
    measure_screen(&h);
    text = compose(spec, verb, h, &lines);
    while (how_much == NULL && lines > h.lines && left-- > 0) {
        free(text);
        h.rows = left / SECTIONS_MOST;
        h.more = left % SECTIONS_MOST;
        text = compose(spec, verb, h, &lines);
    }
    (void)fputs(text, stdout);
    free(text);
    return 0;
}

void
help_print_version(const struct opts_spec *spec)
{
    printf("%s %s\n", spec->program, PGASSAY_VERSION);
}
