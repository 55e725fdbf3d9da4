#include "restore/beyond.h"

#include <stdlib.h>

#include "core/human.h"
#include "pg/snapshot/inventory.h"
#include "pg/snapshot/inventory_changes.h"
#include "restore/part/parts.h"

/* The new database has what initdb and CREATE EXTENSION make: the objects that differ from it. */
static int
find_changes(struct restore *r, struct inventory_changes *changes, struct err *e)
{
    const json_t *inventory = r->manifest->inventory;
    json_t       *there;

    if ((there = inventory_repairable_like(r->conn, inventory, e)) == NULL) {
        return err_wrap(e, "built-in objects of the new database");
    }
    if (PQserverVersion(r->conn) / 10000 != r->label->server_version_num / 10000) {
        json_object_del(there, "deleted_builtins"); /* another version has others */
    }
    inventory_changes(inventory, there, changes);
    json_decref(there);
    return 0;
}

static int
run_all(struct restore *r, const struct inventory_changes *changes, struct err *e)
{
    for (size_t i = 0; i < changes->n; i++) {
        const struct inventory_change *c = &changes->v[i];

        if (c->sql == NULL || pg_exec(r->conn, e, c->sql) == 0) {
            continue;
        }
        if (problem_is_fatal(r->conn, e)) {
            return err_wrap(e, "%s %s", c->kind, c->name);
        }
        problem_add(&r->problems, c->kind, NULL, c->name, e);
        err_clear(e);
    }
    return 0;
}

static void
name_changes(struct restore *r, const struct inventory_changes *changes)
{
    size_t n = inventory_changes_repairable(changes);
    char  *names = inventory_changes_text(changes), count[48], *option;

    count_human(changes->n, "change", count, sizeof count);
    option = n > 0 && !r->o->beyond ? xasprintf("; --beyond brings back %zu of them", n)
                                    : xstrdup("");
    restore_warn(r,
                 xasprintf("%s that pg_dump does not carry %s not restored: %s%s", count,
                           changes->n == 1 ? "is" : "are", names, option));
    free(names);
    free(option);
}

int
beyond_run(struct restore *r, struct err *e)
{
    struct inventory_changes changes = {0};
    int                      rc = 0;

    /* For a part of a backup the new database is not changed; of a copy whoever has it made
     * compares them. */
    if ((parts_asked(r->o) || r->o->isolated) && !r->o->beyond) {
        return 0;
    }
    rc = find_changes(r, &changes, e);
    if (rc == 0 && r->o->beyond && changes.n > 0) {
        rc = run_all(r, &changes, e);
        inventory_changes_free(&changes);
        rc = rc == 0 ? find_changes(r, &changes, e) : rc;
    }
    if (rc == 0 && changes.n > 0) {
        name_changes(r, &changes);
    }
    inventory_changes_free(&changes);
    return rc;
}
