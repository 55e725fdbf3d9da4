#include "backup/report.h"

#include <stdio.h>

#include "core/enc.h"
#include "core/json.h"
#include "core/log.h"

enum { HUMAN = 48 };

static void
print_stored(const struct outcome *o)
{
    char rows[HUMAN], tables[HUMAN], read[HUMAN], fresh[HUMAN], reused[HUMAN], took[HUMAN];

    (void)printf("%s: backup %s: %s, %s, %s read, %s stored new, %s reused, %s\n", o->name, o->label->id,
                 count_human(o->label->tables, "table", tables, sizeof tables),
                 count_human(o->label->rows, "row", rows, sizeof rows),
                 size_human(o->label->raw_bytes, read, sizeof read),
                 size_human(o->label->new_bytes, fresh, sizeof fresh),
                 size_human(o->label->stored_bytes - o->label->new_bytes, reused, sizeof reused),
                 duration_human(o->label->seconds, took, sizeof took));
}

static void
print_planned(const struct outcome *o)
{
    char tables[HUMAN], size[HUMAN];

    (void)printf("%s: would back up %s of database \"%s\" (%s) into %s\n", o->name,
                 count_human(o->label->tables, "table", tables, sizeof tables), o->dbname,
                 size_human(o->relation_bytes, size, sizeof size),
                 o->repo);
}

void
report_text(const struct outcome *o, bool several, bool wanted)
{
    struct err e = o->err;

    switch (o->status) {
    case OUTCOME_FAILED:
        if (several) {
            err_wrap(&e, "database \"%s\"", o->name);
        }
        err_print(&e);
        break;
    case OUTCOME_STORED:
        for (size_t i = 0; i < o->label->warnings.n; i++) {
            log_warn("%s: %s", o->name, o->label->warnings.v[i]);
        }
        if (wanted) {
            print_stored(o);
        }
        break;
    case OUTCOME_PLANNED:
        print_planned(o);
        break;
    }
}

static void
add_numbers(json_t *j, const struct label *l)
{
    const struct {
        const char *key;
        uint64_t    value;
    } numbers[] = {
        {"rows", l->rows},
        {"raw_bytes", l->raw_bytes},
        {"chunks", l->chunks},
        {"stored_bytes", l->stored_bytes},
        {"new_chunks", l->new_chunks},
        {"new_bytes", l->new_bytes},
        {"database_bytes", l->database_bytes},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_object_set_new(j, numbers[i].key, json_integer((json_int_t)numbers[i].value));
    }
}

static void
add_label(json_t *j, const struct label *l)
{
    char    time[HUMAN];
    json_t *warnings = json_array();

    for (size_t i = 0; i < l->warnings.n; i++) {
        json_array_append_new(warnings, json_text(l->warnings.v[i]));
    }
    json_object_set_new(j, "backup", json_text(l->id));
    json_object_set_new(j, "scope", json_text(l->scope));
    json_object_set_new(j, "snapshot", json_text(time_rfc3339(l->snapshot, time, sizeof time)));
    json_object_set_new(j, "seconds", json_real(l->seconds));
    json_object_set_new(j, "warnings", warnings);
    add_numbers(j, l);
}

json_t *
report_json(const struct outcome *o)
{
    static const char *const status[] = {"failed", "stored", "planned"};
    json_t                  *j = json_object();

    json_object_set_new(j, "database", json_text(o->name));
    json_object_set_new(j, "dbname", json_text(o->dbname));
    json_object_set_new(j, "repo", json_text(o->repo));
    json_object_set_new(j, "status", json_text(status[o->status]));
    switch (o->status) {
    case OUTCOME_FAILED:
        json_object_set_new(j, "error", json_text(o->err.text));
        if (o->err.hint[0] != '\0') {
            json_object_set_new(j, "hint", json_text(o->err.hint));
        }
        break;
    case OUTCOME_STORED:
        json_object_set_new(j, "tables", json_integer((json_int_t)o->label->tables));
        add_label(j, o->label);
        break;
    case OUTCOME_PLANNED:
        json_object_set_new(j, "tables", json_integer((json_int_t)o->label->tables));
        json_object_set_new(j, "relation_bytes", json_integer((json_int_t)o->relation_bytes));
        break;
    }
    return j;
}
