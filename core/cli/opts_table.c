#include "core/cli/opts_table.h"

#include <stdbool.h>
#include <string.h>

#include "core/cli/opts_impl.h"
#include "core/mem.h"

enum { TABLES_MAX = 128 };

static bool
is_end(const struct opt *o)
{
    return o->kind == OPT_HEAD && o->name == NULL;
}

const struct opt *
opts_at(opts_tables tables, size_t i)
{
    for (; *tables != NULL; tables++) {
        for (const struct opt *o = *tables; !is_end(o); o++) {
            if (o->kind != OPT_HEAD && i-- == 0) {
                return o;
            }
        }
    }
    return NULL;
}

const struct opt *
opts_named(opts_tables tables, const char *name)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(tables, i)) != NULL; i++) {
        if (strcmp(o->name, name) == 0) {
            return o;
        }
    }
    return NULL;
}

const struct opt *
opts_builtin(size_t i)
{
    static const struct opt builtin[] = {
        {.kind = OPT_FLAG,
         .name = "help",
         .help = "print this and leave; --help=all explains every option"},
        {.kind = OPT_FLAG, .name = "version", .help = "print the version and leave"},
        {.kind = OPT_TEXT,
         .name = "completion",
         .arg = "SHELL",
         .help = "print completion for bash, zsh or fish, or a plain list, and leave"},
    };

    return i < sizeof builtin / sizeof builtin[0] ? &builtin[i] : NULL;
}

const struct opt *
opts_at_or_builtin(opts_tables tables, size_t i)
{
    const struct opt *o;
    size_t            n = 0;

    while ((o = opts_at(tables, n)) != NULL) {
        if (n++ == i) {
            return o;
        }
    }
    return opts_builtin(i - n);
}

static void
add_tables(const struct opt **all, size_t *n, opts_tables tables)
{
    for (; *tables != NULL; tables++) {
        bool known = false;

        for (size_t i = 0; i < *n; i++) {
            known = known || all[i] == *tables;
        }
        if (!known && *n < TABLES_MAX) {
            all[(*n)++] = *tables;
        }
    }
}

opts_tables
opts_all_tables(const struct opts_spec *spec)
{
    const struct opt **all = xcalloc(TABLES_MAX + 1, sizeof *all);
    size_t             n = 0;

    add_tables(all, &n, spec->tables);
    for (size_t i = 0; spec->verbs != NULL && spec->verbs[i] != NULL; i++) {
        add_tables(all, &n, spec->verbs[i]->tables);
    }
    return all;
}
