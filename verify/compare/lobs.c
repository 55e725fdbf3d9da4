/*
 * Large objects: their pages and their metadata (owner, ACL, comment, labels), each summed like a
 * table.
 */
#include <stdlib.h>
#include <string.h>

#include "pg/rows/largeobject.h"
#include "verify/compare/lobs_which.h"
#include "verify/compare/rows.h"

static void
differ(struct compare *c, const char *what, unsigned long long want, unsigned long long have)
{
    findings_add_u64(
        &c->result->findings,
        (struct finding){.group = "large objects", .object = "pg_largeobject", .what = what}, want,
        have);
}

static bool
differs(const struct row_check *check)
{
    struct fingerprint have = {check->read.rows.a, check->read.rows.b};

    return check->want->rows != check->read.rows.rows ||
        !fingerprint_equal(&check->want->fp, &have);
}

/* Differences not reported for single objects. */
static void
report(struct compare *c, const struct row_check *check, const char *what)
{
    if (check->want->rows != check->read.rows.rows)
        differ(c, what, check->want->rows, check->read.rows.rows);
    else
        findings_add(&c->result->findings,
                     (struct finding){.group = "large objects",
                                      .object = "pg_largeobject",
                                      .what = what,
                                      .want = "as recorded",
                                      .have = "other values"});
}

static int
judge(struct compare *c, const struct row_check *check, const struct scan_table *t, bool pages,
      struct err *e)
{
    size_t named = 0;

    if (check->unread)
        return 0;
    c->result->compared.bytes += check->read.rows.bytes;
    if (!differs(check))
        return 0;
    if ((pages ? lobs_which_pages : lobs_which_metadata)(c, t, &named, e) != 0)
        return -1;
    if (named == 0)
        report(c, check, pages ? "pages" : "owners, privileges, comments");
    return 0;
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
    return judge(c, &checks[1], &tables[1], false, e) == 0 &&
            judge(c, &checks[0], &tables[0], true, e) == 0
        ? 0
        : -1;
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
    if (c->label->baseline) {
        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_UNCOMPARED,
                                      .group = "large objects",
                                      .object = "pg_largeobject",
                                      .what = "contents: a baseline has only their number"});
        return 0;
    }
    return compare_rows(c, e);
}
