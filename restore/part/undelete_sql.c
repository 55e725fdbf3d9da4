#include "restore/part/undelete_sql.h"

#include <stdlib.h>
#include <string.h>

/* Keys are only set where they are spelt otherwise: triggers may wait for a column to be named. */
enum which { ALL, KEYS, SETTABLE, SETTABLE_KEYS_TOO };

static bool
is_one(const struct live_column *c, enum which which)
{
    return which == ALL || (which == KEYS ? c->key : !c->always && (!c->key || which != SETTABLE));
}

/* @ is the quoted name, # the number, % the name with a cast to the live type. */
static void
put_pattern(struct buf *b, const char *pattern, const struct live_column *c, size_t number)
{
    struct err never = ERR_INIT;
    char      *name = pg_ident(c->name);
    bool       same = strcmp(c->type, c->live_type) == 0;

    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '@') {
            (void)buf_puts(b, name, &never);
        } else if (*p == '#') {
            (void)buf_printf(b, &never, "%zu", number);
        } else if (*p == '%') {
            (void)buf_printf(b, &never, "%s%s%s", name, same ? "" : "::", same ? "" : c->live_type);
        } else {
            (void)buf_append(b, p, 1, &never);
        }
    }
    free(name);
}

static char *
taken(struct buf *b)
{
    char *text = xstrdup(buf_str(b));

    buf_free(b);
    return text;
}

/* The written columns, each by the pattern. */
static char *
each(const struct live_table *t, enum which which, const char *pattern, const char *separator)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    size_t     number = 0;

    for (size_t i = 0; i < t->n_columns; i++) {
        const struct live_column *c = &t->columns[i];

        if (!c->written) {
            continue;
        }
        if (is_one(c, which)) {
            (void)buf_puts(&b, b.len == 0 ? "" : separator, &never);
            put_pattern(&b, pattern, c, number);
        }
        number++;
    }
    return taken(&b);
}

static bool
any(const struct live_table *t, enum which which)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].written && is_one(&t->columns[i], which)) {
            return true;
        }
    }
    return false;
}

/* One side of the join. */
static char *
side(const struct live_table *t, const char *from, bool cast, const char *where)
{
    char *values = each(t, ALL, cast ? "% AS @" : "@", ", ");
    char *row = each(t, ALL, cast ? "%" : "@", ", ");
    /* A line end, as a comment may stand at the end of the condition. */
    char *asked = where == NULL ? xstrdup("true") : xasprintf("coalesce((%s\n), false)", where);
    char *text;

    if (t->has_key) {
        text = xasprintf("(SELECT true AS pgassay_here, %s AS pgassay_asked, %s FROM %s)", asked,
                         values, from);
    } else {
        text = xasprintf(
            "(SELECT *, pg_catalog.row_number() OVER (PARTITION BY pgassay_row) AS "
            "pgassay_n FROM (SELECT true AS pgassay_here, %s AS pgassay_asked, %s, "
            "ROW(%s)::pg_catalog.text AS pgassay_row FROM %s) s)",
            asked, values, row, from);
    }
    free(values);
    free(row);
    free(asked);
    return text;
}

/* Whether these columns differ: in a byte and as text.  Equal keys may: a collation or a type may
 * say that two spellings are one value. */
static char *
differ(const struct live_table *t, enum which which)
{
    char *b, *l, *text;

    if (!t->has_key) {
        return xstrdup("false");
    }
    b = each(t, which, "b.@", ", ");
    l = each(t, which, "l.@", ", ");
    text = xasprintf(
        "pg_catalog.record_image_ne(ROW(%s), ROW(%s)) AND ROW(%s)::pg_catalog.text <> "
        "ROW(%s)::pg_catalog.text",
        b, l, b, l);
    free(b);
    free(l);
    return text;
}

char *
undelete_diff_sql(const struct live_table *t, const char *stage, const char *narrowed,
                  const char *diff, const char *where)
{
    char *staged = xasprintf("pg_temp.%s", stage);
    char *living = narrowed != NULL ? xasprintf("pg_temp.%s", narrowed)
                                    : xasprintf("%s%s", t->only, t->qualified);
    char *b = side(t, staged, true, where), *l = side(t, living, false, where);
    char *values = each(t, ALL, "b.@ AS b#, l.@ AS l#", ", ");
    char *on = t->has_key ? each(t, KEYS, "b.@ = l.@", " AND ")
                          : xstrdup("b.pgassay_row = l.pgassay_row AND b.pgassay_n = l.pgassay_n");
    char *differs = differ(t, ALL), *respelt = differ(t, KEYS);
    char *text = xasprintf(
        "CREATE TEMPORARY TABLE %s AS SELECT CASE WHEN l.pgassay_here IS NULL THEN 'deleted' WHEN "
        "b.pgassay_here IS NULL THEN 'added' ELSE 'changed' END AS pgassay_state, %s AS "
        "pgassay_respelt, %s FROM %s b FULL JOIN %s l ON %s WHERE (b.pgassay_asked OR "
        "l.pgassay_asked) AND (l.pgassay_here IS NULL OR b.pgassay_here IS NULL OR (%s))",
        diff, respelt, values, b, l, on, differs);

    free(staged);
    free(living);
    free(b);
    free(l);
    free(values);
    free(on);
    free(differs);
    free(respelt);
    return text;
}

char *
undelete_key_diff_sql(const struct live_table *t, const char *stage, const char *narrowed,
                      const char *diff)
{
    char *b = each(t, ALL, "b.@ AS b#", ", "), *l = each(t, KEYS, "l.@ AS l#", ", ");
    char *on = each(t, KEYS, "b.@ = l.@", " AND ");
    char *text = xasprintf(
        "CREATE TEMPORARY TABLE %s AS SELECT CASE WHEN l.pgassay_here IS NULL THEN 'deleted' ELSE "
        "'added' END AS pgassay_state, false AS pgassay_respelt, %s, %s FROM (SELECT true AS "
        "pgassay_here, * FROM pg_temp.%s) b FULL JOIN (SELECT true AS pgassay_here, * FROM "
        "pg_temp.%s) l ON %s WHERE l.pgassay_here IS NULL OR b.pgassay_here IS NULL",
        diff, b, l, stage, narrowed, on);

    free(b);
    free(l);
    free(on);
    return text;
}

char *
undelete_key_there_sql(const struct live_table *t, const char *diff)
{
    char *on = each(t, KEYS, "l.@ = d.b#", " AND ");
    char *text = xasprintf(
        "DELETE FROM pg_temp.%s d USING %s%s l WHERE d.pgassay_state = 'deleted' AND %s", diff,
        t->only, t->qualified, on);

    free(on);
    return text;
}

char *
undelete_show_sql(const struct live_table *t, const char *diff, int limit, bool by_key)
{
    char *values = each(t, ALL,
                        by_key ? "d.b#::pg_catalog.text, l.@::pg_catalog.text"
                               : "d.b#::pg_catalog.text, d.l#::pg_catalog.text",
                        ", ");
    char *keys = t->has_key ? each(t, KEYS, ", coalesce(d.b#, d.l#)", "") : xstrdup("");
    char *order = xasprintf(
        "ORDER BY CASE d.pgassay_state WHEN 'deleted' THEN 1 WHEN 'changed' "
        "THEN 2 ELSE 3 END%s",
        keys);
    char *on = each(t, KEYS, "l.@ = d.l#", " AND ");
    char *live = by_key ? xasprintf("LEFT JOIN %s%s l ON %s", t->only, t->qualified, on) : NULL;
    char *text = xasprintf(
        "SELECT d.pgassay_state, %s FROM (SELECT * FROM pg_temp.%s d %s LIMIT %d) d %s %s", values,
        diff, order, limit, by_key ? live : "", order);

    free(values);
    free(keys);
    free(order);
    free(on);
    free(live);
    return text;
}

char *
undelete_insert_sql(const struct live_table *t, const char *diff)
{
    char *columns = each(t, ALL, "@", ", "), *values = each(t, ALL, "b#", ", ");
    char *text = xasprintf(
        "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.%s "
        "WHERE pgassay_state = 'deleted'",
        t->qualified, columns, values, diff);

    free(columns);
    free(values);
    return text;
}

char *
undelete_update_sql(const struct live_table *t, const char *diff, bool respelt)
{
    const enum which which = respelt ? SETTABLE_KEYS_TOO : SETTABLE;
    char            *sets, *on, *text;

    if (!any(t, which)) {
        return NULL;
    }
    sets = each(t, which, "@ = d.b#", ", ");
    on = each(t, KEYS, "t.@ = d.l#", " AND ");
    text = xasprintf(
        "UPDATE %s%s t SET %s FROM pg_temp.%s d WHERE d.pgassay_state = 'changed' AND %s"
        "d.pgassay_respelt AND %s",
        t->only, t->qualified, sets, diff, respelt ? "" : "NOT ", on);
    free(sets);
    free(on);
    return text;
}

char *
undelete_unlike_sql(const struct live_table *t, const char *diff, const char *states)
{
    char *on = each(t, KEYS, "l.@ = d.b#", " AND ");
    char *b = each(t, SETTABLE_KEYS_TOO, "d.b#", ", ");
    char *l = each(t, SETTABLE_KEYS_TOO, "l.@", ", ");
    char *text = xasprintf(
        "SELECT pg_catalog.count(*) FROM pg_temp.%s d LEFT JOIN %s%s l ON %s WHERE "
        "d.pgassay_state IN (%s) AND (l.tableoid IS NULL OR (pg_catalog.record_image_ne(ROW(%s), "
        "ROW(%s)) AND ROW(%s)::pg_catalog.text <> ROW(%s)::pg_catalog.text))",
        diff, t->only, t->qualified, on, states, b, l, b, l);

    free(on);
    free(b);
    free(l);
    return text;
}

static const char quoted[] = "pg_catalog.quote_nullable(b#::pg_catalog.text)";

char *
undelete_inserts_sql(PGconn *conn, const struct live_table *t, const char *diff)
{
    char *columns = each(t, ALL, "@", ", ");
    char *values = each(t, ALL, quoted, " || ', ' || ");
    char *head = xasprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (", t->qualified,
                           columns);
    char *literal = pg_literal(conn, head);
    char *text = literal == NULL ? NULL
                                 : xasprintf(
                                       "SELECT %s || %s || ') ON CONFLICT DO NOTHING;' FROM "
                                       "pg_temp.%s WHERE "
                                       "pgassay_state = 'deleted'",
                                       literal, values, diff);

    free(columns);
    free(values);
    free(head);
    free(literal);
    return text;
}

/* "name" = value, … as an expression that gives this text. */
static char *
assignments(PGconn *conn, const struct live_table *t, enum which which, const char *separator)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    size_t     number = 0;
    bool       good = true;

    for (size_t i = 0; i < t->n_columns; i++) {
        const struct live_column *c = &t->columns[i];
        char                     *name, *head, *literal;

        if (!c->written) {
            continue;
        }
        if (is_one(c, which)) {
            name = pg_ident(c->name);
            head = xasprintf("%s%s = ", b.len == 0 ? "" : separator, name);
            literal = pg_literal(conn, head);
            good = good && literal != NULL;
            (void)buf_printf(&b, &never, "%s%s || ", b.len == 0 ? "" : " || ",
                             literal == NULL ? "''" : literal);
            put_pattern(&b, quoted, c, number);
            free(name);
            free(head);
            free(literal);
        }
        number++;
    }
    if (!good) {
        buf_free(&b);
        return NULL;
    }
    return taken(&b);
}

char *
undelete_updates_sql(PGconn *conn, const struct live_table *t, const char *diff)
{
    char *sets = assignments(conn, t, SETTABLE, ", ");
    char *respelt = assignments(conn, t, SETTABLE_KEYS_TOO, ", ");
    char *on = assignments(conn, t, KEYS, " AND ");
    char *head = xasprintf("UPDATE %s%s SET ", t->only, t->qualified);
    char *literal = pg_literal(conn, head), *text = NULL;

    if (sets != NULL && respelt != NULL && on != NULL && literal != NULL) {
        text = xasprintf(
            "SELECT %s || CASE WHEN pgassay_respelt THEN %s ELSE %s END || ' WHERE ' || %s || ';' "
            "FROM pg_temp.%s WHERE pgassay_state = 'changed'",
            literal, *respelt == '\0' ? "''" : respelt, *sets == '\0' ? "''" : sets, on, diff);
    }
    free(sets);
    free(respelt);
    free(on);
    free(head);
    free(literal);
    return text;
}

char *
undelete_keep_sql(const struct live_table *t, const char *diff, const char *into)
{
    char *values = each(t, ALL, "b# AS @", ", ");
    char *text = xasprintf(
        "CREATE TABLE %s AS SELECT pgassay_state, %s FROM pg_temp.%s WHERE "
        "pgassay_state <> 'added'",
        into, values, diff);

    free(values);
    return text;
}
