/*
 * rowver.c - why a range whose rows are as many and as old as they were holds the same rows.
 *
 * Let S1 and S2 be two snapshots of one history, S2 the later one, and X the xmin of S1: the oldest
 * id in progress then, so that all below it had ended, prepared ones among them.  If in a range of
 * blocks
 *
 *   1. no row that S2 shows was made by a transaction with an id of X or more (a row's xmin; of a
 *      subtransaction its own, which is above its parent's), and
 *   2. S2 shows as many rows as S1,
 *
 * then they are the same.  A row that S2 shows was made by a transaction that committed; its id is
 * below X, so it had ended before S1, and S1 sees that it committed.  If S1 did not show the row,
 * it was deleted for S1; then it were for S2.  So S1 showed it, and in the same place, since a
 * version does not move while the table's file is the same (likeness.h).  What S2 shows is a part
 * of what S1 showed, and as many: all of it.  A version never changes, nor does its TOAST. Whatever
 * else happened left no trace in what is visible: rows of a transaction that was rolled back, rows
 * that came and went.
 *
 * Ids are compared modulo 2^32, by their age: how far before the next id.  A row with an id of X or
 * more is not older than X as long as X is not 2^30 behind, which rowver_since() sees to.  The
 * opposite may happen: xmin of a frozen row stays in place, so that one of some four billion
 * transactions ago may look new, and is read.  Ids below 3 have an age of 2147483647; rows of
 * servers before 9.4 may have them, and what pg_surgery has made visible by force, which need not
 * have been so for S1: they are taken for new, too.
 *
 * One history: what a snapshot showed is still there for a later one if the machine was not put
 * back to a former state, and no crash took back what nobody had waited for.  "server" of
 * likeness.h shows most of this, and fates.h the rest: the transactions that rowver_leave() lets
 * end come after all that S1 shows, and with any other past the server does not know of them.
 *
 * The statement goes through the whole table by a sequential scan, by COPY's settings
 * (conn/session.c): it keeps to a ring of buffers as COPY does.
 */
#include "pg/snapshot/rowver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pg/conn/wait.h"
#include "pg/snapshot/likeness.h"

enum { FIRST_NORMAL_ID = 3 };
#define AGE_MAX (UINT64_C(1) << 30)

static int
look(PGconn *conn, struct rowver_point *p, struct err *why)
{
    PGresult *r = pg_query(conn, why,
                           "SELECT pg_catalog.pg_snapshot_xmin(s), "
                           "pg_catalog.pg_snapshot_xmax(s), " LIKENESS_SERVER
                           " FROM pg_catalog.pg_current_snapshot() s",
                           0, NULL);

    if (r == NULL) {
        return -1;
    }
    *p = (struct rowver_point){.xmin = strtoull(PQgetvalue(r, 0, 0), NULL, 10),
                               .xmax = strtoull(PQgetvalue(r, 0, 1), NULL, 10)};
    likeness_digest(PQgetvalue(r, 0, 2), p->server);
    PQclear(r);
    return 0;
}

int
rowver_here(PGconn *conn, struct rowver_point *p, struct err *why)
{
    return likeness_protect(conn, why) != 0 ? -1
                                            : likeness_unprotect(conn, look(conn, p, why), why);
}

int
rowver_leave(const struct pg_target *t, struct rowver_point *p, struct err *why)
{
    return fates_leave(t, &p->fates, why);
}

int
rowver_since(PGconn *conn, const struct rowver_point *before, const struct rowver_point *now,
             struct err *why)
{
    if (memcmp(before->server, now->server, sizeof now->server) != 0) {
        return err_set(why, ERR_PG,
                       "the server was started again, or the database or an enum has changed, "
                       "since the last backup");
    }
    if (now->xmin < before->xmin) {
        return err_set(why, ERR_PG, "the server is behind the last backup");
    }
    if (now->xmax - before->xmin >= AGE_MAX || (uint32_t)before->xmin < FIRST_NORMAL_ID) {
        return err_set(why, ERR_PG, "the last backup is too many transactions ago");
    }
    return likeness_protect(conn, why) != 0
        ? -1
        : likeness_unprotect(conn, fates_match(conn, &before->fates, why), why);
}

static void
put(struct buf *b, const char *text)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_puts(b, text, &never);
}

/* Where the ranges but the first begin, as an array's text: rows from the n-th on lie in range
 * n. */
static void
put_borders(struct buf *b, const struct rowver_want *w)
{
    put(b, "'{");
    for (size_t i = 1; i < w->n; i++) {
        const uint64_t block = i * w->width;
        char           text[40];

        (void)snprintf(text, sizeof text, "%s\"(%" PRIu64 ",0)\"", i > 1 ? "," : "", block);
        put(b, text);
    }
    put(b, "}'::pg_catalog.tid[]");
}

/* One message: a round trip a table.  The age of X is asked once, not for each row: a subquery that
 * depends on nothing.  The end of the savepoint gives back the lock, if it was this one's. */
static void
put_message(struct buf *b, const struct rowver_point *before, const struct rowver_want *w)
{
    char *table = pg_qualified(w->schema, w->name);
    char  x[16];

    (void)snprintf(x, sizeof x, "%" PRIu32, (uint32_t)before->xmin);
    put(b, "SAVEPOINT likeness; LOCK TABLE ONLY ");
    put(b, table);
    put(b, " IN ACCESS SHARE MODE NOWAIT; SELECT ");
    if (w->n > 1) {
        put(b, "pg_catalog.width_bucket(ctid, ");
        put_borders(b, w);
        put(b, ")");
    } else {
        put(b, "0");
    }
    put(b,
        ", pg_catalog.count(*), pg_catalog.bool_and(pg_catalog.age(xmin) > (SELECT "
        "pg_catalog.age('");
    put(b, x);
    put(b, "'::pg_catalog.xid)) AND pg_catalog.age(xmin) < 2147483647) FROM ONLY ");
    put(b, table);
    put(b, w->n > 1 ? " GROUP BY 1" : "");
    put(b, "; ROLLBACK TO SAVEPOINT likeness; RELEASE SAVEPOINT likeness");
    free(table);
}

static void
take(const PGresult *r, const struct rowver_want *w, bool *same)
{
    for (size_t i = 0; i < w->n; i++) {
        same[i] = w->rows[i] == 0; /* and none now, which is no row of the answer */
    }
    for (int i = 0; i < PQntuples(r); i++) {
        const size_t range = strtoull(PQgetvalue(r, i, 0), NULL, 10);

        if (range < w->n) {
            const uint64_t rows = strtoull(PQgetvalue(r, i, 1), NULL, 10);

            same[range] = rows == w->rows[range] && (rows == 0 || PQgetvalue(r, i, 2)[0] == 't');
        }
    }
}

static int
ask(PGconn *conn, const struct rowver_point *before, const struct rowver_want *w, bool *same,
    struct err *why)
{
    enum { STATEMENTS = 5, ANSWER = 2 };
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    int        rc;

    put_message(&sql, before, w);
    rc = PQsendQuery(conn, buf_str(&sql)) ? 0 : pg_error(conn, NULL, why);
    buf_free(&sql);
    for (int i = 0; rc == 0 && i < STATEMENTS; i++) {
        PGresult *r = pg_next(conn, why);

        rc = r == NULL ? -1 : 0;
        if (rc == 0 && i == ANSWER) {
            take(r, w, same);
        }
        PQclear(r);
    }
    if (rc != 0) {
        return likeness_unprotect(conn, -1, why);
    }
    PQclear(pg_finish(conn, why));
    return why->kind == ERR_NONE ? 0 : -1;
}

/* The table as one range, which takes the server half as long.  False: not all of it is known. */
static bool
as_one(const struct rowver_want *w, struct rowver_want *one, uint64_t *rows)
{
    *rows = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->rows[i] == UINT64_MAX) {
            return false;
        }
        *rows += w->rows[i];
    }
    *one = (struct rowver_want){.schema = w->schema, .name = w->name, .n = 1, .rows = rows};
    return true;
}

int
rowver_same(PGconn *conn, const struct rowver_point *before, const struct rowver_want *w,
            bool *same, struct err *why)
{
    struct rowver_want one;
    uint64_t           rows;
    bool               all = false;

    if (w->probably && w->n > 1 && as_one(w, &one, &rows)) {
        if (ask(conn, before, &one, &all, why) != 0) {
            return -1;
        }
        if (all) {
            memset(same, true, w->n * sizeof *same);
            return 0;
        }
    }
    return ask(conn, before, w, same, why);
}
