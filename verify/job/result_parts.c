#include "verify/job/result_parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/cli/texttable.h"
#include "core/human.h"
#include "core/print.h"

static json_t *
at_least_empty(json_t **list)
{
    if (*list == NULL)
        *list = json_array();
    return *list;
}

void
result_add_check(struct verify_result *r, const struct result_check *c)
{
    json_t *met = c->state < 0 ? json_null() : json_boolean(c->state > 0);

    (void)json_array_append_new(at_least_empty(&r->checks),
                                json_pack("{s:o, s:s, s:o, s:o, s:o, s:f}", "name",
                                          json_text(c->name), "kind", c->kind, "met", met, "want",
                                          json_text(c->want), "have", json_text(c->have), "seconds",
                                          c->seconds));
}

void
result_add_time(struct verify_result *r, const char *name, double seconds)
{
    double before;

    if (r->times == NULL)
        r->times = json_object();
    before = json_real_value(json_object_get(r->times, name));
    (void)json_object_set_new(r->times, name, json_real(before + seconds));
}

void
result_add_target(struct verify_result *r, const char *name, double want_s, double have_s)
{
    (void)json_array_append_new(at_least_empty(&r->targets),
                                json_pack("{s:s, s:f, s:f, s:b}", "name", name, "want_seconds",
                                          want_s, "have_seconds", have_s, "met", have_s <= want_s));
}

void
result_parts_json(const struct verify_result *r, json_t *o)
{
    (void)json_object_set_new(o, "checks",
                              r->checks != NULL ? json_incref(r->checks) : json_array());
    (void)json_object_set_new(o, "tables",
                              r->tables != NULL ? json_incref(r->tables) : json_array());
    (void)json_object_set_new(o, "targets",
                              r->targets != NULL ? json_incref(r->targets) : json_array());
    (void)json_object_set_new(o, "times", r->times != NULL ? json_incref(r->times) : json_object());
}

static void
print_checks(const json_t *checks)
{
    const json_t *one;
    size_t        i, met = 0, missed = 0, not_made = 0;

    json_array_foreach (checks, i, one) {
        const json_t *state = json_object_get(one, "met");

        met += json_is_true(state);
        missed += json_is_false(state);
        not_made += json_is_null(state);
    }
    if (json_array_size(checks) > 0)
        print_out("own checks       %zu met, %zu missed, %zu could not be made\n", met, missed,
                  not_made);
}

static void
print_times(json_t *times)
{
    struct buf  text = BUF_INIT(BUF_NO_LIMIT);
    struct err  never = ERR_INIT;
    const char *name;
    json_t     *seconds;
    char        human[32];

    json_object_foreach (times, name, seconds) {
        (void)buf_printf(&text, &never, "%s%s %s", text.len > 0 ? ", " : "", name,
                         duration_human(json_real_value(seconds), human, sizeof human));
    }
    if (text.len > 0)
        print_out("times            %s\n", buf_str(&text));
    buf_free(&text);
}

static void
print_targets(const json_t *targets)
{
    const json_t *one;
    size_t        i;
    char          want[32], have[32];

    json_array_foreach (targets, i, one) {
        const char *name = json_opt_str(one, "name", "");

        duration_human(json_real_value(json_object_get(one, "want_seconds")), want, sizeof want);
        duration_human(json_real_value(json_object_get(one, "have_seconds")), have, sizeof have);
        print_out("%s              %s within %s: %s\n", name, have, want,
                  json_opt_bool(one, "met", false) ? "met" : "MISSED");
    }
}

static void
add_row(struct texttable *t, const json_t *one)
{
    struct err  never = ERR_INIT;
    size_t      n;
    char       *schema = json_bytes_get(json_object_get(one, "schema"), &n, &never);
    char       *name = json_bytes_get(json_object_get(one, "name"), &n, &never);
    char       *full = finding_object(schema, name);
    const char *want = json_opt_str(one, "want_fingerprint", "");
    const char *have = json_opt_str(one, "have_fingerprint", NULL);

    texttable_add(t, full);
    texttable_count(t, (uint64_t)json_opt_int(one, "want_rows", 0));
    if (json_is_null(json_object_get(one, "have_rows")))
        texttable_add(t, "not read");
    else
        texttable_count(t, (uint64_t)json_opt_int(one, "have_rows", 0));
    texttable_add(t, want);
    texttable_add(t, have == NULL ? "not compared" : strcmp(want, have) == 0 ? "the same" : have);
    free(schema);
    free(name);
    free(full);
}

static void
print_tables(const json_t *tables)
{
    struct texttable t = {.heads = "table|>rows wanted|>found|fingerprint wanted|found"};
    const json_t    *one;
    size_t           i;

    json_array_foreach (tables, i, one)
        add_row(&t, one);
    print_out("\n");
    texttable_print(&t, stdout);
    print_out("\n");
    texttable_free(&t);
}

void
result_parts_print(const struct verify_result *r)
{
    print_checks(r->checks);
    print_times(r->times);
    print_targets(r->targets);
    if (r->lists_tables && json_array_size(r->tables) > 0)
        print_tables(r->tables);
}

void
result_parts_free(struct verify_result *r)
{
    json_decref(r->tables);
    json_decref(r->checks);
    json_decref(r->times);
    json_decref(r->targets);
    r->tables = r->checks = r->times = r->targets = NULL;
}
