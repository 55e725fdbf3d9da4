#include "verify/report/of_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "core/report/finding.h"
#include "verify/report/document.h"

static char *
text_of(const json_t *o, const char *key)
{
    struct err ignored = ERR_INIT;
    size_t     n;

    return json_bytes_get(json_object_get(o, key), &n, &ignored);
}

static const char *
met_text(const json_t *o)
{
    const json_t *met = json_object_get(o, "met");

    return json_is_true(met) ? "met" : json_is_false(met) ? "missed" : "could not be made";
}

/* "2 of 3 met", and the worst of them. */
static void
add_met(json_t *d, const char *name, const json_t *list)
{
    size_t        i, met = 0, missed = 0, n = json_array_size(list);
    const json_t *one;
    char          text[64];

    json_array_foreach (list, i, one) {
        met += json_is_true(json_object_get(one, "met"));
        missed += json_is_false(json_object_get(one, "met"));
    }
    (void)snprintf(text, sizeof text, "%zu of %zu met", met, n);
    document_check(d, name,
                   missed > 0    ? "bad"
                       : met < n ? "unknown"
                                 : "good",
                   missed > 0    ? "missed"
                       : met < n ? "not made"
                                 : "good",
                   text);
}

static void
add_checks(json_t *d, const json_t *list)
{
    json_t       *table;
    const json_t *one;
    size_t        i;

    if (json_array_size(list) == 0) {
        return;
    }
    add_met(d, "checks", list);
    table = document_table(d, "The administrator's checks", "check|kind|wanted|found|result");
    json_array_foreach (list, i, one) {
        char *name = text_of(one, "name"), *want = text_of(one, "want"),
             *have = text_of(one, "have");

        document_row(
            table,
            (const char *const[]){name, json_opt_str(one, "kind", ""), want, have, met_text(one)},
            5);
        free(name);
        free(want);
        free(have);
    }
}

static void
add_targets(json_t *d, const json_t *list)
{
    const json_t *one;
    size_t        i;

    if (json_array_size(list) > 0) {
        add_met(d, "targets", list);
    }
    json_array_foreach (list, i, one) {
        const char *name = json_opt_str(one, "name", "");
        char        want[32], have[32];
        char       *text = xasprintf(
                  "%s: %s, and %s is wanted", met_text(one),
                  duration_human(json_number_value(json_object_get(one, "have_seconds")), have,
                                 sizeof have),
                  duration_human(json_number_value(json_object_get(one, "want_seconds")), want,
                                 sizeof want));

        document_fact(d,
                      strcmp(name, "rto") == 0       ? "RTO"
                          : strcmp(name, "rpo") == 0 ? "RPO"
                                                     : name,
                      text);
        free(text);
    }
}

/* "server 0.3 s, schema 0.2 s, rows 12 s" */
static void
add_times(json_t *d, const json_t *times)
{
    static const char *const order[] = {"server",  "schema", "rows",   "indexes",
                                        "compare", "checks", "amcheck"};
    char                    *all = xstrdup("");
    char                     text[32];

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const json_t *seconds = json_object_get(times, order[i]);

        if (json_is_number(seconds)) {
            char *more = xasprintf("%s%s%s %s", all, *all != '\0' ? ", " : "", order[i],
                                   duration_human(json_number_value(seconds), text, sizeof text));

            free(all);
            all = more;
        }
    }
    document_fact(d, "time spent", all);
    free(all);
}

static void
add_self_test(json_t *d, const json_t *o)
{
    json_int_t    made = json_opt_int(o, "made", 0), noticed = json_opt_int(o, "noticed", 0);
    const json_t *one;
    json_t       *table;
    size_t        i;
    char          text[96];

    if (o == NULL) {
        return;
    }
    (void)snprintf(text, sizeof text, "%lld of %lld damages to the copy were noticed",
                   (long long)noticed, (long long)made);
    document_check(d, "self-test", noticed == made && made > 0 ? "good" : "bad",
                   noticed == made && made > 0 ? "good" : "not noticed", text);
    table = document_table(d, "Self-test: damages made to the copy",
                           "damage|object|noticed by|result");
    json_array_foreach (json_object_get(o, "damages"), i, one) {
        char *object = text_of(one, "object");

        document_row(table,
                     (const char *const[]){
                         json_opt_str(one, "damage", ""), object, json_opt_str(one, "check", ""),
                         json_opt_bool(one, "noticed", false) ? "noticed" : "NOT NOTICED"},
                     4);
        free(object);
    }
    json_array_foreach (json_object_get(o, "not_applicable"), i, one) {
        char *why = text_of(one, "why");

        document_row(table,
                     (const char *const[]){json_opt_str(one, "damage", ""),
                                           why != NULL ? why : "nothing of the kind is there", NULL,
                                           "not made"},
                     4);
        free(why);
    }
}

static void
add_table_row(json_t *table, const json_t *one)
{
    char       *schema = text_of(one, "schema"), *name = text_of(one, "name");
    char       *full = finding_object(schema, name);
    const char *want = json_opt_str(one, "want_fingerprint", "");
    const char *have = json_opt_str(one, "have_fingerprint", NULL);
    char        wanted[32], found[32] = "not read";

    (void)count_human((uint64_t)json_opt_int(one, "want_rows", 0), NULL, wanted, sizeof wanted);
    if (json_is_integer(json_object_get(one, "have_rows")))
        (void)count_human((uint64_t)json_opt_int(one, "have_rows", 0), NULL, found, sizeof found);
    document_row(table,
                 (const char *const[]){full, wanted, found, want,
                                       have == NULL                  ? "not compared"
                                           : strcmp(want, have) == 0 ? "the same"
                                                                     : have},
                 5);
    free(schema);
    free(name);
    free(full);
}

/* What was wanted and found of each. */
static void
add_tables(json_t *d, const json_t *list)
{
    const json_t *one;
    json_t       *table;
    size_t        i;

    if (json_array_size(list) == 0) {
        return;
    }
    table = document_appendix(d, "Tables",
                              "table|rows wanted|rows found|fingerprint wanted|fingerprint found");
    json_array_foreach (list, i, one) {
        add_table_row(table, one);
    }
}

void
report_add_parts(json_t *d, const json_t *result)
{
    add_times(d, json_object_get(result, "times"));
    add_targets(d, json_object_get(result, "targets"));
    add_checks(d, json_object_get(result, "checks"));
    add_self_test(d, json_object_get(result, "self_test"));
    add_tables(d, json_object_get(result, "tables"));
}
