/*
 * repo.h - a repository: its identity, its keys for naming content, its databases.
 *
 * repo.<n>.json (highest n wins) is written by init and by key changes:
 *   format, needs, repo_id (32 hex), epoch (from 1), created, tool,
 *   id_key, fingerprint_key (64 and 32 hex) of unencrypted epochs,
 *   epochs: the encrypted ones (keyring.h; their keys: epoch.h),
 *   policy, database_policies (policy.h)
 *
 * <db> in keys is name_encode()d (enc.h) and matched exactly, never as a prefix.
 */
#ifndef STORAGE_REPO_REPO_H
#define STORAGE_REPO_REPO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "storage/contract/location.h"
#include "storage/contract/storage.h"
#include "storage/keys/keyring.h"
#include "storage/keys/signed.h"

enum { REPO_FORMAT = 1 };

struct repo {
    struct storage *st;         /* owned */
    char            id[33];     /* 128 random bits, hex */
    unsigned        epoch;      /* of new chunks */
    struct keyring *keys;       /* of all its epochs; owned */
    unsigned        generation; /* the highest n of repo.<n>.json */
    unsigned        in_force;   /* ... that is trusted: what object and line are of */
    unsigned        known;      /* the highest that anybody knows of (settings.h) */
    unsigned       *keys_known; /* likewise of keys.<epoch>.<n>.json, by epoch; owned, or NULL */
    json_t         *object;     /* its contents; owned */
    struct buf      line;       /* its exact bytes, with their signature */
    struct trust   *trust;      /* who signs, and who is trusted; owned, or NULL */
};

/* For reading and writing signed objects (signed.h). */
static inline struct signed_store
repo_signed(const struct repo *r)
{
    return (struct signed_store){.st = r->st, .trust = r->trust};
}

/* A new repository in an empty or missing directory; anything else there: ERR_EXISTS.  With
 * encrypt-to (keyring.h) it is encrypted from the start, and this host may write. */
int repo_init(const struct storage_location *, struct err *);
/* ERR_NOT_FOUND, with a hint to "pgassay storage init", when there is no repo.<n>.json (as with an
 * unmounted mount point: opening never creates anything). */
struct repo *repo_open(const struct storage_location *, struct err *);
struct repo *repo_open_storage(struct storage *,
                               struct err *); /* takes st, also on failure; without keys */
/* The same with a place's keys and pins; location is not used. */
struct repo *repo_open_storage_at(struct storage *, const struct storage_location *, struct err *);
/* If opened with trust- keys, it accepts from now on backups that no trusted key has signed. */
void repo_allow_unsigned(struct repo *);
void repo_close(struct repo *); /* accepts NULL */

/* Writes the next repo.<n>.json; whatever is not meant to change must be kept in it.  ERR_EXISTS,
 * and nothing is changed, when another one was written since this repository was opened. */
int repo_change(struct repo *, const json_t *object, struct err *);

/* Names (decoded) of databases that have a source.json or backups, sorted. */
int repo_databases(struct repo *, struct strlist *, struct err *);
/* 1: there are directories of backups of db, whatever is in them; 0: there are none. */
int repo_has_backups(struct repo *, const char *db, struct err *);
/* Sets ERR_NOT_FOUND: no backup of this database; the error names those that may have been
 * meant. */
int repo_no_database(struct repo *, const char *db, struct err *);

#endif
