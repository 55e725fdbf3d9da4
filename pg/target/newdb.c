#include "pg/target/newdb.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"

static int
add_literal(PGconn *conn, struct buf *sql, const char *key, const char *value, struct err *e)
{
    char *literal;
    int   rc;

    if (value == NULL || value[0] == '\0')
        return 0;
    if ((literal = pg_literal(conn, value)) == NULL)
        return err_set(e, ERR_PG, "cannot quote \"%s\"", value);
    rc = buf_printf(sql, e, " %s %s", key, literal);
    free(literal);
    return rc;
}

static int
add_provider(PGconn *conn, struct buf *sql, const json_t *p, struct err *e)
{
    const char *provider = json_opt_str(p, "provider", "libc");
    const char *locale = json_opt_str(p, "locale", NULL);
    int         version = pg_version(conn);

    if (strcmp(provider, "libc") == 0)
        return version >= 150000 ? buf_puts(sql, " LOCALE_PROVIDER libc", e) : 0;
    if (strcmp(provider, "icu") == 0 && version >= 150000) {
        if (buf_puts(sql, " LOCALE_PROVIDER icu", e) != 0 ||
            add_literal(conn, sql, "ICU_LOCALE", locale, e) != 0)
            return -1;
        return version >= 160000
            ? add_literal(conn, sql, "ICU_RULES", json_opt_str(p, "icu_rules", NULL), e)
            : 0;
    }
    if (strcmp(provider, "builtin") == 0 && version >= 170000) {
        if (buf_puts(sql, " LOCALE_PROVIDER builtin", e) != 0)
            return -1;
        return add_literal(conn, sql, "BUILTIN_LOCALE", locale, e);
    }
    err_set(e, ERR_PG, "locale provider \"%s\" is not known to this server (version %d)", provider,
            version / 10000);
    return err_hint(e, "restore into PostgreSQL %d or later",
                    strcmp(provider, "builtin") == 0 ? 17 : 15);
}

/* On a throw-away server files are copied: cheaper than page by page, by way of its buffers and its
 * WAL, where no checkpoint waits for a disk. */
static int
add_strategy(PGconn *conn, struct buf *sql, struct err *e)
{
    char *name = pg_version(conn) < 150000
        ? xstrdup("")
        : pg_value(conn, e, "SELECT pg_catalog.current_setting('cluster_name')", 0, NULL);
    int   rc = name == NULL                         ? -1
          : strcmp(name, SCRATCH_CLUSTER_NAME) == 0 ? buf_puts(sql, " STRATEGY FILE_COPY", e)
                                                    : 0;

    free(name);
    return rc;
}

/* The statement; allocated. */
static char *
create_sql(PGconn *conn, const json_t *p, const char *name, const char *tablespace, struct err *e)
{
    struct buf sql = BUF_INIT(MIB);
    char      *ident = pg_ident(name), *space = tablespace == NULL ? NULL : pg_ident(tablespace);
    char      *text = NULL;

    if (buf_printf(&sql, e, "CREATE DATABASE %s TEMPLATE template0", ident) != 0 ||
        add_strategy(conn, &sql, e) != 0)
        goto out;
    if (p != NULL &&
        (add_literal(conn, &sql, "ENCODING", json_opt_str(p, "encoding", NULL), e) != 0 ||
         add_provider(conn, &sql, p, e) != 0 ||
         add_literal(conn, &sql, "LC_COLLATE", json_opt_str(p, "collate", NULL), e) != 0 ||
         add_literal(conn, &sql, "LC_CTYPE", json_opt_str(p, "ctype", NULL), e) != 0))
        goto out;
    if (space != NULL && buf_printf(&sql, e, " TABLESPACE %s", space) != 0)
        goto out;
    text = xstrdup(buf_str(&sql));
out:
    free(ident);
    free(space);
    buf_free(&sql);
    return text;
}

int
newdb_create(PGconn *conn, const json_t *p, const char *name, const char *tablespace, struct err *e)
{
    char *sql = create_sql(conn, p, name, tablespace, e);
    int   rc = sql == NULL ? -1 : pg_exec(conn, e, sql);

    if (rc != 0) {
        if (strcmp(e->sqlstate, "42P04") == 0)
            e->kind = ERR_EXISTS;
        if (strstr(e->text, "locale name") != NULL)
            err_hint(e,
                     "the operating system here does not have the database's locale: install it "
                     "(locale-gen)");
        if (tablespace != NULL && strcmp(e->sqlstate, "42501") == 0)
            err_hint(e,
                     "GRANT CREATE ON TABLESPACE to who restores; --tablespace-map and "
                     "--no-tablespaces do without");
        err_wrap(e, "create database \"%s\"", name);
    }
    free(sql);
    return rc;
}
