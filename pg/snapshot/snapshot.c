#include "pg/snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/log.h"
#include "pg/snapshot/definitions.h"
#include "pg/snapshot/exported.h"
#include "pg/snapshot/globals.h"
#include "pg/snapshot/locks.h"
#include "pg/snapshot/meanings.h"

enum { ATTEMPTS = 3 };

#define BEGIN_SNAPSHOT "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

/* One try.  Names of objects that changed meanwhile are added to moved; with last set that is no
 * reason to start over, as long as a consistent copy is possible. */
struct attempt {
    const struct snapshot_options *o;
    struct snapshot               *s;
    struct catalog                 first; /* the listing before the snapshot */
    PGconn                        *now;   /* READ COMMITTED, sees the current catalog */
    struct strlist                 moved;
    bool                           last;
    bool                           refused; /* by the caller's own work: its error */
    bool                           misread; /* rows, perhaps: they are read by some of moved */
};

static bool
wanted(const struct snapshot_options *o, const struct cat_table *t)
{
    return o->wants == NULL || o->wants(o->ctx, t);
}

static bool
same_columns(const struct cat_table *a, const struct cat_table *b)
{
    bool same = a->n_columns == b->n_columns;

    for (size_t i = 0; same && i < a->n_columns; i++) {
        same = strcmp(a->columns[i].name, b->columns[i].name) == 0 &&
            strcmp(a->columns[i].type, b->columns[i].type) == 0 &&
            a->columns[i].generated == b->columns[i].generated;
    }
    return same;
}

/* Compares two listings over the wanted tables; both are sorted by schema and name.  columns: both
 * have them. */
static void
compare_listings(const struct snapshot_options *o, const struct catalog *a, const struct catalog *b,
                 bool columns, struct strlist *moved)
{
    size_t i = 0, k = 0;

    while (i < a->n_tables || k < b->n_tables) {
        const struct cat_table *x = i < a->n_tables ? &a->tables[i] : NULL,
                               *y = k < b->n_tables ? &b->tables[k] : NULL;
        int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->schema, y->schema);
        const struct cat_table *odd = NULL;

        if (order == 0) {
            order = strcmp(x->name, y->name);
        }
        if (order != 0) {
            odd = order < 0 ? x : y;
        } else if (x->oid != y->oid || x->relfilenode != y->relfilenode || x->kind != y->kind ||
                   (columns && !same_columns(x, y))) {
            odd = y;
        }
        i += order <= 0;
        k += order >= 0;
        if (odd != NULL && wanted(o, odd)) {
            strlist_take(moved, xasprintf("table %s.%s", odd->schema, odd->name));
        }
    }
}

/* A changed table makes the copy itself inconsistent; a changed definition only makes its text
 * doubtful. */
static bool
tables_moved(const struct strlist *moved)
{
    for (size_t i = 0; i < moved->n; i++) {
        if (strncmp(moved->v[i], "table ", 6) == 0) {
            return true;
        }
    }
    return false;
}

/* A listing in a transaction of its own. */
static int
list_now(PGconn *conn, bool columns, struct catalog *c, struct err *e)
{
    if (pg_exec(conn, e, BEGIN_SNAPSHOT) != 0 ||
        (columns ? catalog_read(conn, CATALOG_WITHOUT_SIZES, c, e) : catalog_list(conn, c, e)) !=
            0 ||
        pg_exec(conn, e, "COMMIT") != 0) {
        return err_wrap(e, "list the tables");
    }
    return 0;
}

static int
export_and_list(struct snapshot *s, struct err *e)
{
    s->id = pg_value(s->conn, e, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL);
    if (s->id == NULL) {
        return err_wrap(e, "export the snapshot");
    }
    s->taken = time(NULL);
    return catalog_list(s->conn, &s->catalog, e) != 0
        ? err_wrap(e, "list the tables in the snapshot")
        : 0;
}

/* Columns, sizes, sequences. */
static int
list_the_rest(const struct snapshot_options *o, struct snapshot *s, struct err *e)
{
    if (catalog_complete(s->conn, o->rough_sizes ? CATALOG_ROUGH_SIZES : CATALOG_SIZES, &s->catalog,
                         e) != 0) {
        return err_wrap(e, "list the tables in the snapshot");
    }
    /* Sequences have no snapshot: their values are later than it. */
    return sequences_read(s->conn, &s->catalog, &s->sequences, &s->n_sequences, e) != 0
        ? err_wrap(e, "read the sequences")
        : 0;
}

/* The caller's own work. */
static int
meanwhile(struct attempt *a, struct err *e)
{
    if (a->o->meanwhile != NULL && a->o->meanwhile(a->o->work, a->s, e) != 0) {
        a->refused = true;
        return -1;
    }
    return 0;
}

/* The session that sees what is there now; a new one, if it has been idle for so long that
 * something on the way may have forgotten it. */
static PGconn *
session_now(struct attempt *a, struct err *e)
{
    enum { PATIENCE_S = 60 };

    if (time(NULL) - a->s->taken > PATIENCE_S) {
        pg_close(a->now);
        a->now = pg_connect(a->o->target, PG_READING, "pgassay-backup check", e);
    }
    return a->now;
}

/* After it, with what it returned.  Rows that could not be read are missed for the same reason as
 * those that were read wrongly. */
static int
look_back(struct attempt *a, int rc, struct err *e)
{
    struct err   own = ERR_INIT;
    const size_t before = a->moved.n;

    if (a->o->meanwhile == NULL || (rc != 0 && (!a->refused || e->kind == ERR_INTERRUPTED))) {
        return rc;
    }
    if (session_now(a, &own) == NULL || meanings_moved(a->s->conn, a->now, &a->moved, &own) != 0) {
        if (rc == 0) {
            *e = own;
        }
        return -1;
    }
    if (a->moved.n == before) {
        return rc;
    }
    a->misread = true;
    a->refused = false;
    err_clear(e);
    return 0;
}

/* A role without the right to turn event triggers off (pg/conn/startup.h) fires those of logins
 * with each of its connections. */
static int
note_login_triggers(struct snapshot *s, struct err *e)
{
    PGresult *r = NULL;

    if (pg_version(s->conn) >= 170000) {
        r = pg_query(s->conn, e,
                     "SELECT evtname FROM pg_catalog.pg_event_trigger WHERE evtevent = 'login' AND "
                     "evtenabled IN ('O', 'A') AND "
                     "pg_catalog.current_setting('event_triggers') = 'on' ORDER BY evtname",
                     0, NULL);
        if (r == NULL) {
            return err_wrap(e, "list login event triggers");
        }
    }
    for (int i = 0; r != NULL && i < PQntuples(r); i++) {
        strlist_take(&s->warnings,
                     xasprintf("event trigger %s fires on the backup's own logins: GRANT SET ON "
                               "PARAMETER event_triggers to the role, so that it can turn event "
                               "triggers off",
                               PQgetvalue(r, i, 0)));
    }
    PQclear(r);
    return 0;
}

/* Pages that the server has zeroed, for any session, are empty for this one, too, as long as they
 * are in its memory. */
static int
note_damage_hidden(struct snapshot *s, struct err *e)
{
    PGresult *r = pg_query(s->conn, e,
                           "SELECT name, pg_catalog.current_setting(name) = 'on' FROM "
                           "pg_catalog.pg_settings"
                           " WHERE name IN ('zero_damaged_pages', 'ignore_checksum_failure') AND"
                           " (pg_catalog.current_setting(name) = 'on' OR reset_val = 'on' OR "
                           "EXISTS (SELECT FROM "
                           "pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c "
                           "WHERE s.setdatabase IN "
                           "(0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
                           "pg_catalog.current_database())) AND c LIKE name || '=%' AND NOT c = "
                           "name || '=off'))"
                           " ORDER BY name DESC",
                           0, NULL);

    if (r == NULL) {
        return err_wrap(e, "look at the settings that hide damage");
    }
    for (int i = 0; i < PQntuples(r); i++) {
        const char *name = PQgetvalue(r, i, 0);

        strlist_take(&s->warnings,
                     PQgetvalue(r, i, 1)[0] == 't' ? xasprintf("%s is on, and this role may not "
                                                               "turn it off: damage that the "
                                                               "server has passed over already is "
                                                               "not seen",
                                                               name)
                                                   : xasprintf("%s is on for other sessions: "
                                                               "damage that the server has "
                                                               "passed over for them is not seen",
                                                               name));
    }
    PQclear(r);
    return 0;
}

/* What the definitions came to. */
static int
take_over(struct attempt *a, struct err *e)
{
    struct definitions *d = a->s->definitions;

    strlist_add_all(&a->moved, &d->moved);
    if (d->rc != 0) {
        a->refused = d->refused;
        *e = d->err;
    }
    return d->rc;
}

/* pg_dump in a thread of its own, the rest in this one.  Of two failures the first counts: the
 * other is its consequence. */
static int
side_by_side(struct attempt *a, struct err *e)
{
    int rc = definitions_prepare(a->s->definitions, e);

    if (rc != 0) {
        return -1;
    }
    definitions_start(a->s->definitions);
    if (list_the_rest(a->o, a->s, e) != 0 || meanwhile(a, e) != 0) {
        rc = -1;
    }
    definitions_finish(a->s->definitions, rc != 0);
    if (rc != 0 && !snapshot_in_vain(a->s)) {
        return look_back(a, rc, e);
    }
    err_clear(e);
    a->refused = false;
    rc = take_over(a, e);
    return rc != 0 || snapshot_in_vain(a->s) ? rc : look_back(a, rc, e);
}

static int
note_the_server(struct snapshot *s, struct err *e)
{
    return note_login_triggers(s, e) != 0 || note_damage_hidden(s, e) != 0 ? -1 : 0;
}

/* List, LOCK, snapshot, list again: then no listed table can change. */
static int
lock_then_dump(struct attempt *a, struct err *e)
{
    if (pg_exec(a->s->conn, e, BEGIN_SNAPSHOT) != 0 ||
        tables_lock(a->s->conn, a->o, &a->first, e) != 0 || export_and_list(a->s, e) != 0) {
        return -1;
    }
    compare_listings(a->o, &a->first, &a->s->catalog, false, &a->moved);
    if (a->moved.n > 0) {
        return 0;
    }
    return note_the_server(a->s, e) != 0 ? -1 : side_by_side(a, e);
}

/* Too few locks: pg_dump has locked everything and released it before the coordinator locks; then
 * changes in between are checked. */
static int
dump_then_lock(struct attempt *a, struct err *e)
{
    struct catalog after = {0};
    int            rc = -1;

    if (pg_exec(a->s->conn, e, BEGIN_SNAPSHOT) != 0 || export_and_list(a->s, e) != 0 ||
        list_the_rest(a->o, a->s, e) != 0 || note_the_server(a->s, e) != 0 ||
        definitions_prepare(a->s->definitions, e) != 0) {
        return -1;
    }
    definitions_make(a->s->definitions);
    if (take_over(a, e) != 0) {
        return a->refused ? -1 : locks_explain_dump(a->now, a->o, e);
    }
    if (snapshot_in_vain(a->s)) {
        return 0;
    }
    if (tables_lock(a->s->conn, a->o, &a->s->catalog, e) == 0 &&
        list_now(a->now, true, &after, e) == 0) {
        compare_listings(a->o, &a->s->catalog, &after, true, &a->moved);
        rc = a->moved.n > 0 && (!a->last || tables_moved(&a->moved))
            ? 0
            : look_back(a, meanwhile(a, e), e);
    }
    catalog_free(&after);
    return rc;
}

/* What is only here stands still: pg_dump goes on when all else is there. */
static int
alone(struct attempt *a, struct err *e)
{
    struct strlist missing = {0};
    int            rc = -1;

    if (pg_exec(a->s->conn, e, BEGIN_SNAPSHOT) != 0 || export_and_list(a->s, e) != 0 ||
        definitions_prepare(a->s->definitions, e) != 0) {
        return -1;
    }
    definitions_start(a->s->definitions);
    if (list_the_rest(a->o, a->s, e) == 0 && note_the_server(a->s, e) == 0 &&
        globals_read(a->s, a->now, e) == 0) {
        rc = globals_missing(a->s, a->s->conn, &missing, e);
    }
    for (size_t i = 0; i < missing.n; i++) {
        strlist_take(&a->moved, xasprintf("role %s is gone from the globals", missing.v[i]));
    }
    strlist_free(&missing);
    return rc;
}

static int
attempt_once(struct attempt *a, struct err *e)
{
    struct definitions *d = a->s->definitions = xcalloc(1, sizeof *d);
    bool                is_short;

    *d = (struct definitions){.o = a->o, .s = a->s, .last = a->last};
    a->s->conn = pg_connect(a->o->target, PG_READING, "pgassay-backup", e);
    a->now = a->s->conn == NULL ? NULL
                                : pg_connect(a->o->target, PG_READING, "pgassay-backup check", e);
    if (a->now != NULL && a->o->unshared) {
        return alone(a, e);
    }
    if (a->now == NULL || list_now(a->s->conn, false, &a->first, e) != 0 ||
        locks_short(a->s->conn, tables_wanted(a->o, &a->first), &is_short, e) != 0) {
        return -1;
    }
    if (is_short) {
        log_info(
            "locks are short (max_locks_per_transaction): pg_dump runs before the tables are "
            "locked");
    }
    d->now = a->now;
    return (is_short ? dump_then_lock : lock_then_dump)(a, e);
}

static char *
joined(const struct strlist *l)
{
    char *text = xstrdup(l->n == 0 ? "" : l->v[0]);

    for (size_t i = 1; i < l->n && i < 5; i++) {
        char *longer = xasprintf("%s; %s", text, l->v[i]);

        free(text);
        text = longer;
    }
    return text;
}

/* Is another try useful? */
static bool
worth_retrying(const struct snapshot *s, struct err *e)
{
    if (e->kind == ERR_INTERRUPTED || e->kind == ERR_USAGE || e->kind == ERR_AUTH ||
        strcmp(e->sqlstate, "42501") == 0 || strcmp(e->sqlstate, "53200") == 0 || s->conn == NULL) {
        return false;
    }
    /* With --lock-timeout 3 the wait must not be three times as long. */
    if (e->kind == ERR_BUSY) {
        return false;
    }
    /* pg_dump's own error is only text. */
    return strstr(e->text, "permission denied") == NULL && e->kind != ERR_NOT_FOUND;
}

/* 0: taken, or to be tried again (*again). */
static int
conclude(struct attempt *a, int rc, bool *again, struct err *e)
{
    char *what = joined(&a->moved);

    *again = false;
    if (rc != 0) {
        /* It may have failed before the second listing. */
        a->s->catalog.in_recovery = a->s->catalog.in_recovery || a->first.in_recovery;
        if (!a->refused) {
            (void)snapshot_lost(a->s, e);
        }
        *again = !a->last && !a->refused && worth_retrying(a->s, e);
        if (*again) {
            log_info("starting over with a new snapshot: %s", e->text);
            err_clear(e);
        }
    } else if (a->moved.n > 0 && !a->last) {
        *again = true;
        log_info("starting over with a new snapshot: changed meanwhile: %s", what);
    } else if (a->misread) {
        rc = err_set(e, ERR_BUSY, "schemas or types kept changing while rows were read: %s", what);
        err_hint(e, "run the backup when no schema change is under way");
    } else if (tables_moved(&a->moved)) {
        rc = err_set(e, ERR_BUSY, "tables kept changing while they were being locked: %s", what);
        err_hint(e, "run the backup when no schema change is under way");
    } else if (a->moved.n > 0) {
        strlist_take(&a->s->warnings,
                     xasprintf("definitions changed while the schema was dumped, %d times in a "
                               "row: %s",
                               ATTEMPTS, what));
    }
    free(what);
    return rc;
}

static int
take_without_definitions(const struct snapshot_options *o, struct snapshot *s, struct err *e)
{
    int rc = -1;

    *s = (struct snapshot){.archive = BUF_INIT(2 * GIB), .globals_sql = BUF_INIT(GIB)};
    s->conn = pg_connect(o->target, PG_READING, "pgassay-backup", e);
    if (s->conn != NULL && pg_exec(s->conn, e, BEGIN_SNAPSHOT) == 0 && export_and_list(s, e) == 0 &&
        note_damage_hidden(s, e) == 0) {
        rc = list_the_rest(o, s, e);
    }
    if (rc != 0) {
        (void)snapshot_lost(s, e);
        snapshot_end(s);
    }
    return rc;
}

int
snapshot_take(const struct snapshot_options *o, struct snapshot *s, struct err *e)
{
    bool again = true;
    int  rc = -1;

    if (o->no_definitions) {
        return take_without_definitions(o, s, e);
    }
    for (int n = 1; n <= ATTEMPTS && again; n++) {
        struct attempt a = {.o = o, .s = s, .last = n == ATTEMPTS};

        *s = (struct snapshot){.archive = BUF_INIT(2 * GIB), .globals_sql = BUF_INIT(GIB)};
        if (cancel_check(e) != 0) {
            return -1;
        }
        rc = attempt_once(&a, e);
        rc = conclude(&a, rc, &again, e);
        if (rc != 0 || again) {
            snapshot_end(s);
        }
        catalog_free(&a.first);
        pg_close(a.now);
        strlist_free(&a.moved);
    }
    return rc;
}

int
snapshot_definitions(struct snapshot *s, struct err *e)
{
    struct definitions *d = s->definitions;

    if (d == NULL) {
        return 0;
    }
    definitions_finish(d, false);
    if (d->rc != 0) {
        *e = d->err;
    }
    return d->rc;
}

bool
snapshot_in_vain(const struct snapshot *s)
{
    return atomic_load(&s->in_vain);
}

PGconn *
snapshot_worker(const struct snapshot_options *o, const struct snapshot *s, struct err *e)
{
    (void)s;
    return pg_connect(o->target, PG_READING, "pgassay-backup worker", e);
}

int
snapshot_begin(PGconn *worker, const struct snapshot *s, struct err *e)
{
    return exported_begin(worker, s->id, e);
}

int
snapshot_ping(struct snapshot *s, struct err *e)
{
    if (pg_exec(s->conn, e, "SELECT 1") == 0) {
        return 0;
    }
    return e->kind == ERR_INTERRUPTED ? -1 : err_wrap(e, "the snapshot's connection");
}

bool
snapshot_lost(const struct snapshot *s, struct err *e)
{
    /* In a read-only REPEATABLE READ transaction 40001 has no other cause. */
    bool conflict = s->catalog.in_recovery && strcmp(e->sqlstate, "40001") == 0;
    /* pg_dump's own error is only text; from PostgreSQL 17 on it is a different one. */
    const char *missing = strstr(e->text, "snapshot \"");
    bool        gone = strstr(e->text, "invalid snapshot identifier") != NULL ||
        strcmp(e->sqlstate, "72000") == 0 ||
        (missing != NULL && strstr(missing, "\" does not exist") != NULL) ||
        /* A statement on a connection that was ended before it finds no reason any more, only that
         * it may be tried again. */
        (e->kind == ERR_PG && e->transient && s->conn != NULL &&
         PQstatus(s->conn) != CONNECTION_OK);

    if (!conflict && !gone) {
        return false;
    }
    if (s->catalog.in_recovery) {
        err_wrap(e, "a conflict with recovery on the standby took the snapshot away");
        err_hint(e,
                 "raise max_standby_streaming_delay, or set hot_standby_feedback = on, on the "
                 "standby");
    } else {
        err_wrap(e, "the snapshot's own connection has ended");
    }
    e->transient = true;
    return true;
}

void
snapshot_end(struct snapshot *s)
{
    definitions_free(s->definitions);
    pg_close(s->conn);
    free(s->id);
    catalog_free(&s->catalog);
    buf_free(&s->archive);
    free(s->pg_dump_version);
    buf_free(&s->globals_sql);
    json_decref(s->globals_data);
    sequences_free(s->sequences, s->n_sequences);
    strlist_free(&s->warnings);
    *s = (struct snapshot){0};
}
