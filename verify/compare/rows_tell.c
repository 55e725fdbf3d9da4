#include "verify/compare/rows_tell.h"

#include <inttypes.h>
#include <stdlib.h>

#include "verify/compare/explain.h"

static json_t *
fingerprint_json(bool known, uint64_t a, uint64_t b)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, a, b);
    return json_text(known ? text : NULL);
}

json_t *
rows_tell(struct verify_result *r, const struct row_check *check, bool equal)
{
    const struct manifest_table *want = check->want;
    const struct row_sum        *have = &check->read.rows;
    bool                         summed = check->how == ROWS_SUMMED && !check->unread;
    json_t                      *one = json_object();

    (void)json_object_set_new(one, "schema", json_text(want->schema));
    (void)json_object_set_new(one, "name", json_text(want->name));
    (void)json_object_set_new(one, "want_rows", json_integer((json_int_t)want->rows));
    (void)json_object_set_new(one, "have_rows",
                              check->unread ? json_null() : json_integer((json_int_t)have->rows));
    (void)json_object_set_new(
        one, "want_fingerprint",
        fingerprint_json(!want->counted && !want->estimated, want->fp.a, want->fp.b));
    (void)json_object_set_new(one, "have_fingerprint", fingerprint_json(summed, have->a, have->b));
    (void)json_object_set_new(one, "equal", json_boolean(equal && !check->unread));
    (void)json_object_set_new(one, "difference", json_null());
    if (r->tables == NULL)
        r->tables = json_array();
    (void)json_array_append_new(r->tables, one);
    return one;
}

void
row_check_unread(struct compare *c, struct row_check *check, const struct err *why)
{
    char *object = finding_object(check->want->schema, check->want->name);

    findings_add(&c->result->findings,
                 (struct finding){.class = FINDING_UNCOMPARED,
                                  .group = "rows",
                                  .object = object,
                                  .what = "could not be read",
                                  .have = why->text});
    free(object);
    check->unread = true;
}

/* A baseline has fingerprints, but no rows. */
bool
rows_explainable(const struct row_check *check)
{
    return check->how == ROWS_SUMMED && (check->want->rows == 0 || check->want->n_ranges > 0);
}

int
rows_explain(struct compare *c, const struct row_check *check, json_t *entry, struct err *e)
{
    char      *object = finding_object(check->want->schema, check->want->name);
    struct err why = ERR_INIT;
    json_t    *found = explain_rows(c, check, (size_t)c->options->explain, &why);

    if (found != NULL) {
        explain_notes(&c->result->findings, object, found);
        (void)json_object_set_new(entry, "difference", found);
    } else if (why.kind != ERR_INTERRUPTED) {
        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_NOTE,
                                      .group = "rows",
                                      .object = object,
                                      .what = "which rows differ could not be found out",
                                      .have = why.text});
    }
    free(object);
    if (why.kind == ERR_INTERRUPTED)
        *e = why;
    return why.kind == ERR_INTERRUPTED ? -1 : 0;
}
