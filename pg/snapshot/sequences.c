/*
 * sequences.c - the state of every sequence.
 *
 * Sequences are not MVCC objects, so each is read in its current state; hundreds at a time, in one
 * statement.  A savepoint releases the locks at once: 10,000 of them would fill the server's lock
 * table.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/mem.h"
#include "pg/snapshot/catalog.h"

enum { BATCH = 200 };

static int
batch_sql(const struct catalog *c, size_t first, size_t end, struct buf *sql, struct err *e)
{
    buf_clear(sql);
    for (size_t i = first; i < end; i++) {
        char *name = pg_qualified(c->sequences[i].schema, c->sequences[i].name);
        int   rc = buf_printf(sql, e, "%sSELECT %zu, last_value, is_called FROM %s",
                            i > first ? " UNION ALL " : "", i, name);

        free(name);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

static int
read_batch(PGconn *conn, const struct catalog *c, const char *sql, struct sequence_state *out,
           struct err *e)
{
    struct err ignored = ERR_INIT;
    PGresult  *r;

    if (pg_exec(conn, e, "SAVEPOINT sequences") != 0) {
        return -1;
    }
    r = pg_query(conn, e, sql, 0, NULL);
    if (r == NULL) {
        (void)pg_exec(conn, &ignored,
                      "ROLLBACK TO SAVEPOINT sequences; RELEASE SAVEPOINT sequences");
        return -1;
    }
    for (int i = 0; i < PQntuples(r); i++) {
        size_t k = strtoull(PQgetvalue(r, i, 0), NULL, 10);

        out[k] = (struct sequence_state){
            .schema = xstrdup(c->sequences[k].schema),
            .name = xstrdup(c->sequences[k].name),
            .last_value = strtoll(PQgetvalue(r, i, 1), NULL, 10),
            .is_called = PQgetvalue(r, i, 2)[0] == 't',
        };
    }
    PQclear(r);
    return pg_exec(conn, e, "ROLLBACK TO SAVEPOINT sequences; RELEASE SAVEPOINT sequences");
}

int
sequences_read(PGconn *conn, const struct catalog *c, struct sequence_state **out, size_t *n,
               struct err *e)
{
    struct buf             sql = BUF_INIT(MIB);
    struct sequence_state *v = xcalloc(c->n_sequences + 1, sizeof *v);
    bool                   alone = PQtransactionStatus(conn) == PQTRANS_IDLE;
    int                    rc = -1;

    *out = NULL;
    *n = 0;
    if (alone && pg_exec(conn, e, "BEGIN") != 0) {
        goto out;
    }
    for (size_t i = 0; i < c->n_sequences; i += BATCH) {
        size_t end = MIN(i + BATCH, c->n_sequences);

        if (batch_sql(c, i, end, &sql, e) != 0 || read_batch(conn, c, buf_str(&sql), v, e) != 0) {
            goto out;
        }
    }
    if (alone && pg_exec(conn, e, "COMMIT") != 0) {
        goto out;
    }
    *out = v;
    *n = c->n_sequences;
    v = NULL;
    rc = 0;
out:
    if (rc != 0 && alone && PQtransactionStatus(conn) != PQTRANS_IDLE) {
        struct err ignored = ERR_INIT;
        (void)pg_exec(conn, &ignored, "ROLLBACK");
    }
    sequences_free(v, c->n_sequences);
    buf_free(&sql);
    return rc;
}

void
sequences_free(struct sequence_state *v, size_t n)
{
    for (size_t i = 0; v != NULL && i < n; i++) {
        free(v[i].schema);
        free(v[i].name);
    }
    free(v);
}
