#include "pg/archive/archive_public.h"

#include <string.h>

#include "pg/archive/sqlsplit.h"

char *
archive_public_sql(const struct archive_entry *entry)
{
    struct sql_script script;
    struct err        ignored = ERR_INIT;
    char             *sql = NULL;

    if (strcmp(entry->desc, "SCHEMA") != 0 || strcmp(entry->tag, "public") != 0 ||
        sql_parse(entry->sql, &script, &ignored) != 0)
        return NULL;
    for (size_t i = 0; i < script.n && sql == NULL; i++) {
        struct sql_cursor c = sql_cursor(&script.v[i]);

        if (sql_words(&c, "CREATE SCHEMA public") && c.p == c.end)
            sql = xasprintf("%.*sCREATE SCHEMA IF NOT EXISTS public%s",
                            (int)(script.v[i].from - entry->sql), entry->sql,
                            script.v[i].from + strlen("CREATE SCHEMA public"));
    }
    sql_script_free(&script);
    return sql;
}
