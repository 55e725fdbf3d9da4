#include "pg/archive/isolate.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/archive/archive_public.h"
#include "pg/archive/sqlsplit.h"

/* CREATE SERVER … [TYPE …] [VERSION …] FOREIGN DATA WRAPPER … OPTIONS (…): the span of the options;
 * empty when there are none.  false: the statement has another form. */
static bool
server_options(struct sql_cursor c, struct sql_span *options)
{
    *options = (struct sql_span){NULL, NULL};
    if (!sql_words(&c, "CREATE SERVER") || !sql_simple_name(&c, NULL)) {
        return false;
    }
    if (sql_words(&c, "TYPE")) {
        c.p += c.p != c.end; /* a string */
    }
    if (sql_words(&c, "VERSION")) {
        c.p += c.p != c.end;
    }
    if (!sql_words(&c, "FOREIGN DATA WRAPPER") || !sql_simple_name(&c, NULL)) {
        return false;
    }
    if (c.p != c.end) {
        const char *from = c.p->at;

        if (!sql_words(&c, "OPTIONS") || !sql_parenthesised(&c, options)) {
            return false;
        }
        options->from = from;
    }
    return c.p == c.end;
}

/* CREATE or ALTER USER MAPPING. */
static bool
makes_mapping(struct sql_cursor c)
{
    return (sql_words(&c, "CREATE") || sql_words(&c, "ALTER")) && sql_words(&c, "USER MAPPING");
}

/* A new owner is the only change of a server without an effect outside. */
static bool
makes_server(struct sql_cursor c)
{
    return sql_words(&c, "CREATE SERVER") ||
        (sql_words(&c, "ALTER SERVER") && sql_simple_name(&c, NULL) && !sql_words(&c, "OWNER TO"));
}

static char *
without(const char *sql, const struct sql_span *part)
{
    return xasprintf("%.*s%s", (int)(part->from - sql), sql, part->to);
}

/* The statements decide, not the entry's kind, which is parsed from text that contains names. */
enum isolate_effect
isolate_entry(const struct archive_entry *entry, char **sql)
{
    struct sql_script   script;
    struct err          ignored = ERR_INIT;
    enum isolate_effect effect = ISOLATE_NOTHING;

    *sql = NULL;
    if (sql_parse(entry->sql, &script, &ignored) != 0) {
        effect = ISOLATE_SKIP;
    }
    for (size_t i = 0; effect != ISOLATE_SKIP && i < script.n; i++) {
        struct sql_cursor c = sql_cursor(&script.v[i]);
        struct sql_span   options;

        if (!makes_mapping(c) && !makes_server(c)) {
            continue;
        }
        if (*sql != NULL || !server_options(c, &options)) {
            effect = ISOLATE_SKIP; /* an entry creates one server, in the known form */
        } else if (options.from != NULL) {
            *sql = without(entry->sql, &options);
            effect = ISOLATE_CHANGED;
        }
    }
    if (effect == ISOLATE_SKIP) {
        free(*sql);
        *sql = NULL;
    }
    sql_script_free(&script);
    return effect;
}

char *
isolate_sql(const struct archive_entry *entry, bool isolated)
{
    char *sql = NULL;

    if (entry->sql[0] == '\0' || (isolated && isolate_entry(entry, &sql) == ISOLATE_SKIP)) {
        return NULL;
    }
    if (sql == NULL) {
        sql = archive_public_sql(entry);
    }
    return sql != NULL ? sql : xstrdup(entry->sql);
}
