#include "pg/target/replacing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/procid.h"
#include "pg/target/halfmade.h"

static const char mark[] = HALFMADE_REPLACING " ";

static char *
to_text(const struct replacing *x, struct err *e)
{
    struct buf line = BUF_INIT(BUF_NO_LIMIT);
    json_t    *o = json_object();
    char      *text = NULL;

    json_object_set_new(o, "of", json_text(x->of));
    json_object_set_new(o, "oid", json_integer(x->oid));
    json_object_set_new(o, "aside", json_text(x->aside));
    json_object_set_new(o, "db", json_text(x->db));
    json_object_set_new(o, "backup", json_text(x->backup));
    json_object_set_new(o, "safety_db", json_text(x->safety_db));
    json_object_set_new(o, "safety", json_text(x->safety_id));
    json_object_set_new(o, "without_safety", json_boolean(x->without_safety));
    json_object_set(o, "live", x->live);
    json_object_set_new(o, "dropping", json_boolean(x->dropping));
    json_object_set_new(o, "stage", json_text(x->stage));
    json_object_set_new(o, "way", json_text(x->way));
    json_object_set_new(o, "whole", json_boolean(x->whole));
    json_object_set_new(o, "since", json_integer((json_int_t)x->since));
    json_object_set_new(o, "pid", json_integer(x->pid));
    json_object_set_new(o, "host", json_text(x->host));
    json_object_set_new(o, "machine", json_text(x->machine));
    json_object_set_new(o, "started", json_integer(x->started));
    json_object_set_new(o, "session", json_integer(x->session));
    if (json_write(o, &line, e) == 0) {
        text = xasprintf("%s%s", mark, buf_str(&line));
    }
    json_decref(o);
    buf_free(&line);
    return text;
}

int
replacing_mark(PGconn *conn, const char *working, struct replacing *x, struct err *e)
{
    char          host[HOST_NAME_MAX + 1] = "";
    struct procid self;
    char         *text;
    int           rc;

    (void)gethostname(host, sizeof host - 1);
    procid_self(&self);
    free(x->host);
    free(x->machine);
    x->host = xstrdup(host);
    x->machine = xstrdup(self.machine);
    x->pid = (long)self.pid;
    x->started = self.started;
    x->session = PQbackendPID(conn);
    x->since = time(NULL);
    text = to_text(x, e);
    rc = text == NULL ? -1 : halfmade_comment(conn, working, text, e);
    free(text);
    return rc == 0 ? 0 : err_wrap(e, "noting in database \"%s\" what it is for", working);
}

static char *
text_of(const json_t *o, const char *key)
{
    struct err ignored = ERR_INIT;
    json_t    *v = json_object_get(o, key);
    size_t     n;

    return v == NULL || json_is_null(v) ? NULL : json_bytes_get(v, &n, &ignored);
}

/* False: it is no such comment, or an incomplete one. */
static bool
from_text(const char *text, struct replacing *x)
{
    struct err ignored = ERR_INIT;
    json_t    *o;

    if (strncmp(text, mark, sizeof mark - 1) != 0 ||
        (o = json_read(text + sizeof mark - 1, strlen(text) - (sizeof mark - 1), &ignored)) ==
            NULL) {
        return false;
    }
    x->of = text_of(o, "of");
    x->oid = (uint32_t)json_opt_int(o, "oid", 0);
    x->aside = text_of(o, "aside");
    x->db = text_of(o, "db");
    x->backup = text_of(o, "backup");
    x->safety_db = text_of(o, "safety_db");
    x->safety_id = text_of(o, "safety");
    x->without_safety = json_opt_bool(o, "without_safety", false);
    x->live = json_incref(json_object_get(o, "live"));
    x->dropping = json_opt_bool(o, "dropping", false);
    x->stage = text_of(o, "stage");
    x->way = text_of(o, "way");
    x->whole = json_opt_bool(o, "whole", false);
    x->since = (time_t)json_opt_int(o, "since", 0);
    x->pid = (long)json_opt_int(o, "pid", 0);
    x->host = text_of(o, "host");
    x->machine = text_of(o, "machine");
    x->started = json_opt_int(o, "started", 0);
    x->session = (int)json_opt_int(o, "session", 0);
    json_decref(o);
    return x->of != NULL && x->db != NULL && x->backup != NULL && x->aside != NULL &&
        json_is_object(x->live);
}

void
replacing_free(struct replacing *x)
{
    free(x->working);
    free(x->of);
    free(x->aside);
    free(x->db);
    free(x->backup);
    free(x->safety_db);
    free(x->safety_id);
    json_decref(x->live);
    free(x->stage);
    free(x->way);
    free(x->host);
    free(x->machine);
    free(x->doing);
    free(x->there);
    *x = (struct replacing){0};
}

void
replacing_list_free(struct replacing_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        replacing_free(&l->v[i]);
    }
    free(l->v);
    *l = (struct replacing_list){0};
}

/* A DROP DATABASE that was broken off leaves it so, in newer minor releases: nobody gets in. */
static int
look_whether_dropped(PGconn *conn, const char *const params[], bool *dropping, struct err *e)
{
    static const char sql[] =
        "SELECT datconnlimit = -2 FROM pg_catalog.pg_database WHERE oid = "
        "$1::pg_catalog.oid";
    char *invalid = pg_value(conn, e, sql, 1, params);

    *dropping = *dropping || (invalid != NULL && *invalid == 't');
    free(invalid);
    return e->kind == ERR_NONE || e->kind == ERR_NOT_FOUND ? (err_clear(e), 0) : -1;
}

static enum replacing_tool
look_for_tool(const struct replacing *x)
{
    struct procid here, maker = {.pid = x->pid, .started = x->started};

    procid_self(&here);
    if (x->machine == NULL || *x->machine == '\0' || strcmp(x->machine, here.machine) != 0) {
        return REPLACING_TOOL_UNKNOWN;
    }
    (void)snprintf(maker.machine, sizeof maker.machine, "%s", x->machine);
    return procid_gone(&maker) ? REPLACING_TOOL_ENDED : REPLACING_TOOL_RUNS;
}

static int
look_where(PGconn *conn, struct replacing *x, struct err *e)
{
    char        oid[16];
    const char *params[] = {oid};

    (void)snprintf(oid, sizeof oid, "%u", (unsigned)x->oid);
    x->there = pg_value(conn, e,
                        "SELECT datname FROM pg_catalog.pg_database WHERE oid = "
                        "$1::pg_catalog.oid",
                        1, params);
    if (x->there == NULL && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    /* Another database that has got the number. */
    if (x->there != NULL && strcmp(x->there, x->of) != 0 && strcmp(x->there, x->aside) != 0) {
        free(x->there);
        x->there = NULL;
    }
    x->busy = !halfmade_is_free(conn, x->of);
    x->busy_session = x->busy ? halfmade_holder(conn, x->of, &x->doing) : 0;
    x->tool = look_for_tool(x);
    return x->there == NULL ? 0 : look_whether_dropped(conn, params, &x->dropping, e);
}

static int
newest_first(const void *a, const void *b)
{
    const struct replacing *x = a, *y = b;

    return x->since == y->since ? strcmp(x->working, y->working) : x->since > y->since ? -1 : 1;
}

int
replacing_list_read(PGconn *conn, const char *of, struct replacing_list *out, struct err *e)
{
    static const char sql[] =
        "SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'), r.rolsuper OR "
        "r.rolname = current_user FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON "
        "r.oid = d.datdba WHERE " HALFMADE_SQL
        " AND pg_catalog.shobj_description(d.oid, 'pg_database') LIKE '" HALFMADE_REPLACING " %'";
    PGresult *res = pg_query(conn, e, sql, 0, NULL);
    int       rc = res == NULL ? -1 : 0;

    *out = (struct replacing_list){0};
    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        struct replacing x = {.working = xstrdup(PQgetvalue(res, i, 0)),
                              .is_ours = PQgetvalue(res, i, 2)[0] == 't'};

        if (!from_text(PQgetvalue(res, i, 1), &x) || (of != NULL && strcmp(x.of, of) != 0)) {
            replacing_free(&x);
            continue;
        }
        VEC_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = x;
        rc = look_where(conn, &out->v[out->n - 1], e);
    }
    if (out->n > 1) {
        qsort(out->v, out->n, sizeof *out->v, newest_first);
    }
    PQclear(res);
    return rc == 0 ? 0 : err_wrap(e, "databases that are being replaced");
}
