/*
 * bundle_sql.c - the SQL in a bundle, for psql.
 *
 * It does what docs/recipe.md does.  Rows are loaded by \copy, which reads files on the side of
 * psql, all of them in one session.  The server's count of each ("COPY 17") is compared with
 * rows.expected.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/quote.h"
#include "storage/exchange/bundle_impl.h"

void
bundle_put(struct buf *b, const char *text)
{
    struct err never = ERR_INIT;

    (void)buf_puts(b, text, &never);
}

void
bundle_putf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    char   *text = NULL;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0) {
        text = xstrdup(""); /* only when there is no memory, and then this ends the program */
    }
    va_end(ap);
    bundle_put(b, text);
    free(text);
}

static bool
has_line_end(const char *text)
{
    return text != NULL && strpbrk(text, "\r\n") != NULL;
}

bool
bundle_is_odd(const struct manifest_table *t)
{
    bool odd = has_line_end(t->schema) || has_line_end(t->name) || has_line_end(t->load_via);

    for (size_t i = 0; !odd && i < t->n_columns; i++) {
        odd = !t->columns[i].generated && has_line_end(t->columns[i].name);
    }
    return odd;
}

/* "schema"."name" ("column", …): a list of no columns cannot be written. */
static void
put_target(struct buf *b, const struct manifest_table *t)
{
    char  *own = quote_qualified(t->schema, t->name);
    size_t n = 0;

    bundle_put(b, t->load_via != NULL ? t->load_via : own);
    free(own);
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].generated) {
            char *column = quote_ident(t->columns[i].name);

            bundle_putf(b, "%s%s", n++ == 0 ? " (" : ", ", column);
            free(column);
        }
    }
    bundle_put(b, n > 0 ? ")" : "");
}

static void
put_format(struct buf *b, const struct manifest_table *t)
{
    bundle_putf(b, " with (format %s)", t->format == COPY_BINARY ? "binary" : "text");
}

void
bundle_sql_copy(const struct manifest_table *t, struct buf *b)
{
    bundle_put(b, "COPY ");
    put_target(b, t);
    bundle_put(b, " from stdin");
    put_format(b, t);
    bundle_put(b, ";\n");
}

static void
put_backslash_copy(struct buf *b, const struct manifest_table *t)
{
    char *stem = bundle_rows_stem(t);

    bundle_put(b, "\\copy ");
    put_target(b, t);
    bundle_putf(b, " from '%s%s'", stem, bundle_rows_ending(t));
    put_format(b, t);
    bundle_put(b, "\n");
    free(stem);
}

/* Extensions come with rows of their own, which those of the backup replace. */
static void
put_deletes(struct buf *b, const struct manifest *m)
{
    bool any = false;

    for (size_t i = 0; i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->extension != NULL && t->skipped == NULL) {
            char *name = quote_qualified(t->schema, t->name);

            bundle_put(b, any ? "" : "\\set QUIET on\n");
            bundle_putf(b, "DELETE FROM %s %s;\n", name, t->condition == NULL ? "" : t->condition);
            free(name);
            any = true;
        }
    }
    bundle_put(b, any ? "\\set QUIET off\n" : "");
}

void
bundle_sql_rows(const struct manifest *m, struct buf *b)
{
    bundle_put(b, "-- The rows of each table, from where psql is started.\n");
    put_deletes(b, m);
    for (size_t i = 0; i < m->n_tables; i++) {
        if (bundle_has_rows(&m->tables[i]) && !bundle_is_odd(&m->tables[i])) {
            put_backslash_copy(b, &m->tables[i]);
        }
    }
}

/* In the order in which they are loaded: odd ones are last. */
void
bundle_sql_expected(const struct manifest *m, struct buf *b)
{
    for (int odd = 0; odd < 2; odd++) {
        for (size_t i = 0; i < m->n_tables; i++) {
            const struct manifest_table *t = &m->tables[i];

            if (bundle_has_rows(t) && bundle_is_odd(t) == (odd == 1)) {
                bundle_putf(b, "COPY %" PRIu64 "\n", t->rows);
            }
        }
    }
}

void
bundle_sql_large_objects(const struct manifest *m, struct buf *b)
{
    if (m->lo_count == 0) {
        return;
    }
    bundle_put(b, bundle_lo_create);
    bundle_putf(b, "\n\\copy " BUNDLE_LO_TABLE " from '" BUNDLE_LO_ROWS "%s'",
                bundle_rows_ending(&m->lo_metadata));
    put_format(b, &m->lo_metadata);
    if (bundle_has_rows(&m->lo_pages)) {
        bundle_putf(b, "\n\\copy " BUNDLE_LO_PAGE_TABLE " from '" BUNDLE_LO_PAGES "%s'",
                    bundle_rows_ending(&m->lo_pages));
        put_format(b, &m->lo_pages);
    }
    bundle_putf(b, "\n%s\n", bundle_lo_fill);
    for (const struct bundle_lo_query *q = bundle_lo_each; q->sql != NULL; q++) {
        bundle_putf(b, "%s \\gexec\n", q->sql);
    }
}

void
bundle_sql_sequences(const struct manifest *m, struct buf *b)
{
    for (size_t i = 0; i < m->n_sequences; i++) {
        const struct manifest_sequence *s = &m->sequences[i];
        char *name = quote_qualified(s->schema, s->name), *literal = quote_literal(name);

        bundle_putf(b, "SELECT pg_catalog.setval(%s, %" PRId64 ", %s);\n", literal, s->last_value,
                    s->is_called ? "true" : "false");
        free(name);
        free(literal);
    }
}

/* In the backup's order, as one may read another.  Those that ask foreign servers fail where these
 * are out of reach. */
void
bundle_sql_matviews(const struct manifest *m, struct buf *b)
{
    for (size_t i = 0; i < m->n_matviews; i++) {
        const struct manifest_matview *v = &m->matviews[i];
        char                          *name = quote_qualified(v->schema, v->name);

        if (v->populated) {
            bundle_putf(b, "%sREFRESH MATERIALIZED VIEW %s;\nANALYZE %s;\n",
                        v->remote ? "-- reads a foreign server:\n" : "", name, name);
        }
        free(name);
    }
}
