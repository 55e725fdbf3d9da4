/*
 * foreign_text.c - what a foreign dump is, as text and JSON.
 */
#include <stdlib.h>

#include "core/human.h"
#include "core/print.h"
#include "restore/file/foreign_impl.h"

char *
foreign_what(const struct restore *r)
{
    const struct foreign  *f = r->foreign;
    const struct contents *c = &f->contents;

    return xasprintf("%s \"%s\"%s%s%s%s%s", f->found.kind->name, f->found.file.name,
                     f->found.member == NULL ? "" : ": ",
                     f->found.member == NULL ? "" : f->found.member,
                     c->policy.database == NULL ? "" : " of database \"",
                     c->policy.database == NULL ? "" : c->policy.database,
                     c->policy.database == NULL ? "" : "\"");
}

uint64_t
foreign_tables(const struct restore *r)
{
    return r->foreign->contents.tables;
}

static json_t *
texts(const struct strlist *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->n; i++) {
        json_array_append_new(all, json_text(l->v[i]));
    }
    return all;
}

/* What the dump says of its database's locale, as the manifest has it; null: nothing. */
static json_t *
locale_json(const struct restore *r)
{
    static const char *const keys[] = {"provider", "locale", "collate", "ctype", "icu_rules"};
    json_t                  *o = json_object();

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = json_opt_str(r->source_properties, keys[i], NULL);

        if (text != NULL) {
            json_object_set_new(o, keys[i], json_text(text));
        }
    }
    if (json_object_size(o) > 0) {
        return o;
    }
    json_decref(o);
    return json_null();
}

json_t *
foreign_json(const struct restore *r)
{
    const struct foreign  *f = r->foreign;
    const struct contents *c;
    json_t                *o;

    if (f == NULL || f->found.kind == NULL) {
        return json_null();
    }
    c = &f->contents;
    o = json_object();
    json_object_set_new(o, "path", json_text(r->o->file));
    json_object_set_new(o, "size", json_integer((json_int_t)f->found.was.st_size));
    json_object_set_new(o, "member", json_text(f->found.member));
    json_object_set_new(o, "kind", json_text(f->found.kind->word));
    json_object_set_new(o, "compression", json_text(f->found.compression));
    json_object_set_new(o, "database", json_text(c->policy.database));
    json_object_set_new(o, "locale", locale_json(r));
    json_object_set_new(o, "databases", texts(&c->databases));
    json_object_set_new(o, "server_version", json_text(c->from));
    json_object_set_new(o, "server_version_num",
                        c->from_version > 0 ? json_integer(c->from_version) : json_null());
    json_object_set_new(o, "pg_dump_version", json_text(c->by));
    json_object_set_new(o, "created", json_text(c->taken));
    json_object_set_new(o, "tables", json_integer((json_int_t)c->tables));
    json_object_set_new(o, "rows", json_integer((json_int_t)c->rows + (json_int_t)c->inserts));
    json_object_set_new(o, "bytes", json_integer((json_int_t)c->bytes));
    json_object_set_new(o, "roles", texts(&c->policy.roles));
    json_object_set_new(o, "extensions", texts(&c->policy.extensions));
    return o;
}

/* "it holds 3 tables, 1,000 rows, 12 MB; server 15.20 (Debian …), pg_dump 15.20 (…)" */
static void
print_contents(const struct contents *c)
{
    char tables[48], rows[48], size[32];

    print_out("it holds %s, %s, %s", count_human(c->tables, "table", tables, sizeof tables),
              count_human(c->rows + c->inserts, "row", rows, sizeof rows),
              size_human(c->bytes, size, sizeof size));
    if (c->from != NULL) {
        print_out("; taken of a server %s", c->from);
    }
    if (c->taken != NULL) {
        print_out(", %s", c->taken);
    }
    print_out("\n");
    for (size_t i = 0; i < c->databases.n; i++) {
        print_out("%s\"%s\"", i == 0 ? "databases: " : ", ", c->databases.v[i]);
    }
    if (c->databases.n > 0) {
        print_out("\n");
    }
}

void
foreign_list(const struct restore *r)
{
    char *what = foreign_what(r);

    print_out("%s\n", what);
    free(what);
    print_contents(&r->foreign->contents);
    print_out("it is whole\n");
}

void
foreign_print(const struct restore *r, const char *what)
{
    const struct contents *c = &r->foreign->contents;
    char                   took[32], tables[48], rows[48], size[32];

    if (r->o->dry_run) {
        print_contents(c);
        print_out("it is whole, and nothing stands in the way of %s\n", what);
        return;
    }
    print_out("restored %s, %s, %s in %s: %s\n",
              count_human(c->tables, "table", tables, sizeof tables),
              count_human(c->rows + c->inserts, "row", rows, sizeof rows),
              size_human(c->bytes, size, sizeof size),
              duration_human(r->seconds, took, sizeof took), what);
}
