#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/print.h"
#include "core/report/watch_show.h"

enum { INDENT = 10 };

static void
print_detail(const char *detail)
{
    while (detail != NULL && *detail != '\0') {
        size_t n = strcspn(detail, "\n");
        char  *line = xstrndup(detail, n);

        print_out("%*s%s\n", INDENT, "", line);
        free(line);
        detail += n + (detail[n] == '\n');
    }
}

static void
print_finding(const struct watch_finding *f)
{
    print_out("%-9s %s: %s %s%s%s\n", watch_severity_text(f->severity), f->check, f->object,
              f->what, f->means != NULL ? ": " : "", f->means != NULL ? f->means : "");
    print_detail(f->detail);
    print_out("%*s-> %s%s%s\n", INDENT, "", f->action, f->command != NULL ? ": " : "",
              f->command != NULL ? f->command : "");
}

void
watch_show_text(const struct watch_report *r, bool quiet)
{
    enum watch_severity worst = watch_worst(r);
    char                took[32];

    if (quiet && worst == WATCH_OK) {
        return;
    }
    for (size_t i = 0; i < r->n_findings; i++) {
        print_finding(&r->findings[i]);
    }
    if (r->n_findings > 0) {
        print_out("\n");
    }
    for (size_t i = 0; i < r->lines.n; i++) {
        print_out("%s\n", r->lines.v[i]);
    }
    duration_human(r->seconds, took, sizeof took);
    if (worst == WATCH_OK) {
        print_out("%-16s ok: %zu checks, nothing found (%s)\n", "verdict", watch_count(r, WATCH_OK),
                  took);
        return;
    }
    print_out("%-16s %s: of the checks %zu critical, %zu warning, %zu not made, %zu ok (%s)\n",
              "verdict",
              worst == WATCH_CRITICAL      ? "CRITICAL"
                  : worst == WATCH_WARNING ? "WARNING"
                                           : "NOT KNOWN",
              watch_count(r, WATCH_CRITICAL), watch_count(r, WATCH_WARNING),
              watch_count(r, WATCH_UNKNOWN), watch_count(r, WATCH_OK), took);
}
