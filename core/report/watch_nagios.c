#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/print.h"
#include "core/report/watch_show.h"

enum { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

static int
plugin_status(enum watch_severity s)
{
    return s == WATCH_CRITICAL ? NAGIOS_CRITICAL
        : s == WATCH_WARNING   ? NAGIOS_WARNING
        : s == WATCH_UNKNOWN   ? NAGIOS_UNKNOWN
                               : NAGIOS_OK;
}

/* What begins with | is taken for performance data. */
static const char *
plain(struct watch_report *scratch, const char *text)
{
    char *copy = xstrdup(text);

    for (char *s = copy; (s = strchr(s, '|')) != NULL; s++) {
        *s = '/';
    }
    strlist_take(&scratch->texts, copy);
    return copy;
}

static void
print_number(double d)
{
    if (!isnan(d)) {
        print_out("%.15g", d);
    }
}

/* 'label'=value[unit];warning;critical;min */
static void
print_metrics(const struct watch_report *r)
{
    for (size_t i = 0; i < r->n_metrics; i++) {
        const struct watch_metric *m = &r->metrics[i];
        char                       label[128];

        (void)snprintf(label, sizeof label, "%s", m->name);
        for (char *s = label; *s != '\0'; s++) {
            *s = isalnum((unsigned char)*s) || strchr("_.-", *s) != NULL ? *s : '_';
        }
        print_out("%s%s=%.15g%s;", i == 0 ? "" : " ", label, m->value, m->unit);
        print_number(m->warning);
        print_out(";");
        print_number(m->critical);
        print_out(";0");
    }
}

int
watch_show_nagios(const struct watch_report *r)
{
    struct watch_report scratch = {0};
    int                 status = plugin_status(watch_worst(r));

    print_out("PGASSAY ");
    for (const char *s = r->verb; *s != '\0'; s++) {
        print_out("%c", toupper((unsigned char)*s));
    }
    print_out(" %s - ", words[status]);
    if (r->n_findings == 0) {
        print_out("%zu checks, nothing found", watch_count(r, WATCH_OK));
    }
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct watch_finding *f = &r->findings[i];

        if (i == 1) {
            print_out(" (and %zu more)", r->n_findings - 1);
            break;
        }
        print_out("%s: %s %s", f->check, plain(&scratch, f->object), plain(&scratch, f->what));
    }
    print_out(" | ");
    print_metrics(r);
    print_out("\n");
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct watch_finding *f = &r->findings[i];

        print_out("%s %s: %s %s -> %s\n", words[plugin_status(f->severity)], f->check,
                  plain(&scratch, f->object), plain(&scratch, f->what), plain(&scratch, f->action));
    }
    watch_free(&scratch);
    return status;
}

int
watch_show_nagios_error(const struct err *e)
{
    struct watch_report scratch = {0};

    print_out("PGASSAY UNKNOWN - %s\n", plain(&scratch, e->text));
    watch_free(&scratch);
    return NAGIOS_UNKNOWN;
}
