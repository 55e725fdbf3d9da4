/*
 * scratch.h - a private throw-away PostgreSQL server.
 *
 * initdb, or a copy of what it has made before (template.h), in a fresh directory below $TMPDIR
 * (0700), Unix socket in that directory only, listen_addresses empty, fsync off, trust
 * authentication (only its owner can reach the socket).
 *
 * Functions of the backup run in it with a superuser's rights, which reach the operating system. So
 * it runs as a user who owns nothing (account.h), without access to outside files, sockets and
 * processes (confine.h, namespaces.h).  A guardian process holds a pipe to the tool: when the tool
 * ends, in whatever way (kill -9 included), it ends the server and everything else started there,
 * and removes the directory, unless scratch_keep() was called.
 */
#ifndef PG_SCRATCH_SCRATCH_H
#define PG_SCRATCH_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"
#include "pg/conn/conn.h"

struct scratch;

struct scratch_options {
    int at_least; /* server_version_num of the oldest usable major; the nearest installed is used */
    const char *parent_dir; /* NULL: $TMPDIR or /tmp */
    const char *user;       /* account.h; only used by root */
    int         jobs;       /* sizes memory and worker settings */
    uint64_t    bytes;      /* of the database that comes there: a small one takes less memory,
                               which takes time to make ready; 0: unknown */
    int max_locks; /* tables that one transaction may touch; raises max_locks_per_transaction */
    const struct strlist *secrets; /* files that its user must not be able to read; NULL: none */
    bool        unconfined; /* accept a user who can read them, or a running cluster's data */
    bool        network;    /* let it connect to others */
    const char *data; /* where scratch_leave() leaves its data directory: on the file system of
                         parent_dir.  One that is there is used; NULL: neither */
};

struct scratch *scratch_start(const struct scratch_options *, struct err *);
const char     *scratch_host(const struct scratch *); /* socket directory */
const char     *scratch_port(const struct scratch *);
const char     *scratch_user(const struct scratch *); /* the superuser's name */
const char     *scratch_dir(const struct scratch *);
int             scratch_version(const struct scratch *);
/* A target for pg_connect(); borrowed strings. */
struct pg_target scratch_target(const struct scratch *, const char *dbname);
/* What an empty one takes: the cluster, with its first WAL, and more WAL; bytes. */
#define SCRATCH_ROOM ((uint64_t)72 << 20)
/* Something failed there: if its disk is full, as its log or the disk says, *e names it. */
void scratch_explain(const struct scratch *, struct err *);
/* Keeps it running: returns a shell command that removes it, which also stops it.  Allocated. */
char *scratch_keep(struct scratch *);
/* From now on scratch_end() stops it in order, and leaves its data directory for a later one
 * (scratch_options.data).  If that fails, or the tool is killed before, nothing is left. */
void scratch_leave(struct scratch *);
/* Removes a data directory that was left, as the user that it belongs to; one that is not there is
 * none.  ERR_IO. */
int scratch_forget(const char *data, struct err *);
/* Stops and removes (unless kept).  Accepts NULL. */
int scratch_end(struct scratch *, struct err *);

#endif
