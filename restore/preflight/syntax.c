/*
 * syntax.c - definitions in words that a server of another version refuses.
 *
 * pg_dump writes for its own version.  What follows is what it writes and an older server does not
 * know, or what it wrote and a newer server knows no more; each object is named beforehand, which
 * the restore would name, and leave out, when it has come so far.
 */
#include <stdlib.h>
#include <string.h>

#include "pg/archive/entry_ids.h"
#include "restore/preflight/checks.h"

struct wording {
    int         since, until;    /* major versions that know it; until 0: still */
    const char *kinds[6];        /* of entries; none: all */
    const char *words;           /* outside of parentheses, or NULL */
    const char *text;            /* anywhere in the statement, or NULL */
    bool (*is)(const char *sql); /* or NULL */
    const char *what;
};

/* "GENERATED ALWAYS AS (…)" without STORED after it. */
static bool
has_virtual_column(const char *sql)
{
    static const char before[] = "GENERATED ALWAYS AS (";

    for (const char *p = strstr(sql, before); p != NULL; p = strstr(p, before)) {
        int depth = 1;

        for (p += sizeof before - 1; *p != '\0' && depth > 0; p++) {
            depth += (*p == '(') - (*p == ')');
            if (*p == '\'' || *p == '"') {
                const char *end = strchr(p + 1, *p);

                p = end == NULL ? p : end;
            }
        }
        if (strncmp(p, " STORED", strlen(" STORED")) != 0) {
            return true;
        }
    }
    return false;
}

static bool
is_postfix(const char *sql)
{
    return strstr(sql, "LEFTARG = ") != NULL && strstr(sql, "RIGHTARG = ") == NULL;
}

/* Their arguments became anycompatible in 14. */
static bool
calls_any_array(const char *sql)
{
    static const char *const names[] = {"array_append",   "array_prepend", "array_cat",
                                        "array_position", "array_remove",  "array_replace"};

    for (size_t i = 0; strstr(sql, "anyarray") != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strstr(sql, names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool
is_unlogged_partitioned(const char *sql)
{
    return strstr(sql, "CREATE UNLOGGED TABLE ") != NULL && strstr(sql, "\nPARTITION BY ") != NULL;
}

static const struct wording wordings[] = {
    {14, 0, {"TABLE"}, "SET COMPRESSION", NULL, NULL, "a column's COMPRESSION"},
    {14, 0, {"FUNCTION", "PROCEDURE"}, "BEGIN ATOMIC", NULL, NULL, "a body in BEGIN ATOMIC"},
    {15, 0, {"INDEX", "CONSTRAINT"}, "NULLS NOT DISTINCT", NULL, NULL, "NULLS NOT DISTINCT"},
    {15, 0, {"VIEW"}, NULL, "security_invoker=", NULL, "a view's security_invoker"},
    {15, 0, {"PUBLICATION TABLES IN SCHEMA"}, NULL, NULL, NULL, "a publication of whole schemas"},
    {15, 0, {"PUBLICATION TABLE"}, NULL, "(", NULL, "a publication of some columns or rows"},
    {18, 0, {"TABLE"}, NULL, NULL, has_virtual_column, "a virtual generated column"},
    {18,
     0,
     {"TABLE", "CHECK CONSTRAINT", "FK CONSTRAINT"},
     NULL,
     " NOT ENFORCED",
     NULL,
     "a constraint that is NOT ENFORCED"},
    {18, 0, {"CONSTRAINT"}, NULL, " WITHOUT OVERLAPS", NULL, "a key WITHOUT OVERLAPS"},
    {18, 0, {"FK CONSTRAINT"}, NULL, "PERIOD ", NULL, "a foreign key over a PERIOD"},
    {1, 13, {"OPERATOR"}, NULL, NULL, is_postfix, "a postfix operator"},
    {1,
     13,
     {"AGGREGATE", "OPERATOR"},
     NULL,
     NULL,
     calls_any_array,
     "anyarray where functions of arrays take anycompatiblearray"},
    {1, 17, {"TABLE"}, NULL, NULL, is_unlogged_partitioned, "an unlogged partitioned table"},
};

static bool
says(const struct wording *w, const struct archive_entry *entry)
{
    return entry_is(entry, w->kinds) && (w->text == NULL || strstr(entry->sql, w->text) != NULL) &&
        (w->is == NULL || w->is(entry->sql)) &&
        (w->words == NULL || entry_has_words(entry, w->words));
}

static void
look_for(struct restore *r, const struct wording *w, int version)
{
    struct strlist objects = {0};

    for (size_t i = 0; i < r->archive.n; i++) {
        const struct archive_entry *entry = &r->archive.v[i];

        if (says(w, entry)) {
            strlist_take(&objects,
                         xasprintf("%s %s%s%s", entry->desc,
                                   entry->schema == NULL ? "" : entry->schema,
                                   entry->schema == NULL ? "" : ".", entry->tag));
        }
    }
    if (objects.n > 0) {
        char *names = preflight_names(&objects);

        preflight_costs(r,
                        (struct preflight_finding){.text = xasprintf("PostgreSQL %d does not take "
                                                                     "%s: %s will be left "
                                                                     "out",
                                                                     version, w->what, names)});
        free(names);
    }
    strlist_free(&objects);
}

int
check_syntax(struct restore *r, struct err *e)
{
    int version = pg_version(r->maintenance) / 10000;

    (void)e;
    for (size_t i = 0; i < sizeof wordings / sizeof wordings[0]; i++) {
        const struct wording *w = &wordings[i];

        if (version < w->since || (w->until != 0 && version > w->until)) {
            look_for(r, w, version);
        }
    }
    return 0;
}
