#include "pg/conn/pattern.h"

#include <stdlib.h>
#include <string.h>

/* Appends one character of a quoted part, or of an unquoted one. */
static int
put_quoted(struct buf *out, char c, struct err *e)
{
    return strchr("|*+?()[]{}.^$\\", c) != NULL ? buf_printf(out, e, "\\%c", c)
                                                : buf_append(out, &c, 1, e);
}

static int
put_unquoted(struct buf *out, const char *s, struct err *e)
{
    char c = *s;

    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    switch (c) {
    case '*':
        return buf_puts(out, ".*", e);
    case '?':
        return buf_puts(out, ".", e);
    case '$': /* legal in names, so no anchor */
        return buf_puts(out, "\\$", e);
    case '[': /* "int4[]" is a name, not an empty bracket expression */
        return buf_puts(out, s[1] == ']' ? "\\[" : "[", e);
    default:
        return buf_append(out, &c, 1, e);
    }
}

int
pattern_parse(const char *pattern, char **schema, char **name, struct err *e)
{
    struct buf part = BUF_INIT(64 * KIB);
    bool       quoted = false;
    int        rc = buf_puts(&part, "^(", e);

    *schema = *name = NULL;
    for (const char *s = pattern; rc == 0 && *s != '\0'; s++) {
        if (*s == '"' && quoted && s[1] == '"') {
            rc = buf_puts(&part, "\"", e);
            s++;
        } else if (*s == '"') {
            quoted = !quoted;
        } else if (*s == '.' && !quoted && *schema == NULL) {
            rc = buf_puts(&part, ")$", e);
            *schema = xstrdup(buf_str(&part));
            buf_clear(&part);
            rc = rc == 0 ? buf_puts(&part, "^(", e) : rc;
        } else if (*s == '.' && !quoted) {
            rc = err_set(e, ERR_USAGE, "pattern \"%s\" has more than a schema and a name", pattern);
        } else {
            rc = quoted ? put_quoted(&part, *s, e) : put_unquoted(&part, s, e);
        }
    }
    if (rc == 0 && (quoted || pattern[0] == '\0')) {
        rc = err_set(e, ERR_USAGE, "pattern \"%s\" %s", pattern,
                     quoted ? "lacks a closing quote" : "is empty");
    }
    if (rc == 0 && buf_puts(&part, ")$", e) == 0) {
        *name = xstrdup(buf_str(&part));
    } else {
        free(*schema);
        *schema = NULL;
        rc = -1;
    }
    buf_free(&part);
    return rc;
}

static int
match_one(PGconn *conn, const char *sql, const char *pattern, const char *const *params,
          int n_params, bool must_match, struct oid_set *set, struct err *e)
{
    PGresult *r = pg_query(conn, e, sql, n_params, params);

    if (r == NULL) {
        if (strcmp(e->sqlstate, "2201B") == 0) { /* invalid_regular_expression */
            e->kind = ERR_USAGE;
        }
        return err_wrap(e, "pattern \"%s\"", pattern);
    }
    if (PQntuples(r) == 0 && must_match) {
        PQclear(r);
        return err_set(e, ERR_USAGE, "nothing in database \"%s\" matches \"%s\"", PQdb(conn),
                       pattern);
    }
    oid_set_add_column(set, r, 0);
    PQclear(r);
    return 0;
}

int
pattern_schemas(PGconn *conn, const struct strlist *patterns, bool must_match, struct oid_set *set,
                struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < patterns->n; i++) {
        char       *schema, *name;
        const char *params[1];

        rc = pattern_parse(patterns->v[i], &schema, &name, e);
        if (rc == 0 && schema != NULL) {
            rc = err_set(e, ERR_USAGE, "schema pattern \"%s\" has a dot outside quotes",
                         patterns->v[i]);
        }
        params[0] = name;
        if (rc == 0) {
            rc = match_one(conn,
                           "SELECT n.oid FROM pg_catalog.pg_namespace n "
                           "WHERE n.nspname OPERATOR(pg_catalog.~) $1::pg_catalog.text COLLATE "
                           "pg_catalog.\"default\"",
                           patterns->v[i], params, 1, must_match, set, e);
        }
        free(schema);
        free(name);
    }
    return rc;
}

#define RELATIONS                                                                                  \
    "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "           \
    "c.relnamespace "                                                                              \
    "WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't' "               \
    "AND c.relname OPERATOR(pg_catalog.~) $1::pg_catalog.text COLLATE pg_catalog.\"default\" AND "

int
pattern_relations(PGconn *conn, const struct strlist *patterns, bool must_match,
                  struct oid_set *set, struct err *e)
{
    struct err ignored = ERR_INIT;
    int        rc = 0;

    if (patterns->n == 0) {
        return 0;
    }
    if (pg_exec(conn, e, "RESET search_path") != 0) {
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < patterns->n; i++) {
        char       *schema, *name;
        const char *params[2];

        rc = pattern_parse(patterns->v[i], &schema, &name, e);
        params[0] = name;
        params[1] = schema;
        if (rc == 0) {
            rc = match_one(conn,
                           schema == NULL ? RELATIONS "pg_catalog.pg_table_is_visible(c.oid)"
                                          : RELATIONS
                               "n.nspname OPERATOR(pg_catalog.~) $2::pg_catalog.text COLLATE "
                               "pg_catalog.\"default\"",
                           patterns->v[i], params, schema == NULL ? 1 : 2, must_match, set, e);
        }
        free(schema);
        free(name);
    }
    if (pg_exec(conn, rc == 0 ? e : &ignored, "SET search_path = ''") != 0 && rc == 0) {
        rc = -1;
    }
    return rc;
}
