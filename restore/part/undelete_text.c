/*
 * undelete_text.c - the findings of --rows, as text and JSON.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/print.h"
#include "restore/part/undelete_impl.h"

enum { VALUE_SHOWN = 60 };

static json_t *
side_json(const struct found *f, int row, int side)
{
    json_t *o = json_object();
    int     field = 1;

    for (size_t i = 0; i < f->t->n_columns; i++) {
        if (f->t->columns[i].written) {
            json_object_set_new(o, f->t->columns[i].name,
                                PQgetisnull(f->shown, row, field + side)
                                    ? json_null()
                                    : json_text(PQgetvalue(f->shown, row, field + side)));
            field += 2;
        }
    }
    return o;
}

static json_t *
shown_json(const struct found *f)
{
    json_t *all = json_array();

    for (int i = 0; i < PQntuples(f->shown); i++) {
        const char *state = PQgetvalue(f->shown, i, 0);
        bool        in_backup = strcmp(state, "added") != 0, live = strcmp(state, "deleted") != 0;
        json_t     *o = json_object();

        json_object_set_new(o, "state", json_text(state));
        json_object_set_new(o, "backup", in_backup ? side_json(f, i, 0) : json_null());
        json_object_set_new(o, "live", live ? side_json(f, i, 1) : json_null());
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *
found_json(const struct found *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "table", json_text(f->t->qualified));
    json_object_set_new(o, "by_key", json_boolean(f->t->has_key));
    json_object_set_new(o, "deleted", json_integer((json_int_t)f->deleted));
    json_object_set_new(o, "changed",
                        f->only_keys ? json_null() : json_integer((json_int_t)f->changed));
    json_object_set_new(o, "added", json_integer((json_int_t)f->added));
    json_object_set_new(o, "inserted", json_integer((json_int_t)f->inserted));
    json_object_set_new(o, "updated", json_integer((json_int_t)f->updated));
    json_object_set_new(o, "kept", json_integer((json_int_t)f->kept));
    json_object_set_new(o, "shown", shown_json(f));
    return o;
}

static void
print_value(const struct found *f, int row, int field)
{
    char *text = PQgetvalue(f->shown, row, field);

    if (PQgetisnull(f->shown, row, field)) {
        print_out("null");
    } else if (strlen(text) <= VALUE_SHOWN) {
        print_out("%s", text);
    } else {
        char *cut = xstrndup(text, VALUE_SHOWN - 3);

        print_out("%s...", cut);
        free(cut);
    }
}

static bool
same_value(const struct found *f, int row, int field)
{
    return PQgetisnull(f->shown, row, field) == PQgetisnull(f->shown, row, field + 1) &&
        strcmp(PQgetvalue(f->shown, row, field), PQgetvalue(f->shown, row, field + 1)) == 0;
}

/* "deleted  id 5, name x"; of a changed row its key, and what differs: "name old, now new". */
static void
print_row(const struct found *f, int row)
{
    const char *state = PQgetvalue(f->shown, row, 0);
    bool        changed = strcmp(state, "changed") == 0;
    int         side = strcmp(state, "added") == 0, field = 1;
    const char *separator = "  ";

    print_out("  %s", state);
    for (size_t i = 0; i < f->t->n_columns; i++) {
        const struct live_column *c = &f->t->columns[i];

        if (!c->written) {
            continue;
        }
        if (!changed || c->key || !same_value(f, row, field)) {
            print_out("%s%s ", separator, c->name);
            print_value(f, row, field + side);
            if (changed && !same_value(f, row, field)) {
                print_out(", now ");
                print_value(f, row, field + 1);
            }
            separator = "; ";
        }
        field += 2;
    }
    print_out("\n");
}

static void
print_found(const struct found *f)
{
    if (f->only_keys) {
        print_out("%s: %" PRIu64 " deleted, %" PRIu64
                  " added since; changed rows were not looked for: leave --apply out to see them\n",
                  f->t->qualified, f->deleted, f->added);
    } else {
        print_out("%s%s: %" PRIu64 " deleted, %" PRIu64 " changed, %" PRIu64 " added since\n",
                  f->t->qualified, f->t->has_key ? "" : " (no primary key: whole rows)", f->deleted,
                  f->changed, f->added);
    }
    for (int i = 0; i < PQntuples(f->shown); i++) {
        print_row(f, i);
    }
    if (f->deleted + f->changed + f->added > (uint64_t)PQntuples(f->shown)) {
        print_out("  and %" PRIu64 " more\n",
                  f->deleted + f->changed + f->added - (uint64_t)PQntuples(f->shown));
    }
}

static void
print_done(const struct undelete *u, const struct found *f)
{
    if (u->r->o->into_table != NULL && !u->r->o->dry_run) {
        print_out("%" PRIu64 " rows of the backup are in %s\n", f->kept, u->r->o->into_table);
    } else if (u->r->o->apply != NULL && !u->r->o->dry_run) {
        print_out("%s: %" PRIu64 " rows inserted, %" PRIu64 " updated\n", f->t->qualified,
                  f->inserted, f->updated);
    }
}

void
undelete_tell(const struct undelete *u)
{
    const struct options *o = u->r->o;
    bool                  people = !o->json && !o->quiet && o->as == NULL;
    char                 *text = report_what(u->r);

    if (people) {
        print_out("compared with %s:\n", text);
    }
    u->r->differences = json_array();
    for (size_t i = 0; i < u->tables.n; i++) {
        if (people) {
            print_found(&u->v[i]);
            print_done(u, &u->v[i]);
        }
        json_array_append_new(u->r->differences, found_json(&u->v[i]));
    }
    free(text);
}
