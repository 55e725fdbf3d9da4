#include "pg/conn/damage.h"

#include <stdio.h>
#include <string.h>

static void
on_notice(void *ctx, const PGresult *r)
{
    struct pg_damage *d = ctx;
    const char       *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char       *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

    if (state == NULL || text == NULL || strncmp(state, "XX", 2) != 0) {
        d->notice(NULL, r);
    } else if (d->first.kind == ERR_NONE) {
        (void)err_set(&d->first, ERR_PG, "the server passes over damage: %s", text);
        (void)snprintf(d->first.sqlstate, sizeof d->first.sqlstate, "%s", state);
        (void)err_hint(&d->first, "turn zero_damaged_pages and ignore_checksum_failure off");
    }
}

void
pg_damage_watch(struct pg_damage *d, PGconn *conn)
{
    *d = (struct pg_damage){.conn = conn, .first = ERR_INIT};
    d->notice = PQsetNoticeReceiver(conn, on_notice, d);
}

void
pg_damage_end(struct pg_damage *d)
{
    (void)PQsetNoticeReceiver(d->conn, d->notice, NULL);
}

int
pg_damage_check(const struct pg_damage *d, struct err *e)
{
    if (d->first.kind == ERR_NONE) {
        return 0;
    }
    *e = d->first;
    return -1;
}
