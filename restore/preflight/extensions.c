/* extensions.c - extensions of the backup, and their versions on the server. */
#include <stdlib.h>
#include <string.h>

#include "restore/preflight/checks.h"

int
check_extensions(struct restore *r, struct err *e)
{
    struct strlist there = {0}, missing = {0};
    int rc = preflight_column(r, "SELECT name FROM pg_catalog.pg_available_extensions", &there, e);

    for (size_t i = 0; rc == 0 && i < r->archive.n; i++) {
        if (strcmp(r->archive.v[i].desc, "EXTENSION") == 0 &&
            !strlist_has(&there, r->archive.v[i].tag)) {
            strlist_add(&missing, r->archive.v[i].tag);
        }
    }
    if (missing.n > 0) {
        char *names = preflight_names(&missing);
        preflight_warn(&r->preflight,
                       xasprintf("extensions not installed on the target server: %s; what needs "
                                 "them "
                                 "will be named "
                                 "and left out",
                                 names));
        free(names);
    }
    strlist_free(&there);
    strlist_free(&missing);
    return rc;
}
