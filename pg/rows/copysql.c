/*
 * copysql.c - the text of COPY statements.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "pg/rows/copy.h"

static void
put(struct buf *b, const char *text)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_puts(b, text, &never);
}

static void
put_taken(struct buf *b, char *text)
{
    put(b, text);
    free(text);
}

static void
put_columns(struct buf *b, const struct copy_spec *c)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        put(b, i > 0 ? ", " : "");
        put_taken(b, pg_ident(c->columns[i]));
    }
}

static char *
taken_string(struct buf *b)
{
    char *s = xstrdup(buf_str(b));

    buf_free(b);
    return s;
}

/* Literal bounds: with others the planner makes no TID range scan. */
static void
put_range(struct buf *b, const struct copy_spec *c)
{
    if (c->first_block > 0) {
        put_taken(b, xasprintf(" WHERE ctid >= '(%" PRIu64 ",0)'", c->first_block));
    }
    if (c->end_block > 0) {
        put_taken(b,
                  xasprintf(" %s ctid < '(%" PRIu64 ",0)'", c->first_block > 0 ? "AND" : "WHERE",
                            c->end_block));
    }
}

char *
copy_out_select(const struct copy_spec *c)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    put(&b, c->ctid ? "SELECT ctid" : "SELECT ");
    put(&b, c->ctid && c->n_columns > 0 ? ", " : "");
    put_columns(&b, c);
    put(&b, " FROM ONLY ");
    put_taken(&b, pg_qualified(c->schema, c->name));
    if (c->ranged) {
        put_range(&b, c);
    } else if (c->condition != NULL) {
        put(&b, " ");
        put(&b, c->condition);
    }
    return taken_string(&b);
}

/* "schema"."table" ("column", …): "COPY t ()" is a syntax error. */
static void
put_target(struct buf *b, const struct copy_spec *c)
{
    put_taken(b, pg_qualified(c->schema, c->name));
    if (c->n_columns > 0) {
        put(b, " (");
        put_columns(b, c);
        put(b, ")");
    }
}

char *
copy_out_sql(const struct copy_spec *c)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    put(&b, "COPY ");
    if (c->plain) {
        put_target(&b, c);
    } else {
        put(&b, "(");
        put_taken(&b, copy_out_select(c));
        put(&b, ")");
    }
    put(&b, " TO STDOUT");
    put(&b, c->binary ? " (FORMAT binary)" : "");
    return taken_string(&b);
}

char *
copy_in_sql(const struct copy_spec *c, bool freeze)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    put(&b, "COPY ");
    put_target(&b, c);
    put(&b, " FROM STDIN");
    if (c->binary || freeze) {
        put(&b, " (");
        put(&b, c->binary ? "FORMAT binary" : "");
        put(&b, c->binary && freeze ? ", " : "");
        put(&b, freeze ? "FREEZE" : "");
        put(&b, ")");
    }
    return taken_string(&b);
}
