/*
 * repair_label.c - an unreadable label, or a backup whose chunk list or manifest could not be
 * rebuilt, or chunks of which are found nowhere.
 *
 * A mirror (the repository's own bytes, elsewhere) has the same label: it is put back if its
 * digests are those of the chunk list and manifest here.  Any other repository holds the backup
 * under other names: what is left of it here is replaced by a copy, once all of that is stored here
 * except its label.
 */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "storage/heal/copy.h"
#include "storage/heal/repair_impl.h"
#include "storage/read/parts.h"
#include "storage/repo/label_load.h"
#include "storage/repo/source.h"

/* The object here has the label's digest. */
static bool
part_fits(const struct repairing *r, const struct label *l, enum label_part part)
{
    char      *object = label_part_name(l, part);
    char      *key = backup_key(r->db, l->id, object);
    struct buf stored = BUF_INIT(BUF_NO_LIMIT);
    struct err e = ERR_INIT;
    char       hex[SHA256_HEX + 1] = "";

    if (storage_get(r->to->st, key, &stored, &e) == 0) {
        sha256_hex(stored.data, stored.len, hex);
    }
    buf_free(&stored);
    free(key);
    free(object);
    return strcmp(hex, part == LABEL_CHUNKS ? l->chunks_sha256 : l->manifest_sha256) == 0;
}

/* 1: it is there again. */
static int
from_mirror(struct repairing *r, const char *id, const struct label *there, struct err *e)
{
    struct buf line = BUF_INIT(LABEL_BYTES_MAX);
    char      *key = backup_key(r->db, id, "label.json");
    int        rc = -1;

    if (!part_fits(r, there, LABEL_CHUNKS) || !part_fits(r, there, LABEL_MANIFEST)) {
        rc = 0;
    } else if (storage_get(r->from->st, key, &line, e) == 0 &&
               storage_replace(r->to->st, key, line.data, line.len, e) == 0) {
        rc = 1;
    }
    free(key);
    buf_free(&line);
    return rc;
}

/* Does the name stand for the same database in both?  Otherwise a copy would be refused, and what
 * is left here must not be removed for it. */
static bool
same_source(const struct repairing *r)
{
    struct repo_source here = {0};
    struct repo_source there = {0};
    struct err         e = ERR_INIT;
    bool               same = source_load(r->to, r->db, &here, &e) == 0 &&
        source_load(r->from, r->db, &there, &e) == 0 &&
        here.system_identifier == there.system_identifier &&
        here.database_oid == there.database_oid;

    source_free(&here);
    source_free(&there);
    return same;
}

static bool
whole_there(const struct repairing *r, const struct label *there)
{
    struct err e = ERR_INIT;

    return part_check(r->from, there, LABEL_MANIFEST, &e) == 0 &&
        part_check(r->from, there, LABEL_CHUNKS, &e) == 0;
}

static int
by_copy(struct repairing *r, const char *id, int jobs, char **why, struct err *e)
{
    struct copy_request q = {
        .db = r->db, .which = id, .replace = true, .jobs = jobs, .quiet = true};
    struct copy_result out = {0};
    int                rc = copy_run(r->from, r->to, &q, &out, e);

    for (size_t i = 0; rc == 0 && i < out.n; i++) {
        if (out.v[i].status == COPY_FAILED) {
            *why = xstrdup(out.v[i].err.text);
        }
    }
    copy_result_free(&out);
    return rc;
}

static int
see_run(void *ctx, const struct object_info *info, struct err *e)
{
    const char *suffix = strrchr(info->key, '.');

    (void)e;
    if (suffix == NULL || strcmp(suffix, ".revoked") != 0) {
        *(bool *)ctx = false;
    }
    return 0;
}

int
repair_nobody_writes(const struct repairing *r, bool *quiet, struct err *e)
{
    char *enc = name_encode(r->db);
    char *prefix = xasprintf("%s/runs/", enc);
    int   rc;

    *quiet = true;
    rc = storage_list(r->to->st, prefix, see_run, quiet, e);
    free(prefix);
    free(enc);
    return rc;
}

int
repair_backup(struct repairing *r, const char *id, const char *problem, int jobs, struct err *e)
{
    struct err    gone = ERR_INIT;
    struct label *there = label_load(r->from, r->db, id, &gone);
    char         *why = NULL;
    int           rc = 0;

    if (there == NULL || !whole_there(r, there)) {
        why = xstrdup("the other repository does not hold it whole either");
    } else if ((rc = from_mirror(r, id, there, e)) == 0) {
        if (same_source(r)) {
            rc = by_copy(r, id, jobs, &why, e);
        } else {
            why = xstrdup("in the other repository the name stands for another database");
        }
    }
    if (why != NULL) {
        strlist_take(&r->result->failed, xasprintf("backup %s: %s; %s", id, problem, why));
    } else {
        r->result->backups += rc >= 0;
    }
    free(why);
    label_free(there);
    return rc < 0 ? -1 : 0;
}

/* With as many chunks it is made of the same ones, and the lost one was looked for. */
int
repair_otherwise(struct repairing *r, const struct label *here, int jobs, bool *replaced,
                 struct err *e)
{
    struct err    gone = ERR_INIT;
    struct label *there = label_load(r->from, r->db, here->id, &gone);
    char         *why = NULL;
    int           rc = 0;

    *replaced = false;
    if (there != NULL && there->chunks != here->chunks && whole_there(r, there) && same_source(r)) {
        rc = by_copy(r, here->id, jobs, &why, e);
        *replaced = rc == 0 && why == NULL;
        r->result->backups += *replaced;
    }
    if (why != NULL) {
        strlist_take(&r->result->failed,
                     xasprintf("backup %s: chunks of it are lost; %s", here->id, why));
    }
    free(why);
    label_free(there);
    return rc;
}
