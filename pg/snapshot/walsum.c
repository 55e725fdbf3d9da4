/*
 * walsum.c - why a block that no summary names holds the rows that it held.
 *
 * Let S1 and S2 be two snapshots.  A row that one shows and the other does not was inserted,
 * deleted or updated by a transaction that S2 shows and S1 does not; each such change is a WAL
 * record that names its block.  So it is enough to read the summaries of WAL that has all changes
 *
 *   1. by transactions that S1 does not show.  Their ids are at least S1's xmin, also those of
 *      transactions that were prepared or just under way then.  A checkpoint notes where it begins
 *      (redo_lsn) and, a moment later, the next transaction id: if that is no more than S1's xmin,
 *      all of them got their ids, and wrote, after redo_lsn: "since".  The newest checkpoint is
 *      such a one unless a transaction under way is older; then a former snapshot's is taken.
 *   2. by transactions that S2 shows.  These lie before the place where WAL stands after S2 was
 *      taken; but summaries reach to the last checkpoint only.  Either a checkpoint is made now, or
 *      the last one says that nothing that S2 shows was written after it: no transaction was under
 *      way when it began, and none with a later id had ended when S2 was taken.  Its redo_lsn is
 *      the "mark".
 *
 * What is visible changes without a record in the block only at the end of a transaction, which 1
 * and 2 cover, or if WAL and blocks are not of one history.  Hence "server" (likeness.h): whatever
 * is done to a stopped server, and what a crash of the machine may do, is not seen.  A machine that
 * was put back to a former state with its memory has all of these: but no summary of it begins or
 * ends at the mark of a snapshot that it has never had.  The WAL before a mark was flushed, since
 * its checkpoint is complete: a crash of the server cannot take back what S1 showed.
 *
 * Not seen in summaries: files that are not logged (not asked about), WAL of wal_level = minimal
 * (the server leaves a gap), the free space map (without rows).  TOAST is not looked at: its rows
 * never change, and are new or gone only when a row of the table is.
 */
#include "pg/snapshot/walsum.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "pg/snapshot/likeness.h"

enum {
    FIRST_VERSION = 170000,
    WAIT_SECONDS = 10, /* a summary is made within a second of its checkpoint, if none is missing */
};

#define LSN(x) "(" x " - '0/0'::pg_catalog.pg_lsn)"

/* The answers of one moment. */
struct moment {
    uint64_t redo, next_xid, oldest_active; /* of the last checkpoint */
    uint64_t insert, xmin, xmax;
    bool     may_checkpoint;
    uint8_t  server[SHA256_BYTES];
};

static const char moment_sql[] =
    "SELECT " LSN("redo_lsn") ", next_xid, oldest_active_xid,"
    " " LSN("pg_catalog.pg_current_wal_insert_lsn()") ", "
    " pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()),"
    " pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()),"
    " pg_catalog.pg_has_role('pg_checkpoint', 'USAGE'),"
    " c.timeline_id = ('x' || t.line)::bit(32)::int4,"
    " " LIKENESS_SERVER " FROM pg_catalog.pg_control_checkpoint() c, (SELECT"
    "    pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8)"
    "    AS line) t";

static uint64_t
number(const PGresult *r, int row, int column)
{
    return strtoull(PQgetvalue(r, row, column), NULL, 10);
}

static int
look(PGconn *conn, struct moment *m, struct err *why)
{
    PGresult   *r = pg_query(conn, why, moment_sql, 0, NULL);
    const char *xid;
    int         rc = -1;

    if (r == NULL) {
        return -1;
    }
    xid = PQgetvalue(r, 0, 1); /* epoch:xid */
    *m = (struct moment){
        .redo = number(r, 0, 0),
        .next_xid = strtoull(xid, NULL, 10) << 32,
        .oldest_active = number(r, 0, 2),
        .insert = number(r, 0, 3),
        .xmin = number(r, 0, 4),
        .xmax = number(r, 0, 5),
        .may_checkpoint = PQgetvalue(r, 0, 6)[0] == 't',
    };
    likeness_digest(PQgetvalue(r, 0, 8), m->server);
    if (strchr(xid, ':') == NULL) {
        err_set(why, ERR_PG, "the server's next transaction id is \"%s\"", xid);
    } else if (PQgetvalue(r, 0, 7)[0] != 't') {
        err_set(why, ERR_PG, "the server has made no checkpoint on its timeline yet");
    } else {
        m->next_xid |= strtoull(strchr(xid, ':') + 1, NULL, 10);
        rc = 0;
    }
    PQclear(r);
    return rc;
}

/* Nothing that the snapshot shows was written after the last checkpoint began.  0: it was that of a
 * stopped server, where nothing is under way. */
static bool
is_quiet(const struct moment *m)
{
    return (m->oldest_active == 0 || m->oldest_active == (uint32_t)m->next_xid) &&
        m->xmax <= m->next_xid;
}

static void
begins_at(struct walsum_point *p, uint64_t xmin, uint64_t redo, uint64_t next_xid)
{
    if (redo > p->since && next_xid <= xmin) {
        p->since = redo;
        p->since_xid = next_xid;
    }
}

static int
find_point(PGconn *conn, const struct walsum_point *before, struct walsum_point *p, struct err *why)
{
    struct moment m, after;

    if (look(conn, &m, why) != 0) {
        return -1;
    }
    after = m;
    if (!is_quiet(&m)) {
        if (!m.may_checkpoint) {
            err_set(why, ERR_AUTH,
                    "something was written after the last checkpoint, and the role "
                    "may not make one");
            return err_hint(why, "GRANT pg_checkpoint to the role");
        }
        if (pg_exec(conn, why, "CHECKPOINT") != 0 || look(conn, &after, why) != 0) {
            return -1;
        }
        if (after.redo < m.insert || memcmp(after.server, m.server, sizeof m.server) != 0) {
            return err_set(why, ERR_PG, "the server has not made the checkpoint");
        }
    }
    *p = (struct walsum_point){.mark = after.redo};
    memcpy(p->server, after.server, sizeof p->server);
    if (before != NULL && memcmp(before->server, p->server, sizeof p->server) == 0) {
        begins_at(p, m.xmin, before->since, before->since_xid);
    }
    begins_at(p, m.xmin, m.redo, m.next_xid);
    begins_at(p, m.xmin, after.redo, after.next_xid);
    return 0;
}

/* 0: summaries are written. */
static int
summarizes(PGconn *conn, struct err *why)
{
    char *on;
    bool  is;

    if (pg_version(conn) < FIRST_VERSION) {
        return err_set(why, ERR_NOT_FOUND, "servers before 17 write no WAL summaries");
    }
    on = pg_value(conn, why,
                  "SELECT pg_catalog.current_setting('summarize_wal') = 'on' AND NOT "
                  "pg_catalog.pg_is_in_recovery()",
                  0, NULL);
    if (on == NULL) {
        return -1;
    }
    is = on[0] == 't';
    free(on);
    return is ? 0 : err_set(why, ERR_NOT_FOUND, "the server writes no WAL summaries");
}

int
walsum_here(PGconn *conn, const struct walsum_point *before, struct walsum_point *p,
            struct err *why)
{
    int rc = likeness_protect(conn, why);

    if (rc != 0) {
        return -1;
    }
    rc = summarizes(conn, why);
    if (rc == 0) {
        rc = find_point(conn, before, p, why);
    }
    return likeness_unprotect(conn, rc, why);
}

/* ---- what has changed ---- */

/* An array's text for the server: "{1,2". */
static void
put_element(struct buf *b, uint64_t v)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */
    char       text[24];

    (void)snprintf(text, sizeof text, "%c%" PRIu64, b->len == 0 ? '{' : ',', v);
    (void)buf_puts(b, text, &never);
}

static const char *
array_text(struct buf *b)
{
    struct err never = ERR_INIT;

    (void)buf_puts(b, b->len == 0 ? "{}" : "}", &never);
    return buf_str(b);
}

/* The summaries that the window needs, by where they begin and end. */
struct summaries {
    struct buf begin, end;
    uint64_t   upto; /* without a gap */
    bool       edge; /* one begins or ends at the former mark */
};

static void
free_summaries(struct summaries *s)
{
    buf_free(&s->begin);
    buf_free(&s->end);
}

static int
list(PGconn *conn, const struct walsum_point *from, const struct walsum_point *to,
     struct summaries *s, struct err *why)
{
    char       *since = xasprintf("%" PRIu64, from->since), *mark = xasprintf("%" PRIu64, to->mark);
    const char *params[] = {since, mark};
    PGresult   *r = pg_query(
        conn, why,
        "SELECT " LSN("start_lsn") " AS a, " LSN("end_lsn") " AS z FROM "
        "pg_catalog.pg_available_wal_summaries() WHERE tli = (SELECT timeline_id FROM "
        "pg_catalog.pg_control_checkpoint()) AND " LSN("end_lsn") " > $1::numeric AND "
        "" LSN("start_lsn") " < $2::numeric ORDER BY 1, 2", 2, params);

    free(since);
    free(mark);
    *s = (struct summaries){BUF_INIT(BUF_NO_LIMIT), BUF_INIT(BUF_NO_LIMIT), from->since, false};
    for (int i = 0; i < PQntuples(r); i++) {
        uint64_t a = number(r, i, 0), z = number(r, i, 1);

        s->edge = s->edge || a == from->mark || z == from->mark;
        if (a <= s->upto) {
            put_element(&s->begin, a);
            put_element(&s->end, z);
            s->upto = MAX(s->upto, z);
        }
    }
    PQclear(r);
    return r == NULL ? -1 : 0;
}

/* Does the server say that it has summarized this? */
static int
is_made(PGconn *conn, uint64_t upto, bool *yes, struct err *why)
{
    char *lsn = pg_value(conn, why, "SELECT " LSN("summarized_lsn") " FROM "
                                    "pg_catalog.pg_get_wal_summarizer_state()", 0, NULL);

    *yes = lsn != NULL && strtoull(lsn, NULL, 10) >= upto;
    free(lsn);
    return lsn == NULL ? -1 : 0;
}

/* All of the window, perhaps after a while. */
static int
wait_for(PGconn *conn, const struct walsum_point *from, const struct walsum_point *to,
         struct summaries *s, struct err *why)
{
    const double upto = clock_seconds() + WAIT_SECONDS;
    bool         made;

    for (;;) {
        if (is_made(conn, to->mark, &made, why) != 0 || list(conn, from, to, s, why) != 0) {
            return -1;
        }
        if (s->upto >= to->mark) {
            return s->edge ? 0
                           : err_set(why, ERR_PG,
                                     "the server is not what it was: no WAL "
                                     "summary begins where the last backup was");
        }
        if (made || clock_seconds() > upto) {
            return err_set(why, ERR_PG, "WAL summaries are missing from %X/%X on",
                           (unsigned)(s->upto >> 32), (unsigned)s->upto);
        }
        free_summaries(s);
        if (pg_exec(conn, why, "SELECT pg_catalog.pg_sleep(0.1)") != 0) {
            return -1;
        }
    }
}

/* A file number of 0 is all of the database. */
static const char changed_sql[] =
    "SELECT DISTINCT COALESCE(w.i, 0), CASE WHEN c.is_limit_block THEN -1 ELSE c.relblocknumber / "
    "w.width END"
    " FROM unnest($1::numeric[], $2::numeric[]) s(a, z) CROSS JOIN LATERAL"
    "    pg_catalog.pg_wal_summary_contents((SELECT timeline_id FROM "
    "pg_catalog.pg_control_checkpoint()),"
    "       '0/0'::pg_catalog.pg_lsn + s.a, '0/0'::pg_catalog.pg_lsn + s.z) c"
    " LEFT JOIN unnest($3::oid[], $4::oid[], $5::int8[]) WITH ORDINALITY"
    "    w(space, node, width, i) ON w.space = c.reltablespace AND w.node = c.relfilenode"
    " WHERE c.reldatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname ="
    "    pg_catalog.current_database()) AND c.relforknumber = 0"
    "    AND (w.i IS NOT NULL OR c.relfilenode = 0) ORDER BY 1, 2";

static int
ask(PGconn *conn, struct summaries *s, const struct walsum_want *v, size_t n, walsum_changed_fn *fn,
    void *ctx, struct err *why)
{
    struct buf arrays[3] = {BUF_INIT(BUF_NO_LIMIT), BUF_INIT(BUF_NO_LIMIT), BUF_INIT(BUF_NO_LIMIT)};
    PGresult  *r;
    int        rc = 0;

    for (size_t i = 0; i < n; i++) {
        put_element(&arrays[0], v[i].space);
        put_element(&arrays[1], v[i].node);
        put_element(&arrays[2], v[i].width == 0 ? (uint64_t)1 << 32 : v[i].width);
    }
    r = pg_query(conn, why, changed_sql, 5,
                 (const char *const[]){array_text(&s->begin), array_text(&s->end),
                                       array_text(&arrays[0]), array_text(&arrays[1]),
                                       array_text(&arrays[2])});
    if (r == NULL) {
        rc = -1;
    } else if (PQntuples(r) > 0 && number(r, 0, 0) == 0) {
        rc = err_set(why, ERR_PG, "the database was copied or moved");
    }
    for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
        fn(ctx, (size_t)number(r, i, 0) - 1, strtoll(PQgetvalue(r, i, 1), NULL, 10));
    }
    PQclear(r);
    for (size_t i = 0; i < 3; i++) {
        buf_free(&arrays[i]);
    }
    return rc;
}

static int
changed(PGconn *conn, const struct walsum_point *from, const struct walsum_point *to,
        const struct walsum_want *v, size_t n, walsum_changed_fn *fn, void *ctx, struct err *why)
{
    struct summaries s = {0};
    int              rc;

    if (memcmp(from->server, to->server, sizeof to->server) != 0) {
        return err_set(why, ERR_PG,
                       "the server was started again, or the database or an enum has changed, "
                       "since the last backup");
    }
    if (from->since == 0) {
        return err_set(why, ERR_PG,
                       "a transaction was under way at the last backup that was older "
                       "than any checkpoint known");
    }
    if (from->mark > to->mark) {
        return err_set(why, ERR_PG, "the server is behind the last backup");
    }
    if (from->since == to->mark) {
        return 0; /* nothing was written */
    }
    rc = wait_for(conn, from, to, &s, why);
    if (rc == 0) {
        rc = ask(conn, &s, v, n, fn, ctx, why);
    }
    free_summaries(&s);
    return rc;
}

int
walsum_changed(PGconn *conn, const struct walsum_point *from, const struct walsum_point *to,
               const struct walsum_want *v, size_t n, walsum_changed_fn *fn, void *ctx,
               struct err *why)
{
    return likeness_protect(conn, why) != 0
        ? -1
        : likeness_unprotect(conn, changed(conn, from, to, v, n, fn, ctx, why), why);
}
