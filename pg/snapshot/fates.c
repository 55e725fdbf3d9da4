#include "pg/snapshot/fates.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/crypto/hash.h"
#include "pg/conn/wait.h"

/* Half of them, the last one always. */
static void
draw(struct fates *f)
{
    uint32_t left = FATES / 2 - 1;

    f->committed[FATES - 1] = 1;
    for (uint32_t i = 0; i < FATES - 1; i++) {
        uint32_t chance;

        random_bytes(&chance, sizeof chance);
        f->committed[i] = chance % (FATES - 1 - i) < left;
        left -= f->committed[i];
    }
}

static void
put(struct buf *b, const char *text)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_puts(b, text, &never);
}

/* The answers to BEGIN, SELECT and COMMIT or ROLLBACK. */
static int
take_one(PGconn *conn, uint64_t *id, struct err *e)
{
    for (int i = 0; i < 3; i++) {
        PGresult *r = pg_next(conn, e);

        if (r == NULL) {
            return -1;
        }
        if (i == 1) {
            *id = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
        }
        PQclear(r);
    }
    return 0;
}

static int
run(PGconn *conn, struct fates *f, struct err *e)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        rc = pg_exec(conn, e, "SET synchronous_commit = off");

    for (size_t i = 0; i < FATES; i++) {
        put(&sql, "BEGIN READ WRITE; SELECT pg_catalog.pg_current_xact_id(); ");
        put(&sql, f->committed[i] != 0 ? "COMMIT; " : "ROLLBACK; ");
    }
    if (rc == 0 && !PQsendQuery(conn, buf_str(&sql))) {
        rc = pg_error(conn, NULL, e);
    }
    buf_free(&sql);
    for (size_t i = 0; rc == 0 && i < FATES; i++) {
        rc = take_one(conn, &f->id[i], e);
    }
    if (rc == 0) {
        PQclear(pg_finish(conn, e));
        rc = e->kind == ERR_NONE ? 0 : -1;
    }
    return rc;
}

int
fates_leave(const struct pg_target *t, struct fates *f, struct err *e)
{
    PGconn *conn = pg_connect(t, PG_READING, "pgassay-backup", e);
    int     rc;

    if (conn == NULL) {
        return -1;
    }
    *f = (struct fates){.id = {0}};
    draw(f);
    rc = run(conn, f, e);
    pg_close(conn);
    return rc;
}

int
fates_match(PGconn *conn, const struct fates *f, struct err *why)
{
    struct buf  ids = BUF_INIT(BUF_NO_LIMIT), ends = BUF_INIT(BUF_NO_LIMIT);
    struct err  none = ERR_INIT;
    const char *params[2];
    char       *same;

    for (size_t i = 0; i < FATES; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "%c%" PRIu64, i == 0 ? '{' : ',', f->id[i]);
        put(&ids, text);
        put(&ends, i == 0 ? "{" : ",");
        put(&ends, f->committed[i] != 0 ? "committed" : "aborted");
    }
    put(&ids, "}");
    put(&ends, "}");
    params[0] = buf_str(&ids);
    params[1] = buf_str(&ends);
    /* Of an id that is not used yet it is an error to ask. */
    same = pg_value(conn, &none,
                    "SELECT pg_catalog.bool_and(pg_catalog.pg_xact_status(f.id) IS NOT DISTINCT "
                    "FROM f.how) FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.xid8[]), "
                    "pg_catalog.unnest($2::text[])) f(id, how)",
                    2, params);
    buf_free(&ids);
    buf_free(&ends);
    if (same != NULL && same[0] == 't') {
        free(same);
        return 0;
    }
    free(same);
    if (none.kind == ERR_INTERRUPTED) {
        *why = none;
        return -1;
    }
    return err_set(why, ERR_PG,
                   "the server is not what it was: it does not know how transactions of the last "
                   "backup ended");
}
