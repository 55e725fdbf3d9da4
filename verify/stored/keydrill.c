#include "verify/stored/keydrill.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "storage/read/backup_find.h"
#include "storage/read/parts.h"
#include "storage/read/place.h"
#include "verify/job/baseline.h"
#include "verify/job/record.h"

/* ---- one backup ---- */

static int
read_one(struct repo *repo, const struct label *l, const struct manifest *m, uint32_t chunk,
         struct result_proven *p, struct err *e)
{
    struct place_reader *reader = place_reader_new(repo, l->db, m);
    struct buf           plain = BUF_INIT(CHUNK_RAW_MAX);
    int                  rc = place_read(reader, chunk, &plain, e);

    if (rc == 0) {
        p->chunks++;
        p->bytes += plain.len;
    }
    buf_free(&plain);
    place_reader_free(reader);
    return rc;
}

/* The first chunk of rows of the largest table; UINT32_MAX: no rows. */
static uint32_t
chunk_of_rows(const struct manifest *m)
{
    const struct manifest_table *largest = NULL;

    for (size_t i = 0; i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->n_ranges > 0 && t->ranges[0].n > 0 && (largest == NULL || t->bytes > largest->bytes))
            largest = t;
    }
    return largest == NULL ? UINT32_MAX : largest->ranges[0].segments[0].chunk;
}

static int
open_backup(struct repo *repo, const struct label *l, struct result_proven *p, struct err *e)
{
    struct manifest *m = manifest_load(repo, l, e);
    uint32_t         rows;
    int              rc = -1;

    if (m == NULL)
        return -1;
    rows = chunk_of_rows(m);
    if ((m->n_archive == 0 || read_one(repo, l, m, m->archive[0].chunk, p, e) == 0) &&
        (rows == UINT32_MAX || read_one(repo, l, m, rows, p, e) == 0))
        rc = 0;
    manifest_free(m);
    return rc;
}

static void
add_proven(struct verify_result *r, const struct result_proven *p, const struct label *l,
           const struct public_key *k)
{
    struct result_proven *one;

    VEC_GROW(r->proven, r->n_proven, r->cap_proven);
    one = &r->proven[r->n_proven++];
    *one = *p;
    one->database = xstrdup(l->db);
    one->key_name = xstrdup(k->name);
    memcpy(one->backup, l->id, sizeof one->backup);
    memcpy(one->key, k->id, sizeof one->key);
}

/* A finding for what the key does not open; any other error ends the drill. */
static int
judge(struct verify_result *r, const struct label *l, const struct public_key *k, struct err *e)
{
    char *object, *what;

    if (e->kind != ERR_AUTH && e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND)
        return -1;
    object = xasprintf("%s/backups/%s", l->db, l->id);
    what = xasprintf("not opened by key %s (%s)", k->id, k->name);
    findings_add(&r->findings,
                 (struct finding){.group = "keys",
                                  .object = object,
                                  .what = what,
                                  .have = e->text,
                                  .advice = e->hint[0] != '\0' ? e->hint : NULL});
    free(object);
    free(what);
    err_clear(e);
    return 0;
}

/* ---- each database ---- */

static int
try_database(struct repo *repo, const struct options *o, const char *db, const struct public_key *k,
             struct verify_result *r, struct err *e)
{
    time_t               started = time(NULL);
    struct label        *l = backup_find(repo, db, NULL, 0, e);
    struct result_proven p = {.chunks = 0};
    int                  rc = 0;

    if (l == NULL) {
        if (e->kind != ERR_NOT_FOUND && e->kind != ERR_CORRUPT)
            return -1;
        findings_add(&r->findings,
                     (struct finding){.class = FINDING_UNCOMPARED,
                                      .group = "keys",
                                      .object = db,
                                      .what = "no backup to open",
                                      .have = e->text,
                                      .advice = e->hint[0] != '\0' ? e->hint : NULL});
        err_clear(e);
        return 0;
    }
    if (!l->encrypted)
        findings_add(&r->findings,
                     (struct finding){.class = FINDING_NOTE,
                                      .group = "keys",
                                      .object = db,
                                      .what = "its newest backup is not encrypted: anybody opens "
                                              "it"});
    else if (open_backup(repo, l, &p, e) == 0) {
        add_proven(r, &p, l, k);
        record_key_drill(repo, o, l, k, &p, true, started);
    } else {
        rc = judge(r, l, k, e);
        if (rc == 0)
            record_key_drill(repo, o, l, k, &p, false, started);
    }
    label_free(l);
    return rc;
}

static int
try_identity(const struct options *o, const char *file, struct verify_result *r, struct err *e)
{
    struct strlist           one = {0};
    struct storage_location  place = o->place; /* with this identity alone */
    struct repo             *repo;
    const struct secret_key *k;
    struct strlist           names = {0};
    int                      rc = -1;

    strlist_add(&one, file);
    place.given.identity = &one;
    if ((repo = repo_open(&place, e)) == NULL || (k = keyring_identity(repo->keys, e)) == NULL ||
        databases_meant(repo, o, false, &names, e) != 0)
        goto out;
    rc = 0;
    for (size_t i = 0; rc == 0 && i < names.n; i++)
        rc = cancel_check(e) != 0 ? -1 : try_database(repo, o, names.v[i], &k->pub, r, e);
out:
    strlist_free(&names);
    repo_close(repo);
    strlist_free(&one);
    return rc;
}

int
verify_key_drill(const struct options *o, struct verify_result *r, struct err *e)
{
    struct strlist files = {0};
    int            rc = 0;

    keyring_identity_files(&o->place, &files);
    if (files.n == 0) {
        err_set(e, ERR_USAGE, "key-drill: whose key shall be tried?");
        return err_hint(e, "--identity FILE, the secret key of a reader");
    }
    for (size_t i = 0; rc == 0 && i < files.n; i++)
        rc = try_identity(o, files.v[i], r, e);
    strlist_free(&files);
    if (rc == 0 && r->n_proven == 0 && findings_count(&r->findings, FINDING_DIFFERENT) == 0)
        findings_add(&r->findings,
                     (struct finding){.class = FINDING_UNCOMPARED,
                                      .group = "keys",
                                      .object = o->place.location,
                                      .what = "no encrypted backup is there to open"});
    return rc;
}
