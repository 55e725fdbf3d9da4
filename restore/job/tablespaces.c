#include "restore/job/tablespaces.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "pg/archive/sqlsplit.h"
#include "restore/job/properties.h"

char *
tablespaces_of_database(const struct restore *r)
{
    const json_t *value = json_object_get(properties_source(r), "tablespace");
    struct err    ignored = ERR_INIT;
    size_t        n;
    char         *name = json_bytes_get(value, &n, &ignored);

    if (name != NULL && strcmp(name, "pg_default") == 0) {
        free(name);
        name = NULL;
    }
    return name;
}

/* The setting before the entry's own statements; *rest: what comes after it.  '' is the database's
 * own: NULL, as when nothing is set. */
static char *
tablespace_of(const char *sql, const char **rest)
{
    struct sql_script script;
    struct err        ignored = ERR_INIT;
    char             *name = NULL;

    (void)sql_parse(sql, &script, &ignored); /* text that does not parse is not run either */
    if (script.n > 0) {
        struct sql_cursor c = sql_cursor(&script.v[0]);

        if (sql_words(&c, "SET default_tablespace") && sql_sign(&c, '=')) {
            (void)sql_simple_name(&c, &name);
            *rest = script.v[0].to;
        }
    }
    sql_script_free(&script);
    return name;
}

void
tablespaces_of_entries(const struct archive *a, struct strlist *out)
{
    for (size_t i = 0; i < a->n; i++) {
        const char *rest;
        char       *name = tablespace_of(a->v[i].sql, &rest);

        if (name == NULL || strlist_has(out, name)) {
            free(name);
        } else {
            strlist_take(out, name);
        }
    }
}

const char *
tablespaces_mapped(const struct strlist *map, const char *name)
{
    size_t n = name == NULL ? 0 : strlen(name);

    for (size_t i = 0; name != NULL && i < map->n; i++) {
        if (strncmp(map->v[i], name, n) == 0 && map->v[i][n] == '=') {
            return map->v[i] + n + 1;
        }
    }
    return name;
}

int
tablespaces_check_map(const struct strlist *map, struct err *e)
{
    for (size_t i = 0; i < map->n; i++) {
        const char *equals = strchr(map->v[i], '=');

        if (equals == NULL || equals == map->v[i] || equals[1] == '\0') {
            return err_set(e, ERR_USAGE, "--tablespace-map \"%s\" is not OLD=NEW", map->v[i]);
        }
    }
    return 0;
}

void
tablespaces_map_entries(struct archive *a, const struct strlist *map)
{
    for (size_t i = 0; map->n > 0 && i < a->n; i++) {
        struct archive_entry *entry = &a->v[i];
        const char           *rest, *mapped;
        char                 *name = tablespace_of(entry->sql, &rest), *ident, *sql;

        if (name != NULL && (mapped = tablespaces_mapped(map, name)) != name) {
            ident = pg_ident(mapped);
            sql = xasprintf("SET default_tablespace = %s;%s", ident, rest);
            free(entry->sql);
            entry->sql = sql;
            free(ident);
        }
        free(name);
    }
}
