#include "core/cli/opts_table.h"

#include <stdbool.h>

static bool
is_end(const struct opt *o)
{
    return o->kind == OPT_HEAD && o->name == NULL;
}

const struct opt *
opts_at(const struct opts_spec *spec, size_t i)
{
    for (const struct opt *o = spec->table; !is_end(o); o++) {
        if (o->kind != OPT_HEAD && i-- == 0) {
            return o;
        }
    }
    return NULL;
}
