#include "backup/job.h"
#include "backup/import.h"
#include "core/human.h"
#include "core/log.h"
#include "core/logline.h"
#include "pg/target/aside.h"
#include "storage/repo/source.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/contract/location.h"

/* The address of the server that listed it, or where it was found: a section's settings for another
 * server apply only when that section is named. */
static int
options_of_server(struct job *j, struct err *e)
{
    struct options common;

    if (options_for(j->run->options, j->run->given, j->run->config, NULL, &common, e) != 0) {
        return -1;
    }
    j->o.conninfo = common.conninfo;
    j->o.host = common.host;
    j->o.port = common.port;
    j->o.user = common.user;
    options_free(&common);
    return 0;
}

/* Options of the database; again when its name is known only after connecting. */
static int
load_options(struct job *j, const char *name, struct err *e)
{
    if (j->have_options) {
        options_free(&j->o);
        j->have_options = false;
    }
    if (options_for(j->run->options, j->run->given, j->run->config, name, &j->o, e) != 0) {
        return -1;
    }
    j->have_options = true;
    if ((j->db->listed || j->db->name == NULL) && options_of_server(j, e) != 0) {
        return -1;
    }
    j->target = j->run->import != NULL ? scratch_target(j->run->import->scratch, j->db->dbname)
                                       : target_of(&j->o, j->run->given, j->db);
    return 0;
}

/* A scratch server is nobody's: a name that is bound stays so, and a new one is bound by its first
 * backup of a server. */
static int
identify_import(struct job *j)
{
    j->source = (struct repo_source){.dbname = xstrdup(j->dbname)};
    return 0;
}

/* Which server and database this is: the identity bound to a name in the repository. */
static int
identify(struct job *j, PGconn *conn, struct err *e)
{
    int       rc;
    PGresult *r = pg_query(conn, e,
                           "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()), "
                           "(SELECT oid FROM pg_catalog.pg_database WHERE datname = "
                           "pg_catalog.current_database()), "
                           "pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), "
                           "(SELECT pg_catalog.pg_get_userbyid(datdba) FROM "
                           "pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
                           0, NULL);

    if (r == NULL) {
        return err_wrap(e, "identify the database");
    }
    j->source = (struct repo_source){
        .system_identifier = strtoull(PQgetvalue(r, 0, 0), NULL, 10),
        .database_oid = (uint32_t)strtoul(PQgetvalue(r, 0, 1), NULL, 10),
        .dbname = xstrdup(PQdb(conn)),
    };
    j->clock_off = (double)time(NULL) - strtod(PQgetvalue(r, 0, 2), NULL);
    /* The name passes on to what has taken the place of a database that is set aside. */
    rc = aside_oids(conn, j->source.dbname, PQgetvalue(r, 0, 3), &j->source.before,
                    &j->source.n_before, &j->source.cap_before, e);
    PQclear(r);
    return rc;
}

/* A directory's clock is this host's own: then only the server can contradict it.  If a store
 * agrees with this host (writer_check_clock()), the server's clock is wrong. */
static int
check_clock(const struct job *j, struct err *e)
{
    double off = j->clock_off < 0 ? -j->clock_off : j->clock_off;
    bool   witness = false;
    char   text[32];

    if (off <= CLOCK_OFF_MAX) {
        return 0;
    }
    (void)duration_human(off, text, sizeof text);
    for (size_t i = 0; i < j->to.n; i++) {
        witness = witness ||
            (j->to.v[i].repo != NULL && strcmp(j->to.v[i].repo->st->ops->scheme, "file") != 0);
    }
    if (witness) {
        log_warn("this host's clock is %s %s the database server's", text,
                 j->clock_off < 0 ? "behind" : "ahead of");
        return 0;
    }
    err_set(e, ERR_IO, "this host's clock is %s %s the database server's: one of them is wrong",
            text, j->clock_off < 0 ? "behind" : "ahead of");
    return err_hint(e,
                    "set it: a backup of another time would be taken for the newest, or never "
                    "be it");
}

static int
find_out(struct job *j, struct err *e)
{
    PGconn *conn = pg_connect(&j->target, PG_READING, "pgassay-backup", e);
    int     rc = -1;

    if (conn == NULL) {
        return -1;
    }
    j->dbname = xstrdup(PQdb(conn));
    j->name = xstrdup(j->db->name != NULL ? j->db->name : j->dbname);
    logline_database_set(j->name);
    if ((j->db->name != NULL || load_options(j, j->name, e) == 0) &&
        (j->run->import != NULL ? identify_import(j) : identify(j, conn, e)) == 0) {
        rc = 0;
    }
    pg_close(conn);
    return rc;
}

static int
open_destinations(struct job *j, struct err *e)
{
    struct storage_location *places;
    size_t                   n;

    if (storage_locations_find(j->run->config, &j->o.repos, j->name,
                               &(struct storage_given){.options = &j->o.repo_options}, &places, &n,
                               e) != 0) {
        return -1;
    }
    destinations_open(&j->to, places, n, j->o.dry_run ? NULL : j->name);
    free(places);
    return destinations_left(&j->to, e);
}

int
job_open(struct job *j, struct err *e)
{
    return load_options(j, j->db->name, e) != 0 || find_out(j, e) != 0 ||
            open_destinations(j, e) != 0 || check_clock(j, e) != 0
        ? -1
        : 0;
}

void
job_close(struct job *j)
{
    selection_free(&j->selection);
    snapshot_end(&j->snapshot);
    manifest_free(j->manifest);
    label_free(j->label);
    unread_sums_free(&j->unread);
    deltas_end(j->deltas);
    fanout_end(j->fanout);
    source_free(&j->source);
    destinations_close(&j->to);
    if (j->have_options) {
        options_free(&j->o);
    }
    free(j->name);
    free(j->dbname);
}
