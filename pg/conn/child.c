/*
 * child.c - how pg_dump and pg_dumpall reach the server of an existing connection.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/conn/conn.h"
#include "pg/conn/startup.h"

void
pg_conninfo_add(struct buf *out, const char *key, const char *value)
{
    struct err never = ERR_INIT;

    (void)buf_printf(out, &never, "%s%s='", out->len > 0 ? " " : "", key);
    for (const char *s = value; *s != '\0'; s++) {
        if (*s == '\'' || *s == '\\') {
            (void)buf_append(out, "\\", 1, &never);
        }
        (void)buf_append(out, s, 1, &never);
    }
    (void)buf_puts(out, "'", &never);
}

/* The connection's own startup options, the timeouts that not every version knows, and settings
 * that only superusers may set.  NULL: none. */
static char *
child_options(const PGconn *conn)
{
    int         version = PQserverVersion(conn);
    const char *own = PQoptions(conn);
    bool        direct = startup_level_of(conn) != STARTUP_NOTHING;
    const char *super = PQparameterStatus(conn, "is_superuser");

    if (own == NULL || *own == '\0') {
        return NULL;
    }
    return xasprintf("%s%s%s%s", own,
                     direct && super != NULL && strcmp(super, "on") == 0 ? " -c "
                                                                           "zero_damaged_pages=off "
                                                                           "-c "
                                                                           "ignore_checksum_"
                                                                           "failure=off"
                                                                         : "",
                     direct && version >= 140000 ? " -c idle_session_timeout=0" : "",
                     direct && version >= 170000 ? " -c transaction_timeout=0" : "");
}

/* libpq lists every option that it knows, with its default.  A program may have an older libpq,
 * which refuses names that it does not know: options with their default value are left out, unless
 * the environment, which the program inherits, sets another. */
static bool
is_default(const PQconninfoOption *o)
{
    return o->compiled != NULL && strcmp(o->val, o->compiled) == 0 &&
        (o->envvar == NULL || getenv(o->envvar) == NULL);
}

char *
pg_child_conninfo(const PGconn *conn)
{
    PQconninfoOption *options = PQconninfo((PGconn *)(uintptr_t)conn);
    struct buf        out = BUF_INIT(BUF_NO_LIMIT);
    char             *text, *child = child_options(conn);

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        const char *value = o->val;

        /* Of several hosts it must be the server of this connection. */
        if (strcmp(o->keyword, "host") == 0) {
            value = PQhost(conn);
        } else if (strcmp(o->keyword, "port") == 0) {
            value = PQport(conn);
        } else if (strcmp(o->keyword, "hostaddr") == 0 && value != NULL) {
            value = PQhostaddr(conn);
        } else if (strcmp(o->keyword, "options") == 0) {
            value = child;
        } else if (value == NULL || is_default(o)) {
            continue;
        }
        if (value != NULL && value[0] != '\0' && o->dispchar[0] != '*' && o->dispchar[0] != 'D') {
            pg_conninfo_add(&out, o->keyword, value);
        }
    }
    free(child);
    PQconninfoFree(options);
    text = xstrdup(buf_str(&out));
    buf_free(&out);
    return text;
}

char **
pg_child_env(const PGconn *conn)
{
    char **env = xcalloc(3, sizeof *env);
    int    n = 0;

    if (PQconnectionUsedPassword(conn)) {
        env[n++] = xasprintf("PGPASSWORD=%s", PQpass(conn));
    }
    if (startup_level_of(conn) == STARTUP_NOTHING) {
        env[n++] = xstrdup("PGTZ=UTC"); /* poolers know this one under its own name */
    }
    return env;
}

void
pg_child_env_free(char **env)
{
    if (env == NULL) {
        return;
    }
    for (char **s = env; *s != NULL; s++) {
        explicit_bzero(*s, strlen(*s));
        free(*s);
    }
    free(env);
}
