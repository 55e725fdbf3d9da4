#include "pg/target/aside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"

static const char mark[] = "pgassay-restore: set aside ";

char *
aside_name(const char *was, bool undone, time_t since)
{
    char      suffix[48], when[32];
    struct tm utc;

    (void)gmtime_r(&since, &utc);
    (void)strftime(when, sizeof when, "%Y%m%d_%H%M%S", &utc);
    (void)snprintf(suffix, sizeof suffix, "_%s_%s", undone ? "undone" : "before", when);
    return pg_name_with(was, suffix);
}

int
aside_time(PGconn *conn, const char *was, bool undone, time_t *since, struct err *e)
{
    char *taken = xstrdup("");

    for (*since = time(NULL) - 1; taken != NULL;) {
        char       *name = aside_name(was, undone, ++*since);
        const char *params[] = {name};

        free(taken);
        taken = pg_value(conn, e, "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", 1,
                         params);
        free(name);
    }
    return e->kind == ERR_NOT_FOUND ? (err_clear(e), 0) : -1;
}

char *
aside_comment(const struct aside *a, struct err *e)
{
    struct buf line = BUF_INIT(BUF_NO_LIMIT);
    json_t    *o = json_object();
    char      *text = NULL;

    json_object_set_new(o, "was", json_text(a->was));
    json_object_set_new(o, "backup", json_text(a->backup));
    json_object_set_new(o, "undone", json_boolean(a->undone));
    json_object_set_new(o, "since", json_integer((json_int_t)a->since));
    json_object_set_new(o, "drop_after", json_integer((json_int_t)a->drop_after));
    if (json_write(o, &line, e) == 0) {
        text = xasprintf("%s%s%s%s", mark, buf_str(&line), a->comment == NULL ? "" : "\n",
                         a->comment == NULL ? "" : a->comment);
    }
    json_decref(o);
    buf_free(&line);
    return text;
}

void
aside_free(struct aside *a)
{
    free(a->name);
    free(a->was);
    free(a->owner);
    free(a->backup);
    free(a->comment);
    *a = (struct aside){0};
}

void
aside_list_free(struct aside_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        aside_free(&l->v[i]);
    }
    free(l->v);
    *l = (struct aside_list){0};
}

static char *
text_of(const json_t *o, const char *key)
{
    struct err ignored = ERR_INIT;
    size_t     n;
    json_t    *v = json_object_get(o, key);

    return v == NULL || json_is_null(v) ? NULL : json_bytes_get(v, &n, &ignored);
}

/* False: it is not such a comment, or another database's. */
static bool
read_comment(const char *text, struct aside *a)
{
    const char *begin = text + sizeof mark - 1, *end;
    struct err  ignored = ERR_INIT;
    json_t     *o;
    char       *name = NULL;

    if (strncmp(text, mark, sizeof mark - 1) != 0) {
        return false;
    }
    end = strchrnul(begin, '\n');
    if ((o = json_read(begin, (size_t)(end - begin), &ignored)) == NULL) {
        return false;
    }
    a->was = text_of(o, "was");
    a->backup = text_of(o, "backup");
    a->undone = json_opt_bool(o, "undone", false);
    a->since = (time_t)json_opt_int(o, "since", 0);
    a->drop_after = (time_t)json_opt_int(o, "drop_after", 0);
    a->comment = *end == '\0' ? NULL : xstrdup(end + 1);
    json_decref(o);
    if (a->was != NULL) {
        name = aside_name(a->was, a->undone, a->since);
    }
    if (name == NULL || strcmp(name, a->name) != 0) {
        free(name);
        return false;
    }
    free(name);
    return true;
}

static int
newest_first(const void *a, const void *b)
{
    const struct aside *x = a, *y = b;

    return x->since == y->since ? strcmp(y->name, x->name) : x->since > y->since ? -1 : 1;
}

int
aside_list_read(PGconn *conn, const char *was, struct aside_list *out, struct err *e)
{
    static const char sql[] =
        "SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'), "
        "pg_catalog.pg_get_userbyid(d.datdba), CASE WHEN "
        "pg_catalog.has_database_privilege(d.oid, 'CONNECT') OR "
        "pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN "
        "pg_catalog.pg_database_size(d.oid) ELSE 0 END, d.oid, "
        "pg_catalog.pg_has_role(d.datdba, 'USAGE') FROM pg_catalog.pg_database d WHERE "
        "pg_catalog.shobj_description(d.oid, 'pg_database') LIKE 'pgassay-restore: set aside %'";
    PGresult *res = pg_query(conn, e, sql, 0, NULL);

    *out = (struct aside_list){0};
    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        struct aside a = {.name = xstrdup(PQgetvalue(res, i, 0))};

        if (!read_comment(PQgetvalue(res, i, 1), &a) || (was != NULL && strcmp(a.was, was) != 0)) {
            aside_free(&a);
            continue;
        }
        a.owner = xstrdup(PQgetvalue(res, i, 2));
        a.oid = (uint32_t)strtoul(PQgetvalue(res, i, 4), NULL, 10);
        a.size_bytes = strtoull(PQgetvalue(res, i, 3), NULL, 10);
        a.ours = PQgetvalue(res, i, 5)[0] == 't';
        VEC_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = a;
    }
    if (out->n > 1) {
        qsort(out->v, out->n, sizeof *out->v, newest_first);
    }
    PQclear(res);
    return res == NULL ? err_wrap(e, "databases that are set aside") : 0;
}

void
aside_oids_add(uint32_t **v, size_t *n, size_t *cap, uint32_t oid)
{
    VEC_GROW(*v, *n, *cap);
    (*v)[(*n)++] = oid;
}

int
aside_oids(PGconn *conn, const char *was, const char *owner, uint32_t **v, size_t *n, size_t *cap,
           struct err *e)
{
    struct aside_list all;

    if (aside_list_read(conn, was, &all, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        if (strcmp(all.v[i].owner, owner) == 0) {
            aside_oids_add(v, n, cap, all.v[i].oid);
        }
    }
    aside_list_free(&all);
    return 0;
}

static int
drop(PGconn *conn, const char *name, struct err *e)
{
    char *ident = pg_ident(name);
    int   rc = pg_execf(conn, e, "DROP DATABASE %s", ident);

    free(ident);
    return rc == 0 ? 0 : err_wrap(e, "dropping database \"%s\", which is set aside", name);
}

int
aside_drop(PGconn *conn, const char *name, struct err *e)
{
    struct aside_list all;
    int               rc;

    if (aside_list_read(conn, NULL, &all, e) != 0) {
        return -1;
    }
    err_set(e, ERR_NOT_FOUND, "no switch has set aside a database \"%s\"", name);
    rc = err_hint(e, "--leftovers lists what there is");
    for (size_t i = 0; i < all.n; i++) {
        if (strcmp(all.v[i].name, name) == 0) {
            err_clear(e);
            rc = drop(conn, name, e);
            break;
        }
    }
    aside_list_free(&all);
    return rc;
}

int
aside_drop_expired(PGconn *conn, time_t now, aside_before_drop_fn *before, void *ctx, struct err *e)
{
    struct aside_list all;

    if (aside_list_read(conn, NULL, &all, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        const struct aside *a = &all.v[i];
        struct err          why = ERR_INIT;
        char                until[32];

        if (!a->ours || a->drop_after == 0 || a->drop_after > now) {
            continue;
        }
        (void)time_rfc3339(a->drop_after, until, sizeof until);
        if (before(ctx, a, &why) == 0 && drop(conn, a->name, &why) == 0) {
            log_info("removed database \"%s\": it was to be kept until %s", a->name, until);
        } else {
            log_warn("database \"%s\" was to be kept until %s, and stays: %s", a->name, until,
                     why.text);
        }
    }
    aside_list_free(&all);
    return 0;
}
