#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/print.h"
#include "verify/health/show.h"

enum { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

static int
plugin_status(enum health_severity s)
{
    return s == HEALTH_CRITICAL ? NAGIOS_CRITICAL
        : s == HEALTH_WARNING   ? NAGIOS_WARNING
        : s == HEALTH_UNKNOWN   ? NAGIOS_UNKNOWN
                                : NAGIOS_OK;
}

/* What begins with | is taken for performance data. */
static const char *
plain(struct health_report *scratch, const char *text)
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
        print_out("%.10g", d);
    }
}

/* 'label'=value[unit];warning;critical;min */
static void
print_metrics(const struct health_report *r)
{
    for (size_t i = 0; i < r->n_metrics; i++) {
        const struct health_metric *m = &r->metrics[i];
        char                        label[128];

        (void)snprintf(label, sizeof label, "%s", m->name);
        for (char *s = label; *s != '\0'; s++) {
            *s = isalnum((unsigned char)*s) || strchr("_.-", *s) != NULL ? *s : '_';
        }
        print_out("%s%s=%.10g%s;", i == 0 ? "" : " ", label, m->value, m->unit);
        print_number(m->warning);
        print_out(";");
        print_number(m->critical);
        print_out(";0");
    }
}

int
show_nagios(const struct health_report *r)
{
    struct health_report scratch = {0};
    int                  status = plugin_status(report_worst(r));
    const char          *name = strcmp(r->verb, "xid") == 0 ? "XID" : "HEALTH";

    print_out("PGASSAY %s %s - ", name, words[status]);
    if (r->n_findings == 0) {
        print_out("%zu checks, nothing found", report_count(r, HEALTH_OK));
    }
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct health_finding *f = &r->findings[i];

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
        const struct health_finding *f = &r->findings[i];

        print_out("%s %s: %s %s -> %s\n", words[plugin_status(f->severity)], f->check,
                  plain(&scratch, f->object), plain(&scratch, f->what), plain(&scratch, f->action));
    }
    report_free(&scratch);
    return status;
}

int
show_nagios_error(const struct err *e)
{
    struct health_report scratch = {0};

    print_out("PGASSAY UNKNOWN - %s\n", plain(&scratch, e->text));
    report_free(&scratch);
    return NAGIOS_UNKNOWN;
}
