#include "pg/snapshot/globals_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "pg/archive/sqlsplit.h"

/* pg_dumpall keeps psql from executing backslash commands between "\restrict KEY" and "\unrestrict
 * KEY", with a new random KEY each time: unchanged globals would be stored again every night. No
 * owner of dumped names or comments may be able to predict the KEY, and a digest of the whole text
 * ensures this as well. */
static void
settle_restrict_key(struct buf *sql)
{
    static const char word[] = "\\restrict ", end[] = "\\unrestrict ";
    char              digest[SHA256_HEX + 1];
    struct sql_reader r = sql_reader(buf_str(sql));
    struct sql_token  t;
    char             *first = NULL, *last = NULL;
    size_t            n = 0, n_last = 0;

    while ((t = sql_next(&r)).kind != SQL_END) {
        char *key = (char *)sql->data + (t.at - r.text);

        if (t.kind == SQL_PSQL && first == NULL && strncmp(t.at, word, sizeof word - 1) == 0) {
            first = key + sizeof word - 1;
            n = t.n - (sizeof word - 1);
        } else if (t.kind == SQL_PSQL && strncmp(t.at, end, sizeof end - 1) == 0) {
            last = key + sizeof end - 1;
            n_last = t.n - (sizeof end - 1);
        }
    }
    if (first == NULL || last == NULL || n == 0 || n > SHA256_HEX || n_last != n ||
        memcmp(first, last, n) != 0) {
        return;
    }
    memset(first, '0', n);
    memset(last, '0', n);
    sha256_hex(sql->data, sql->len, digest);
    memcpy(first, digest, n);
    memcpy(last, digest, n);
}

/* Versions whose pg_dumpall writes a role's name unchanged into a comment (CVE-2025-8715): the text
 * after a line end in it is a statement. */
static bool
leaves_line_ends(int version)
{
    static const int fixed[] = {130022, 140019, 150014, 160010, 170006};

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (version / 10000 == fixed[i] / 10000) {
            return version < fixed[i];
        }
    }
    return version < 130000;
}

/* The position after the name's closing quote when it begins at p, or NULL. */
static char *
after_name(char *p, const char *name)
{
    size_t n = strlen(name);

    return strncmp(p, name, n) == 0 && p[n] == '"' && (p[n + 1] == '\n' || p[n + 1] == '\0')
        ? p + n + 1
        : NULL;
}

/* One after another, each before the text after it is read: until then it is unknown whether that
 * is in quotes.
 */
static void
settle_comments(char *sql, const struct strlist *names)
{
    static const char before[] = "-- User Config \"";
    struct sql_reader r = sql_reader(sql);
    struct sql_token  t;

    while ((t = sql_next(&r)).kind != SQL_END) {
        char *name = sql + (t.at - sql) + sizeof before - 1, *end = NULL;

        if (t.kind != SQL_COMMENT || strncmp(t.at, before, sizeof before - 1) != 0) {
            continue;
        }
        for (size_t i = 0; end == NULL && i < names->n; i++) {
            end = after_name(name, names->v[i]);
        }
        for (char *p = name; end != NULL && p < end; p++) {
            *p = *p == '\n' || *p == '\r' ? ' ' : *p;
        }
        if (end != NULL) {
            sql_continue(&r, end);
        }
    }
}

void
globals_settle(struct buf *sql, int version, const struct strlist *names)
{
    if (sql->len > 0 && leaves_line_ends(version)) {
        (void)buf_str(sql); /* ends it with a NUL */
        settle_comments((char *)sql->data, names);
    }
    settle_restrict_key(sql);
}

int
globals_roles(const char *sql, struct strlist *out, struct err *e)
{
    struct sql_script script;
    int               rc = sql_parse(sql, &script, e);

    for (size_t i = 0; i < script.n; i++) {
        struct sql_cursor c = sql_cursor(&script.v[i]);
        char             *name;

        if (sql_words(&c, "CREATE ROLE") && sql_simple_name(&c, &name)) {
            strlist_take(out, name);
        }
    }
    sql_script_free(&script);
    return rc;
}
