/*
 * archive_digest.c - the part of an entry's SQL that says what the object is.
 */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/mem.h"
#include "pg/archive/archive.h"
#include "pg/archive/sqlsplit.h"

/* The settings before the entry's own statements are not its definition. */
static bool
is_setting(const struct sql_statement *s)
{
    struct sql_cursor c = sql_cursor(s);

    return sql_words(&c, "SET default_tablespace") ||
        sql_words(&c, "SET default_table_access_method");
}

char *
archive_entry_normalised(const struct archive_entry *entry)
{
    const char       *sql = entry->sql == NULL ? "" : entry->sql, *from = NULL, *to = sql;
    struct sql_script script;
    struct err        ignored = ERR_INIT;

    if (sql_parse(sql, &script, &ignored) != 0) {
        from = sql; /* not from pg_restore */
        to = sql + strlen(sql);
    }
    for (size_t i = 0; i < script.n; i++) {
        if (from == NULL && !is_setting(&script.v[i])) {
            from = script.v[i].from;
        }
        to = script.v[i].to;
    }
    sql_script_free(&script);
    return from == NULL ? xstrdup("") : xstrndup(from, (size_t)(to - from));
}

void
archive_entry_sha256(const struct archive_entry *entry, char out[65])
{
    char *text = archive_entry_normalised(entry);

    sha256_hex(text, strlen(text), out);
    free(text);
}
