#include "verify/health/session.h"

#include <stdlib.h>
#include <string.h>

/* The last ones are for the queries of checks. */
static const char SETTINGS[] =
    "SET default_transaction_read_only = on; SET statement_timeout = '%ds'; SET lock_timeout = "
    "'1s'; SET pgassay.idle_after = %llu; SET pgassay.long_after = %llu";

static const char ABOUT[] =
    "SELECT pg_catalog.pg_is_in_recovery() AS standby,"
    " pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS stats,"
    " pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE') AS settings,"
    " pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE') AS wal_dir";

static int
prepare(struct health *h, struct err *e)
{
    int       limit = h->limits->timeout_s;
    PGresult *res;

    if (pg_execf(h->conn, e, SETTINGS, limit, (unsigned long long)h->limits->idle_after_s,
                 (unsigned long long)h->limits->long_after_s) != 0) {
        return err_wrap(e, "could not prepare the session");
    }
    res = pg_query_within(h->conn, limit * 1000, e, ABOUT);
    if (res == NULL) {
        return -1;
    }
    h->version = pg_version(h->conn);
    h->standby = cell_true(res, 0, "standby");
    h->rights[RIGHT_NONE] = true;
    h->rights[RIGHT_STATS] = cell_true(res, 0, "stats");
    h->rights[RIGHT_SETTINGS] = cell_true(res, 0, "settings");
    h->rights[RIGHT_WAL_DIR] = cell_true(res, 0, "wal_dir");
    PQclear(res);
    return 0;
}

int
session_open(struct health *h, const struct pg_target *target, struct err *e)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof seconds, "%d", h->limits->timeout_s);
    (void)setenv("PGCONNECT_TIMEOUT", seconds, 0);
    h->conn = pg_connect(target, PG_READING, "pgassay-verify", e);
    if (h->conn == NULL) {
        return -1;
    }
    if (pg_version(h->conn) < 130000) {
        session_close(h);
        return err_set(e, ERR_USAGE, "the server is older than PostgreSQL 13");
    }
    if (prepare(h, e) != 0) {
        session_close(h);
        return -1;
    }
    return 0;
}

void
session_close(struct health *h)
{
    pg_close(h->conn);
    h->conn = NULL;
}

/* ---- why there is no connection ---- */

struct reason {
    const char *state; /* beginning of the SQLSTATE, or NULL: by the text */
    const char *text;
    const char *what, *means, *action;
};

/* The first that fits.  Without a SQLSTATE the text is libpq's own, or that of the C library, in
 * English: the tools set no locale. */
static const struct reason reasons[] = {
    {"53300", NULL, "has no connection left for this role", "the pool is full",
     "look with a superuser or pg_use_reserved_connections role, for whom some are kept, at who "
     "holds them; end what is idle (pgassay verify health --terminate-idle)"},
    {"57P03", NULL, "is up, but not yet (or no longer) open", "it starts, recovers or shuts down",
     "follow its log until it is ready; recovery after a crash takes minutes"},
    {"57P", NULL, "ends sessions", "it shuts down, or was ended by an administrator",
     "look at its log for who stopped it"},
    {"28P01", NULL, "is up, but refuses the password", "authentication",
     "correct the password in ~/.pgpass or the service file; a password may also have expired "
     "(pg_roles.rolvaliduntil)"},
    {"28", NULL, "is up, but does not let this role in", "authentication",
     "look at pg_hba.conf for a line that fits role, database and address, and whether the role "
     "exists and may log in; after a change: SELECT pg_reload_conf()"},
    {"3D000", NULL, "is up, but has no such database", NULL, "name one that exists: -d dbname=…"},
    {"42501", NULL, "is up, but this role may not connect to the database", "authentication",
     "GRANT CONNECT ON DATABASE … TO …"},
    {"53", NULL, "is out of resources", "memory, disk or files",
     "look at the machine's memory and disks, then at the server's log"},
    {NULL, "no answer from the server", "takes the connection and does not answer", "it hangs",
     "look whether its processes wait for a disk (state D in ps), whether memory is swapped, "
     "whether a system catalog is locked, and at its log; a firewall on the way may drop packets"},
    {NULL, "timeout expired", "does not answer", "it hangs, or the network drops packets",
     "ping the host; look at firewalls, then at the machine's load and disks"},
    {NULL, "could not translate host name", "cannot be found by its name", "network",
     "look at the name and at the resolver (getent hosts NAME)"},
    {NULL, "No such file or directory", "is down: there is no socket", NULL,
     "look whether the service runs (systemctl status postgresql), at its log, at free disk and "
     "memory; or the socket is in another directory (-h)"},
    {NULL, "Connection refused", "is down: nobody listens there", NULL,
     "look whether the service runs, at its log, at free disk and memory; if it runs: at "
     "listen_addresses, port and firewall"},
    {NULL, "no password supplied", "is up, but wants a password", "authentication",
     "put one into ~/.pgpass (mode 0600)"},
    {NULL, "unreachable", "cannot be reached", "network", "look at routes, firewall and VPN"},
    {NULL, "No route to host", "cannot be reached", "network", "look at routes, firewall and VPN"},
    {NULL, "SSL", "and this client do not agree on encryption", "network or certificates",
     "look at sslmode, at the dates of the certificates, and at pg_hba.conf (hostssl)"},
    {NULL, "closed the connection unexpectedly", "drops connections", "its processes die",
     "look at its log for a crash, and at the kernel's for the OOM killer (dmesg)"},
    {NULL, "", "cannot be reached", NULL, "look at the server's log, and at the network"},
};

static const struct reason *
reason_of(const struct err *e)
{
    const struct reason *r = reasons;

    for (;; r++) {
        if (r->state != NULL ? strncmp(e->sqlstate, r->state, strlen(r->state)) == 0
                             : strstr(e->text, r->text) != NULL) {
            return r;
        }
    }
}

bool
session_diagnose(struct health *h, const struct err *e)
{
    const struct reason *r;
    struct watch_finding f = {.severity = WATCH_CRITICAL, .object = "the server"};

    if (e->kind == ERR_USAGE || e->kind == ERR_INTERRUPTED) {
        return false;
    }
    r = reason_of(e);
    f.what = r->what;
    f.means = r->means == NULL ? e->text : watch_text(h->report, "%s: %s", r->means, e->text);
    f.action = r->action;
    watch_find(h->report, f);
    return true;
}
