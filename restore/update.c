#include "restore/update.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/progress.h"
#include "restore/job/elsewhere.h"
#include "restore/job/entries.h"
#include "restore/load/finish.h"
#include "restore/load/kept.h"
#include "restore/load/load.h"
#include "restore/load/loaders.h"
#include "restore/load/lost.h"

/* It would change what is loaded. */
static const char fires_sql[] =
    "SELECT pg_catalog.format('trigger %s on %s', tgname, tgrelid::pg_catalog.regclass) FROM "
    "pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('A', 'R') UNION ALL "
    "SELECT pg_catalog.format('rule %s on %s', rulename, ev_class::pg_catalog.regclass) FROM "
    "pg_catalog.pg_rewrite WHERE ev_type <> '1' AND ev_enabled IN ('A', 'R') UNION ALL "
    "SELECT pg_catalog.format('event trigger %s', evtname) FROM pg_catalog.pg_event_trigger WHERE "
    "evtenabled IN ('A', 'R')";

static int
check_fires(struct restore *r, struct err *e)
{
    PGresult *res = pg_query(r->conn, e, fires_sql, 0, NULL);
    int       rc = res == NULL ? -1 : 0;

    if (rc == 0 && PQntuples(res) > 0) {
        rc = err_set(e, ERR_EXISTS, "%s fires in replication, too, and would change what is loaded",
                     PQgetvalue(res, 0, 0));
    }
    PQclear(res);
    return rc;
}

/* Tables with changed rows, as an array of regclass. */
static char *
changed_tables(const struct restore *r, size_t *n)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *out;

    *n = 0;
    for (size_t i = 0; i < r->n_tables; i++) {
        char *literal = r->kept->tables[i].changed ? pg_literal(r->conn, r->tables[i].qualified)
                                                   : NULL;

        if (literal != NULL) {
            (void)buf_printf(&text, &never, "%s%s", (*n)++ > 0 ? "," : "", literal);
        }
        free(literal);
    }
    out = xasprintf("ARRAY[%s]::pg_catalog.regclass[]", buf_str(&text));
    buf_free(&text);
    return out;
}

/* Of a partition that changed, the keys of its parents. */
static const char keys_sql[] =
    "SELECT n.nspname, c.relname || ' ' || k.conname, pg_catalog.format('%%I.%%I', n.nspname, "
    "c.relname), pg_catalog.quote_ident(k.conname) FROM pg_catalog.pg_constraint k "
    "JOIN pg_catalog.pg_class c ON c.oid = k.conrelid "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE k.contype = 'f' AND k.conparentid = 0 AND EXISTS (SELECT FROM "
    "pg_catalog.unnest(%s) t WHERE t IN (k.conrelid, k.confrelid) OR "
    "t IN (SELECT relid FROM pg_catalog.pg_partition_tree(k.conrelid)) OR "
    "t IN (SELECT relid FROM pg_catalog.pg_partition_tree(k.confrelid)))";

static const struct archive_entry *
key_entry(const struct restore *r, const char *schema, const char *tag)
{
    for (size_t i = 0; i < r->post.n; i++) {
        const struct archive_entry *x = r->post.v[i];

        if (strcmp(x->desc, "FK CONSTRAINT") == 0 && x->schema != NULL &&
            strcmp(x->schema, schema) == 0 && strcmp(x->tag, tag) == 0) {
            return x;
        }
    }
    return NULL;
}

static int
drop_key(struct restore *r, PGresult *res, int row, struct entry_list *keys, struct err *e)
{
    const struct archive_entry *entry = key_entry(r, PQgetvalue(res, row, 0),
                                                  PQgetvalue(res, row, 1));

    if (entry == NULL) {
        return err_set(e, ERR_EXISTS, "foreign key %s is not among its definitions",
                       PQgetvalue(res, row, 1));
    }
    entry_list_add(keys, entry);
    return pg_execf(r->conn, e, "ALTER TABLE %s DROP CONSTRAINT %s", PQgetvalue(res, row, 2),
                    PQgetvalue(res, row, 3));
}

static int
drop_keys(struct restore *r, const char *changed, struct entry_list *keys, struct err *e)
{
    char     *sql = xasprintf(keys_sql, changed);
    PGresult *res = pg_query(r->conn, e, sql, 0, NULL);
    int       rc = res == NULL ? -1 : 0;

    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        rc = drop_key(r, res, i, keys, e);
    }
    PQclear(res);
    free(sql);
    return rc;
}

/* All transactions of the copy are older than 2^32: it is made anew long before. */
static int
remove_stale(struct restore *r, size_t number, struct err *e)
{
    const struct kept_table *t = &r->kept->tables[number];
    const struct table_job  *job = &r->tables[number];
    int                      rc = 0;

    if (t->stale == NULL || job->table->extension != NULL) {
        return 0;
    }
    rc = t->none_stays
        ? pg_execf(r->conn, e, "TRUNCATE ONLY %s", job->qualified)
        : pg_execf(r->conn, e, "DELETE FROM ONLY %s WHERE xmin = ANY ('{%s}'::pg_catalog.xid[])",
                   job->qualified, t->stale);
    return rc == 0 ? 0 : err_wrap(e, "removing rows from table %s", job->qualified);
}

/* Some at a time: each is a lock until the transaction's end. */
static int
remove_large_objects(struct restore *r, struct err *e)
{
    bool  more = true;
    char *n;

    while (more) {
        n = pg_value(r->conn, e,
                     "SELECT pg_catalog.count(pg_catalog.lo_unlink(oid)) FROM (SELECT oid FROM "
                     "pg_catalog.pg_largeobject_metadata ORDER BY oid LIMIT 1000) l",
                     0, NULL);
        if (n == NULL)
            return err_wrap(e, "removing large objects");
        more = strcmp(n, "0") != 0;
        free(n);
    }
    return 0;
}

static int
load(struct restore *r, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < r->n_tables; i++) {
        r->tables[i].indexes.n = 0;
    } /* they are there */
    if (r->kept->lo_changed) {
        rc = remove_large_objects(r, e);
    } else {
        r->manifest->lo_count = 0;
    } /* so are these */
    for (size_t i = 0; rc == 0 && i < r->n_tables; i++) {
        rc = remove_stale(r, i, e);
    }
    if (rc == 0) {
        rc = loaders_make(r, e) == 0 ? load_run(r, 0, e) : -1;
    }
    loaders_end(r);
    return rc == 0 ? lost_mend(r, e) : elsewhere_hint(r, e);
}

/* An index whose functions read other tables was fed while these were not complete. */
static int
build_late(struct restore *r, struct err *e)
{
    for (size_t i = 0; i < r->post.n; i++) {
        const struct archive_entry *x = r->post.v[i];
        const bool                  constraint = strcmp(x->desc, "CONSTRAINT") == 0;
        const char                 *name = constraint ? strrchr(x->tag, ' ') : NULL;
        char                       *qualified, *sql;
        int                         rc;

        if (!constraint && strcmp(x->desc, "INDEX") != 0) {
            continue;
        }
        qualified = pg_qualified(x->schema, name == NULL ? x->tag : name + 1);
        sql = xasprintf("REINDEX INDEX %s", qualified);
        rc = entry_statement(r, r->conn, x, sql, e);
        free(qualified);
        free(sql);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* Their comments, which went with them. */
static int
comment_keys(struct restore *r, const struct entry_list *keys, struct err *e)
{
    struct entry_list comments = {0};
    int               rc;

    for (size_t i = 0; i < r->post.n; i++) {
        const struct archive_entry *x = r->post.v[i];
        bool                        of = false;

        for (size_t k = 0; k < keys->n && strcmp(x->desc, "COMMENT") == 0; k++) {
            for (size_t d = 0; d < x->n_depends; d++) {
                of = of || x->depends[d] == keys->v[k]->dump_id;
            }
        }
        if (of) {
            entry_list_add(&comments, x);
        }
    }
    rc = entries_run(r, r->conn, &comments, e);
    entry_list_free(&comments);
    return rc;
}

static int
change_rows(struct restore *r, const char *changed, struct err *e)
{
    struct entry_list keys = {0};
    int               rc;

    restore_phase(r, "rows, indexes");
    rc = drop_keys(r, changed, &keys, e) == 0 ? load(r, e) : -1;
    if (rc == 0) {
        restore_phase(r, "post-data");
        rc = build_late(r, e) == 0 && finish_foreign_keys(r, &keys, e) == 0
            ? comment_keys(r, &keys, e)
            : -1;
    }
    entry_list_free(&keys);
    return rc;
}

static int
open_copy(struct restore *r, struct err *e)
{
    r->updates = true;
    if (target_open(r, e) != 0) {
        return -1;
    }
    free(r->working_name);
    r->working_name = xstrdup(r->name);
    return target_take_up(r, e) == 0 && lost_begin(r, e) == 0 ? check_fires(r, e) : -1;
}

static int
bring_up(struct restore *r, struct err *e)
{
    size_t n;
    char  *changed = changed_tables(r, &n);
    int    rc;

    log_info("%zu of %zu tables have changed", n, r->n_tables);
    progress_start("restoring", plan_sizes(r).bytes, r->o->quiet);
    rc = n == 0 && !r->kept->lo_changed ? 0 : change_rows(r, changed, e);
    free(changed);
    if (rc == 0) {
        restore_phase(r, "foreign keys, sequences, privileges");
        rc = finish_sequences(r, r->conn, e);
    }
    /* What they show may depend on more than on rows. */
    if (rc == 0) {
        restore_phase(r, "refresh, statistics");
        rc = finish_refresh(r, r->conn, e);
    }
    return rc;
}

int
update_run(struct restore *r, struct err *e)
{
    restore_phase(r, "server, preflight");
    if (preflight_live(r, e) != 0 || open_copy(r, e) != 0 || kept_match(r, e) != 0 ||
        bring_up(r, e) != 0) {
        return -1;
    }
    return r->problems.n == 0 ? kept_write(r, e) : 0;
}
