/*
 * bundle_recovery.c - RECOVERY.md: what the bundle is, and the commands that restore it with
 * PostgreSQL's own programs.
 *
 * Each step is written once, and goes into both the page and restore.sh, so that the two cannot
 * differ.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/print.h"
#include "core/quote.h"
#include "storage/exchange/bundle_impl.h"
#include "storage/format/object.h"

struct texts {
    const struct label    *label;
    const struct manifest *m;
    struct buf            *page, *script;
    int                    n; /* of the last step */
};

/* In a sentence: what a terminal or a page could obey is made visible. */
static char *
visible(const char *text)
{
    size_t n = print_copy(NULL, 0, text) + 1;
    char  *out = xmalloc(n);

    (void)print_copy(out, n, text);
    for (char *o = out; (o = strchr(o, '`')) != NULL;) {
        *o = '\''; /* it would end the code that it stands in */
    }
    return out;
}

static void
step(struct texts *t, const char *title, const char *why, const char *commands)
{
    t->n++;
    bundle_putf(t->page, "\n## %d. %s\n\n%s%s```sh\n%s```\n", t->n, title, why,
                *why == '\0' ? "" : "\n\n", commands);
    bundle_putf(t->script, "\n# %d. %s\n%s", t->n, title, commands);
}

/* A step of one command that runs a file of the bundle. */
static void
step_file(struct texts *t, const char *title, const char *why, const char *file)
{
    char *command = xasprintf("psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d \"$target\" -f %s\n",
                              file);

    step(t, title, why, command);
    free(command);
}

/* ---- what it is ---- */

static void
put_head(struct texts *t)
{
    const struct label *l = t->label;
    char               *name = visible(l->dbname), *server = visible(l->server_version);
    char               *dump = visible(l->pg_dump_version == NULL ? "" : l->pg_dump_version);
    char                at[32];

    bundle_putf(t->page,
                "# Recovery of `%s`\n\n"
                "%s of the PostgreSQL database `%s` as it was at %s: backup %s, from PostgreSQL "
                "%s.\nPostgreSQL's own programs restore it: `psql`, `createdb` and `pg_restore`, "
                "the last at least as new as %s; beside them only `bash` and `sha256sum`.\n"
                "Nothing in here is encrypted: keep it as you keep the database.\n\n",
                name, label_is_partial(l) ? "A part" : "One whole backup", name,
                time_rfc3339(l->snapshot, at, sizeof at), l->id, server,
                *dump == '\0' ? server : dump);
    free(name);
    free(server);
    free(dump);
}

static void
put_files(struct texts *t)
{
    bundle_put(t->page,
               "| file | |\n|---|---|\n"
               "| `restore.sh` | the commands of this page: `bash restore.sh [NEWDB]` |\n"
               "| `" BUNDLE_SCHEMA
               "` | all definitions, as `pg_dump -Fc --schema-only` wrote them "
               "|\n"
               "| `rows/SCHEMA/TABLE.copy` | rows, as COPY writes them as text; `.copybin`: as "
               "binary. In names `%2e` stands for a dot, `%41` for a capital A |\n"
               "| `" BUNDLE_ROWS "`, `" BUNDLE_EXPECTED
               "` | loads them; what psql must answer |\n"
               "| `manifest.json` | what was recorded when the backup was taken: tables, rows, "
               "fingerprints, settings, roles |\n"
               "| `" BUNDLE_SUMS "` | of every file |\n");
    if (t->m->n_globals_sql > 0) {
        bundle_put(t->page, "| `" BUNDLE_GLOBALS "` | roles and tablespaces of the server |\n");
    }
    if (t->m->lo_count > 0) {
        bundle_put(t->page, "| `" BUNDLE_LO "`, `large_objects/` | large objects |\n");
    }
    bundle_put(t->page,
               "\nConnect as a superuser, to a server at least as new as the one that it came "
               "from; "
               "`PGHOST`, `PGPORT`, `PGUSER` and so on\nsay which, as for psql. Go into this "
               "directory, and type the commands into bash, one step after the other; each must "
               "end without an error.\n");
    for (size_t i = 0; i < t->label->warnings.n; i++) {
        char *text = visible(t->label->warnings.v[i]);

        bundle_putf(t->page, "%s- %s\n", i == 0 ? "\nThe backup says of itself:\n\n" : "", text);
        free(text);
    }
}

/* ---- how to bring it back ---- */

/* A member of the manifest's "database"; NULL: none.  Allocated. */
static char *
fact(const struct manifest *m, const char *key)
{
    struct err    ignored = ERR_INIT;
    const json_t *value = json_object_get(m->database, key);
    char         *text = NULL;

    if (value == NULL || json_is_null(value) || (text = object_text_of(value, &ignored)) == NULL ||
        *text == '\0') {
        free(text);
        return NULL;
    }
    return text;
}

/* --option=value, when there is one. */
static void
put_option(struct buf *b, const struct manifest *m, const char *option, const char *key)
{
    char *value = fact(m, key);

    if (value != NULL) {
        char *word = quote_shell(value);

        bundle_putf(b, " --%s=%s", option, word);
        free(word);
    }
    free(value);
}

static void
put_createdb(struct buf *b, const struct manifest *m)
{
    char *provider = fact(m, "provider");

    bundle_put(b, "createdb -T template0");
    put_option(b, m, "encoding", "encoding");
    put_option(b, m, "lc-collate", "collate");
    put_option(b, m, "lc-ctype", "ctype");
    if (provider != NULL && strcmp(provider, "libc") != 0) {
        put_option(b, m, "locale-provider", "provider");
        put_option(b, m, strcmp(provider, "icu") == 0 ? "icu-locale" : "builtin-locale", "locale");
        put_option(b, m, "icu-rules", "icu_rules");
    }
    bundle_put(b, " -- \"$NEWDB\"\n");
    free(provider);
}

static void
step_settings(struct texts *t)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    char      *encoding = fact(t->m, "encoding"),
         *word = quote_shell(encoding == NULL ? "UTF8" : encoding);
    char *name = quote_shell(t->label->dbname);

    bundle_putf(&b,
                "NEWDB=${NEWDB-%s}\n"
                "quote=\\' target=${NEWDB//\\\\/\\\\\\\\} "
                "target=\"dbname='${target//$quote/\\\\$quote}'\"\n"
                "export PGCLIENTENCODING=%s\n"
                "export PGOPTIONS='-c search_path= -c DateStyle=ISO -c IntervalStyle=postgres -c "
                "TimeZone=UTC -c lc_monetary=C\n"
                "    -c array_nulls=on -c xmloption=content -c row_security=off -c "
                "session_replication_role=replica -c statement_timeout=0\n"
                "    -c default_transaction_read_only=off -c check_function_bodies=off -c "
                "standard_conforming_strings=on'\n",
                name, word);
    step(t, "The new database's name, and the settings with which rows were read",
         "With another name (`NEWDB=other`) it is made beside what has its own.", buf_str(&b));
    buf_free(&b);
    free(encoding);
    free(word);
    free(name);
}

static void
step_database(struct texts *t)
{
    static const char restore[] =
        "pg_restore --section=pre-data --exit-on-error -d \"$target\" " BUNDLE_SCHEMA "\n";
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    char      *name = quote_shell(t->label->dbname);

    if (label_is_partial(t->label)) {
        put_createdb(&b, t->m);
        bundle_put(&b, restore);
    } else {
        bundle_putf(&b,
                    "if [ \"$NEWDB\" = %s ]; then\n"
                    "    pg_restore --create --section=pre-data --exit-on-error -d "
                    "postgres " BUNDLE_SCHEMA
                    "\n"
                    "else\n    ",
                    name);
        put_createdb(&b, t->m);
        bundle_putf(&b, "    %sfi\n", restore);
    }
    step(t, "The database, its tables, views and functions",
         "Under its own name the database also gets its owner, privileges and settings. Nothing "
         "that exists is touched: a database\nof that name is an error.",
         buf_str(&b));
    buf_free(&b);
    free(name);
}

static void
step_rows(struct texts *t)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT), expected = BUF_INIT(BUF_NO_LIMIT);
    bool       counted;

    bundle_sql_expected(t->m, &expected);
    counted = expected.len > 0;
    bundle_putf(&b, "%spsql -X -v ON_ERROR_STOP=1 -d \"$target\" -f " BUNDLE_ROWS,
                counted ? "loaded=$(" : "");
    for (size_t i = 0; i < t->m->n_tables; i++) {
        const struct manifest_table *x = &t->m->tables[i];

        if (bundle_has_rows(x) && bundle_is_odd(x)) {
            char *stem = bundle_rows_stem(x);

            bundle_putf(&b,
                        " &&\n    psql -X -v ON_ERROR_STOP=1 -d \"$target\" -c \"$(cat %s.sql)\" "
                        "<%s%s",
                        stem, stem, bundle_rows_ending(x));
            free(stem);
        }
    }
    bundle_putf(&b, "%s\n", counted ? ")\ndiff " BUNDLE_EXPECTED " - <<<\"$loaded\"" : "");
    step(t, "The rows",
         "Each table's are counted by the server, and must be as many as there were.", buf_str(&b));
    buf_free(&b);
    buf_free(&expected);
}

static bool
any_populated(const struct manifest *m)
{
    for (size_t i = 0; i < m->n_matviews; i++) {
        if (m->matviews[i].populated) {
            return true;
        }
    }
    return false;
}

static void
put_steps(struct texts *t)
{
    step(t, "Is everything there?", "", "sha256sum --check --quiet " BUNDLE_SUMS "\n");
    step_settings(t);
    if (t->m->n_globals_sql > 0) {
        step(t, "Roles and tablespaces",
             "Only on a server that does not have them. Errors about roles that exist are harmless "
             "(`postgres` always does); directories of\ntablespaces must have been made.",
             "psql -X -q -d postgres -f " BUNDLE_GLOBALS "\n");
    }
    step_database(t);
    step_rows(t);
    if (t->m->lo_count > 0) {
        step_file(t, "Large objects", "", BUNDLE_LO);
    }
    step(t, "Indexes, constraints, triggers", "",
         "pg_restore --section=post-data --exit-on-error -d \"$target\" " BUNDLE_SCHEMA "\n");
    if (t->m->n_sequences > 0) {
        step_file(t, "Where sequences stood", "", BUNDLE_SEQUENCES);
    }
    step(t, "Statistics", "", "psql -X -q -d \"$target\" -c ANALYZE\n");
    if (any_populated(t->m)) {
        step_file(t, "Materialized views",
                  "Last, as one that reads a foreign server fails where that is out of reach.",
                  BUNDLE_MATVIEWS);
    }
}

void
bundle_recovery(const struct label *l, const struct manifest *m, struct buf *page,
                struct buf *script)
{
    struct texts t = {.label = l, .m = m, .page = page, .script = script};

    put_head(&t);
    put_files(&t);
    bundle_put(script,
               "#!/bin/bash\n"
               "# bash restore.sh [NEWDB]: the commands of RECOVERY.md; PGHOST, PGUSER … as for "
               "psql, a "
               "superuser.\n"
               "set -euo pipefail\n"
               "cd \"$(dirname \"$0\")\"\n"
               "[ $# -eq 0 ] || NEWDB=$1\n");
    put_steps(&t);
    bundle_put(page, "\n`restore.sh` ends with the database's name when all of it went well.\n");
    bundle_put(script, "\necho \"$NEWDB\"\n");
}
