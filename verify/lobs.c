/*
 * Large objects: their pages and their metadata (owner, ACL, comment, labels), each summed like a
 * table.
 */
#include <stdlib.h>
#include <string.h>

#include "pg/rows/largeobject.h"
#include "verify/rows.h"

static void
differ(struct compare *c, const char *what, unsigned long long want, unsigned long long have)
{
    findings_add_u64(
        &c->result->findings,
        (struct finding){.group = "large objects", .object = "pg_largeobject", .what = what}, want,
        have);
}

static void
report(struct compare *c, const struct row_check *check, const char *what)
{
    struct fingerprint have = {check->sum.a, check->sum.b};

    if (check->unread)
        return;
    c->result->compared.bytes += check->sum.bytes;
    if (check->want->rows != check->sum.rows)
        differ(c, what, check->want->rows, check->sum.rows);
    else if (!fingerprint_equal(&check->want->fp, &have))
        findings_add(&c->result->findings,
                     (struct finding){.group = "large objects",
                                      .object = "pg_largeobject",
                                      .what = what,
                                      .want = "as recorded",
                                      .have = "other values"});
}

static int
compare_rows(struct compare *c, struct err *e)
{
    struct row_check  checks[2] = {{.want = &c->man->lo_pages}, {.want = &c->man->lo_metadata}};
    struct scan_table tables[2];

    if (!c->man->lo_by_function && !c->snap->catalog.superuser) {
        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_UNCOMPARED,
                                      .group = "large objects",
                                      .object = "pg_largeobject",
                                      .what = "only a superuser can compare with a backup that a "
                                              "superuser took"});
        return 0;
    }
    /* Held until the end, this lock keeps VACUUM FULL from moving pages between two block
     * ranges. */
    if (!c->man->lo_by_function &&
        pg_exec(c->snap->conn, e, "SELECT FROM pg_catalog.pg_largeobject LIMIT 0") != 0)
        return err_wrap(e, "large objects");
    if (lo_pages_table(c->snap->conn, c->man->lo_by_function, &tables[0], e) != 0)
        return -1;
    lo_metadata_table(&tables[1]);
    tables[0].user = &checks[0];
    tables[1].user = &checks[1];
    if (scan_checks(c, tables, 2, e) != 0)
        return err_wrap(e, "large objects");
    report(c, &checks[0], "pages");
    report(c, &checks[1], "owners, privileges, comments");
    return 0;
}

int
compare_large_objects(struct compare *c, struct err *e)
{
    if (c->man->selection != NULL && c->man->lo_count == 0)
        return 0; /* a selection of tables leaves them out */
    if (c->man->lo_count != c->snap->catalog.lo_count)
        differ(c, "number of large objects", c->man->lo_count, c->snap->catalog.lo_count);
    c->result->compared.large_objects = c->snap->catalog.lo_count;
    if (!c->contents || (c->man->lo_count == 0 && c->snap->catalog.lo_count == 0))
        return 0;
    return compare_rows(c, e);
}
