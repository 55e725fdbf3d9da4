/*
 * inventory.h - facts about server and database as JSON: recorded at backup time, compared by
 * verify.
 *
 * Each function runs a few catalog queries on the given connection and returns a new reference, or
 * NULL. Shapes: docs/repository-format.md.  The compared properties are in the tables of
 * inventory_rules.c. Owners and ACLs are given by role name; owner_is_bootstrap marks the role that
 * initdb made, whatever its name.
 */
#ifndef PG_SNAPSHOT_INVENTORY_H
#define PG_SNAPSHOT_INVENTORY_H

#include "core/json.h"
#include "core/mem.h"
#include "pg/conn/conn.h"

json_t *inventory_server(
    PGconn *,
    struct err *); /* version, system_identifier (hex), standby, block size, settings that matter */
json_t *inventory_database(PGconn *, struct err *); /* name, oid, owner, encoding, locale, limit,
                                                       comment, acl, settings, labels, size */
/* The same of any database of the server, from another; ERR_NOT_FOUND: there is none. */
json_t *inventory_database_named(PGconn *, const char *name, struct err *);
json_t *inventory_snapshot(
    PGconn *, struct err *); /* time, lsn, xmin, xmax: of the connection's transaction */
json_t *inventory_xid(
    PGconn *,
    struct err *); /* ages of the database's oldest XID and multixact, the ten worst tables */
json_t *inventory_extensions(PGconn *,
                             struct err *); /* name, version, schema, owner, relocatable */
/* Adds "is_default": is it the version that this server makes?  Not recorded: one bad control file
 * on the server would be in the way of it. */
int inventory_extensions_default(PGconn *, json_t *extensions, struct err *);
/* What pg_dump does not carry: members of extensions as they are, user objects in system
 * schemas, changed built-in functions and comments on built-ins, subscriptions' state, invalid
 * indexes, logical slots, prepared transactions. */
json_t *inventory_omitted(PGconn *, struct err *);
/* The same, for a comparison with like: built-in objects listed there are listed here as well,
 * modified or not. */
json_t *inventory_omitted_like(PGconn *, const json_t *like, struct err *);
/* Only its lists whose elements may have "sql". */
json_t *inventory_repairable_like(PGconn *, const json_t *like, struct err *);

/* Two sections of one kind: recorded, found.  Major versions of their servers (15), or 0. */
struct inventory_pair {
    const json_t *want, *have;
    int           want_major, have_major;
    bool          elsewhere;           /* of two servers: differences of the clusters are a note */
    bool          without_tablespaces; /* have is a copy on a throw-away server, which has none */
};

/* Differences, one sentence each ("extension hstore: version 1.8, was 1.7"), and differences due to
 * the servers.  what: "database", "extensions", "globals" or "omitted" (of "server", "snapshot" and
 * "xid" everything may differ). */
void inventory_compare(const char *what, const struct inventory_pair *, struct strlist *differences,
                       struct strlist *notes);

#endif
