#include "verify/drill/amcheck.h"

#include <stdlib.h>
#include <string.h>

#include "core/host/proc.h"
#include "core/progress.h"
#include "pg/conn/tools.h"

enum { OUTPUT_MAX = 16 << 20, DAMAGED = 2, FIRST_MORE = 5 };

static void
add(struct verify_result *r, enum finding_class class, const char *object, const char *what,
    const char *have)
{
    findings_add(
        &r->findings,
        (struct finding){
            .class = class, .group = "amcheck", .object = object, .what = what, .have = have});
}

/* Additional lines of a server's message: a DETAIL says what is wrong, a HINT suggests an action
 * for another server, the one that was backed up. */
static bool
adds_to_message(const char *line, bool *wanted)
{
    static const char *const more[] = {"DETAIL:", "HINT:", "CONTEXT:", "QUERY:", "STATEMENT:"};

    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        if (strncmp(line, more[i], strlen(more[i])) == 0) {
            *wanted = i == 0;
            return true;
        }
    }
    return false;
}

/* Each report is a line that names the relation, up to a colon, and indented lines with its errors:
 * one finding for each message, with its details. */
static void
read_reports(struct verify_result *r, char *text)
{
    char      *rest, *object = NULL;
    struct buf message = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;

    for (char *line = strtok_r(text, "\n", &rest);; line = strtok_r(NULL, "\n", &rest)) {
        const char *said = line == NULL || line[0] != ' ' ? NULL : line + strspn(line, " ");
        bool        wanted = false;

        if (said != NULL && adds_to_message(said, &wanted)) {
            if (wanted) {
                (void)buf_printf(&message, &never, " (%s)", said);
            }
            continue;
        }
        if (message.len > 0) {
            add(r, FINDING_DIFFERENT, object != NULL ? object : "database", "damaged",
                buf_str(&message));
            buf_clear(&message);
        }
        if (said != NULL) {
            (void)buf_puts(&message, said, &never);
        } else if (line == NULL) {
            break;
        } else {
            size_t n = strlen(line);

            line[n - 1] = line[n - 1] == ':' ? '\0' : line[n - 1];
            object = line;
        }
    }
    buf_free(&message);
}

/* more: which server and database, and whatever else; NULL at the end. */
static int
check(const struct pg_tool *tool, const struct options *o, const char *const *more,
      const char *const *env, struct verify_result *r, struct err *e)
{
    struct buf  out = BUF_INIT(OUTPUT_MAX), said = BUF_INIT(OUTPUT_MAX);
    char       *jobs = xasprintf("%d", o->jobs);
    const char *argv[FIRST_MORE + 12] = {tool->path, "--heapallindexed", "--no-password", "--jobs",
                                         jobs};
    size_t      before = findings_count(&r->findings, FINDING_DIFFERENT);
    int         status = 0;
    int         rc;

    for (size_t i = 0; more[i] != NULL; i++)
        argv[FIRST_MORE + i] = more[i];
    progress_start("amcheck", 0, o->quiet);
    rc = proc_run(
        &(struct proc_spec){
            .argv = argv, .env = env, .out = &out, .err = &said, .idle_ms = -1, .status_ok = true},
        &status, e);
    progress_end();
    if (rc == 0 && status == DAMAGED) {
        read_reports(r, (char *)(uintptr_t)buf_str(&out));
        if (findings_count(&r->findings, FINDING_DIFFERENT) == before)
            rc = err_set(e, ERR_CORRUPT, "pg_amcheck found damage and did not say where");
    } else if (rc == 0 && status != 0) {
        rc = err_set(e, ERR_PG, "pg_amcheck ended with status %d: %.300s", status, buf_str(&said));
    }
    free(jobs);
    buf_free(&out);
    buf_free(&said);
    return rc;
}

/* 1: a server before 14 is a finding, requested and not compared. */
static int
find_tool(struct verify_result *r, int server_version, struct pg_tool *tool, struct err *e)
{
    if (server_version < 140000) {
        add(r, FINDING_UNCOMPARED, "database", "pg_amcheck needs PostgreSQL 14", NULL);
        return 1;
    }
    return pg_tool_find("pg_amcheck", server_version, tool, e);
}

int
amcheck_run(const struct options *o, const struct pg_target *t, int server_version,
            struct verify_result *r, struct err *e)
{
    const char *const more[] = {"--install-missing", "--host", t->host,   "--port", t->port,
                                "--username",        t->user,  t->dbname, NULL};
    char *password = t->password == NULL ? NULL : xasprintf("PGPASSWORD=%s", t->password);
    const char *const env[] = {password, NULL};
    struct pg_tool    tool = {0};
    int               rc = find_tool(r, server_version, &tool, e);

    if (rc == 0)
        rc = check(&tool, o, more, env, r, e);
    free(password);
    pg_tool_free(&tool);
    return rc < 0 ? -1 : 0;
}

static int
is_installed(PGconn *conn, bool *is, struct err *e)
{
    char *text = pg_value(conn, e,
                          "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = "
                          "'amcheck')",
                          0, NULL);

    *is = text != NULL && *text == 't';
    free(text);
    return text == NULL ? -1 : 0;
}

int
amcheck_live(const struct options *o, PGconn *conn, struct verify_result *r, struct err *e)
{
    struct pg_tool tool = {0};
    char          *where = NULL, **env = NULL;
    bool           installed;
    int            rc = find_tool(r, pg_version(conn), &tool, e);

    if (rc == 0)
        rc = is_installed(conn, &installed, e);
    if (rc == 0 && !installed) {
        findings_add(&r->findings,
                     (struct finding){.class = FINDING_UNCOMPARED,
                                      .group = "amcheck",
                                      .object = "database",
                                      .what = "its pages and indexes: the extension amcheck is not "
                                              "there",
                                      .advice = "CREATE EXTENSION amcheck in this database"});
    } else if (rc == 0) {
        const char *const more[] = {(where = pg_child_conninfo(conn)), NULL};

        env = pg_child_env(conn);
        rc = check(&tool, o, more, (const char *const *)env, r, e);
    }
    pg_child_env_free(env);
    free(where);
    pg_tool_free(&tool);
    return rc < 0 ? -1 : 0;
}
