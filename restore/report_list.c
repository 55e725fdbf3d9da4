/*
 * report_list.c - --list, as text: what restore/part/use_list.h reads again.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/print.h"
#include "core/when.h"
#include "restore/job/restore.h"

/* An object of kind TABLE, by its name with blanks for line ends, as objects have it. */
struct numbered {
    char  *name;
    size_t number;
};

static char *
key_of(const char *schema, const char *name)
{
    char *key = xasprintf("%s\001%s", schema == NULL ? "" : schema, name);

    for (char *c = key; *c != '\0'; c++) {
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    }
    return key;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct numbered *)a)->name, ((const struct numbered *)b)->name);
}

static struct numbered *
number_tables(const struct manifest *m, size_t *n)
{
    struct numbered *v = xcalloc(m->n_objects + 1, sizeof *v);

    *n = 0;
    for (size_t i = 0; i < m->n_objects; i++) {
        if (strcmp(m->objects[i].kind, "TABLE") == 0) {
            v[*n].name = key_of(m->objects[i].schema, m->objects[i].name);
            v[(*n)++].number = i + 1;
        }
    }
    qsort(v, *n, sizeof *v, by_name);
    return v;
}

/* What has no number is no line of its own: a table of an extension comes with that, a foreign one
 * has another line. */
static void
print_number(size_t number)
{
    if (number == 0) {
        print_out("; ");
    } else {
        print_out("%zu; ", number);
    }
}

static void
print_object(const char *kind, const char *schema, const char *name)
{
    print_out("%s %s%s%s", kind, schema == NULL ? "" : schema, schema == NULL ? "" : ".", name);
}

static void
print_tables(const struct manifest *m)
{
    size_t           n;
    struct numbered *numbers = number_tables(m, &n);
    char             size[32], count[48];

    for (size_t i = 0; i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];
        struct numbered              key = {.name = key_of(t->schema, t->name)};
        const struct numbered       *found = bsearch(&key, numbers, n, sizeof key, by_name);

        print_number(found == NULL ? 0 : found->number);
        print_object("table", t->schema, t->name);
        print_out(": %s, %s%s%s\n", count_human(t->rows, "row", count, sizeof count),
                  size_human(t->bytes, size, sizeof size),
                  t->skipped == NULL ? "" : "; no data: ", t->skipped == NULL ? "" : t->skipped);
        free(key.name);
    }
    for (size_t i = 0; i < n; i++) {
        free(numbers[i].name);
    }
    free(numbers);
}

void
report_list_text(const struct restore *r)
{
    const struct manifest *m = r->manifest;
    char                   age[96], count[48];

    print_out("; backup %s of \"%s\", as it was %s\n", r->label->id, r->label->dbname,
              when_ago(r->label->snapshot, time(NULL), age, sizeof age));
    print_tables(m);
    for (size_t i = 0; i < m->n_objects; i++) {
        const struct manifest_object *x = &m->objects[i];

        if (strcmp(x->kind, "TABLE") != 0) {
            print_number(i + 1);
            print_object(x->kind, x->schema, x->name);
            print_out("\n");
        }
    }
    if (m->lo_count > 0) {
        print_out("0; %s\n", count_human(m->lo_count, "large object", count, sizeof count));
    }
}
