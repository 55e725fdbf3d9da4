/* contents.c - what the backup holds, and whether its chunks are there. */
#include <stdlib.h>

#include "restore/preflight/checks.h"

int
check_contents(struct restore *r, struct err *e)
{
    struct preflight *f = &r->preflight;

    (void)e;
    if (!r->has_archive) {
        preflight_stop(f,
                       "restore a backup that was taken without --data-only, or load these rows by "
                       "hand into "
                       "tables that are there (docs/recipe.md)",
                       xasprintf("backup %s holds rows only (--data-only): there are no "
                                 "definitions to make "
                                 "a "
                                 "database from",
                                 r->label->id));
    }
    for (size_t i = 0; r->has_archive && i < r->label->warnings.n; i++) {
        preflight_warn(f, xasprintf("when the backup was taken: %s", r->label->warnings.v[i]));
    }
    if (r->o->globals && r->globals.len == 0) {
        preflight_warn(f,
                       xstrdup("the backup holds no globals: missing roles cannot be created as "
                               "they were"));
    }
    return 0;
}
