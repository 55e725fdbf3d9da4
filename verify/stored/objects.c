#include "verify/stored/objects.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/format/chunkindex.h"
#include "storage/read/backup_find.h"
#include "storage/read/missing.h"
#include "storage/read/parts.h"
#include "storage/read/reader.h"
#include "storage/repo/source.h"
#include "verify/job/baseline.h"
#include "verify/stored/deltas.h"

/* One worker's buffers: as large as the largest chunk, made once. */
struct hasher {
    struct codec *codec;
    struct buf    scratch, plain;
};

struct bad_chunk {
    struct chunk_name name;
    char             *why;
    enum finding_class class;
    struct buf backups; /* ids with blanks between */
};

struct checking {
    struct repo          *repo;
    const char           *db;
    struct verify_result *result;
    struct hasher        *hashers;
    struct chunkindex     chunks; /* of all backups, each once */
    struct bad_chunk     *bad;
    size_t                n_bad, cap_bad;
    pthread_mutex_t       lock;
};

/* An object that could not be read may be good: this is unknown. */
static enum finding_class
class_of(const struct err *fault)
{
    return fault->kind == ERR_CORRUPT || fault->kind == ERR_NOT_FOUND ? FINDING_DIFFERENT
                                                                      : FINDING_UNCOMPARED;
}

/* An unreachable store would give a finding for each object, each after all its retries. */
static bool
ends_the_run(const struct err *fault)
{
    return class_of(fault) == FINDING_UNCOMPARED &&
        (fault->transient || fault->kind == ERR_INTERRUPTED);
}

static void
bad_backup(struct checking *c, const char *id, const char *what, const char *why,
           enum finding_class class)
{
    char *object = xasprintf("%s/backups/%s", c->db, id);

    findings_add(
        &c->result->findings,
        (struct finding){
            .class = class, .group = "backups", .object = object, .what = what, .have = why});
    free(object);
}

/* 0 when it is a finding. */
static int
bad_part(struct checking *c, const char *id, const char *what, struct err *fault, struct err *e)
{
    if (ends_the_run(fault)) {
        *e = *fault;
        return -1;
    }
    bad_backup(c, id, what, fault->text, class_of(fault));
    err_clear(fault);
    return 0;
}

static int
collect_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    (void)e;
    (void)chunkindex_trust(ctx, line);
    return 0;
}

/* Label, manifest and chunk list of one backup; its chunks go into the set.  A fault of the
 * backup is a finding. */
static int
check_backup(struct checking *c, const struct backup_entry *b, struct err *e)
{
    struct err fault = ERR_INIT;

    if (cancel_check(e) != 0)
        return -1;
    if (b->state == BACKUP_VOID) {
        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_NOTE,
                                      .group = "backups",
                                      .object = b->id,
                                      .what = "void, not read",
                                      .have = b->problem});
        return 0;
    }
    if (b->state == BACKUP_DAMAGED)
        bad_backup(c, b->id, "damaged", b->problem, FINDING_DIFFERENT);
    if (backup_is_future(b))
        bad_backup(c, b->id, "is from the future",
                   b->doubt != NULL ? b->doubt : "the clock of a host was wrong, or this one's is",
                   FINDING_DIFFERENT);
    else if (b->doubt != NULL)
        bad_backup(c, b->id, "its times are not the store's", b->doubt, FINDING_DIFFERENT);
    if (b->label == NULL)
        return 0;
    c->result->stored.backups++;
    c->result->stored.objects += 3;
    c->result->stored.bytes += b->label->manifest_size + b->label->chunks_size;
    if (manifest_check_stored(c->repo, b->label, &fault) != 0 &&
        bad_part(c, b->id, "manifest", &fault, e) != 0)
        return -1;
    err_clear(&fault);
    return chunk_list_read(c->repo, b->label, collect_line, &c->chunks, &fault) == 0
        ? 0
        : bad_part(c, b->id, "chunk list", &fault, e);
}

static uint64_t
bytes_of(const struct chunkindex *chunks)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < chunks->n; i++) {
        bytes += chunks->v[i].ref.size;
    }
    return bytes;
}

static int
hash_chunk(void *ctx, void *task, int worker, struct err *e)
{
    struct checking        *c = ctx;
    const struct chunk_ref *ref = task;
    struct hasher          *h = &c->hashers[worker];
    struct err              fault = ERR_INIT;
    char                    name[CHUNK_NAME_MAX];
    int                     status;

    if (cancel_check(e) != 0)
        return -1;
    status = chunk_check(c->repo, c->db, ref, h->codec, &h->scratch, &h->plain, &fault);
    progress_add(ref->size);
    if (status != 0 && ends_the_run(&fault)) {
        *e = fault;
        return err_wrap(e, "could not read chunk \"%s\"", chunk_name_format(&ref->name, name));
    }
    if (status != 0) {
        pthread_mutex_lock(&c->lock);
        VEC_GROW(c->bad, c->n_bad, c->cap_bad);
        c->bad[c->n_bad++] = (struct bad_chunk){
            .name = ref->name,
            .why = xstrdup(fault.kind == ERR_NOT_FOUND ? "missing" : fault.text),
            .class = class_of(&fault),
            .backups = BUF_INIT(BUF_NO_LIMIT)};
        pthread_mutex_unlock(&c->lock);
    }
    return 0;
}

static int
hash_chunks(struct checking *c, int jobs, struct err *e)
{
    struct pool *pool;
    int          rc;

    c->hashers = xcalloc((size_t)jobs, sizeof *c->hashers);
    for (int i = 0; i < jobs; i++)
        c->hashers[i] = (struct hasher){.codec = codec_new(CODEC_DEFAULT),
                                        .scratch = BUF_INIT(2 * (size_t)CHUNK_RAW_MAX),
                                        .plain = BUF_INIT(2 * (size_t)CHUNK_RAW_MAX)};
    pool = pool_new(jobs, hash_chunk, c);
    for (size_t i = 0; i < c->chunks.n; i++) {
        c->result->stored.objects++;
        c->result->stored.bytes += c->chunks.v[i].ref.size;
        pool_add(pool, &c->chunks.v[i].ref, 0);
    }
    rc = pool_wait(pool, NULL, 0, e);
    pool_free(pool);
    for (int i = 0; i < jobs; i++) {
        codec_free(c->hashers[i].codec);
        buf_free(&c->hashers[i].scratch);
        buf_free(&c->hashers[i].plain);
    }
    free(c->hashers);
    return rc;
}

/* The backups affected by a bad chunk: their lists are read again, which costs nothing when there
 * is none. */
struct touched {
    struct checking *checking;
    const char      *backup;
};

static int
by_name(const void *a, const void *b)
{
    return chunk_name_compare(&((const struct bad_chunk *)a)->name,
                              &((const struct bad_chunk *)b)->name);
}

static int
note_touched(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct touched   *t = ctx;
    struct checking  *c = t->checking;
    struct bad_chunk  key = {.name = line->name};
    struct bad_chunk *bad = bsearch(&key, c->bad, c->n_bad, sizeof *c->bad, by_name);

    return bad == NULL
        ? 0
        : buf_printf(&bad->backups, e, "%s%s", bad->backups.len > 0 ? " " : "", t->backup);
}

static int
report_bad(struct checking *c, const struct backup_list *backups, struct err *e)
{
    int rc = 0;

    if (c->n_bad == 0)
        return 0;
    qsort(c->bad, c->n_bad, sizeof *c->bad, by_name);
    for (size_t i = 0; rc == 0 && i < backups->n; i++) {
        struct touched t = {c, backups->v[i].id};
        struct err     ignored = ERR_INIT; /* an unreadable list is a finding already */

        if (backups->v[i].label == NULL || backups->v[i].state == BACKUP_VOID)
            continue;
        if (chunk_list_read(c->repo, backups->v[i].label, note_touched, &t, &ignored) != 0)
            rc = cancel_check(e);
    }
    for (size_t i = 0; i < c->n_bad; i++) {
        struct bad_chunk *b = &c->bad[i];
        char              name[CHUNK_NAME_MAX];
        char *object = xasprintf("%s/chunks/%s", c->db, chunk_name_format(&b->name, name));
        char *hurts = xasprintf("needed by %s", buf_str(&b->backups));

        findings_add(&c->result->findings,
                     (struct finding){.class = b->class,
                                      .group = "chunks",
                                      .object = object,
                                      .what = b->why,
                                      .have = hurts});
        free(hurts);
        free(object);
    }
    return rc;
}

static void
free_bad(struct checking *c)
{
    for (size_t i = 0; i < c->n_bad; i++) {
        free(c->bad[i].why);
        buf_free(&c->bad[i].backups);
    }
    free(c->bad);
}

/* ---- deltas ---- */

struct adding {
    struct checking *checking;
    const char      *backup;
};

static int
bad_delta(void *ctx, const char *users, struct err *why, struct err *e)
{
    struct adding   *a = ctx;
    struct checking *c = a->checking;
    char            *object, *what;

    if (ends_the_run(why)) {
        *e = *why;
        return -1;
    }
    object = xasprintf("%s/backups/%s", c->db, a->backup);
    what = xasprintf("the rows of %s cannot be put together", users);
    findings_add(&c->result->findings,
                 (struct finding){.class = class_of(why),
                                  .group = "chunks",
                                  .object = object,
                                  .what = what,
                                  .have = why->text});
    free(what);
    free(object);
    return 0;
}

/* Of the backup that is meant, or the newest: an older one's were looked at when it was that, and
 * each costs as much as a restore of its rows. */
static int
check_deltas(struct checking *c, const struct backup_list *backups, const char *only, int jobs,
             struct err *e)
{
    const struct backup_entry *b = NULL;
    struct adding              a = {.checking = c};
    struct err                 fault = ERR_INIT;
    uint64_t                   n = 0;

    for (size_t i = 0; i < backups->n; i++) {
        const struct backup_entry *is = &backups->v[i];

        if (is->label != NULL && is->state != BACKUP_VOID &&
            (only == NULL || strcmp(only, is->id) == 0)) {
            b = is;
        }
    }
    if (b == NULL || !keyring_reads(c->repo->keys, b->label->epoch)) {
        return 0;
    }
    a.backup = b->id;
    if (deltas_check(c->repo, b->label, jobs, bad_delta, &a, &n, &fault) != 0) {
        return bad_part(c, b->id, "manifest", &fault, e);
    }
    c->result->stored.deltas += n;
    return 0;
}

/* The result must say what a good verdict means. */
static void
note_closed(struct checking *c, const struct backup_list *backups, const char *only)
{
    size_t n = 0;
    char  *what;

    for (size_t i = 0; i < backups->n; i++) {
        const struct backup_entry *b = &backups->v[i];

        n += b->label != NULL && b->state != BACKUP_VOID &&
            (only == NULL || strcmp(only, b->id) == 0) &&
            !keyring_reads(c->repo->keys, b->label->epoch);
    }
    if (n == 0)
        return;
    what = xasprintf(
        "%zu encrypted backup%s: stored bytes were hashed and not opened, for want of a key "
        "(--identity)",
        n, n == 1 ? "" : "s");
    findings_add(
        &c->result->findings,
        (struct finding){.class = FINDING_NOTE, .group = "backups", .object = c->db, .what = what});
    free(what);
}

/* A missing object is damage, too. */
static int
note_missing(struct checking *c, const struct backup_list *backups, struct err *e)
{
    struct strlist     missing = {0};
    struct repo_source source = {0};
    int                rc = missing_find(c->repo, c->db, backups, &missing, e) != 0
                       ? -1
                       : source_look(c->repo, c->db, &source, &missing, e);

    for (size_t i = 0; i < missing.n; i++)
        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_DIFFERENT,
                                      .group = "backups",
                                      .object = c->db,
                                      .what = missing.v[i]});
    source_free(&source);
    strlist_free(&missing);
    return rc;
}

int
check_stored(struct repo *repo, const char *db, const char *only, const struct options *o,
             struct verify_result *r, struct err *e)
{
    struct checking    c = {.repo = repo, .db = db, .result = r, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct backup_list backups = {0};
    int                rc = -1;

    if (backup_list_load(repo, db, &backups, e) != 0)
        goto out;
    note_closed(&c, &backups, only);
    if (only == NULL && note_missing(&c, &backups, e) != 0)
        goto out;
    for (size_t i = 0; i < backups.n; i++)
        if ((only == NULL || strcmp(only, backups.v[i].id) == 0) &&
            check_backup(&c, &backups.v[i], e) != 0)
            goto out;
    progress_start("hashing", bytes_of(&c.chunks), o->quiet);
    if (hash_chunks(&c, o->jobs, e) != 0 || report_bad(&c, &backups, e) != 0 ||
        check_deltas(&c, &backups, only, o->jobs, e) != 0)
        goto out;
    r->stored.databases++;
    rc = 0;
out:
    progress_end();
    free_bad(&c);
    chunkindex_free(&c.chunks);
    backup_list_free(&backups);
    return rc;
}

static int
check_database(struct repo *repo, const char *db, const struct options *o, struct verify_result *r,
               struct err *e)
{
    struct label *only;
    int           rc;

    if (o->backup == NULL && o->at_time == 0)
        return check_stored(repo, db, NULL, o, r, e);
    if ((only = backup_find(repo, db, o->backup, o->at_time, e)) == NULL)
        return -1;
    rc = check_stored(repo, db, only->id, o, r, e);
    label_free(only);
    return rc;
}

int
verify_objects(const struct options *o, struct verify_result *r, struct err *e)
{
    struct repo   *repo = repo_open(&o->place, e);
    struct strlist names = {0};
    int            rc;

    if (repo == NULL)
        return -1;
    rc = databases_meant(repo, o, false, &names, e);
    for (size_t i = 0; rc == 0 && i < names.n; i++)
        rc = check_database(repo, names.v[i], o, r, e);
    if (rc == 0)
        rc = settings_find(repo, &r->findings, e);
    strlist_free(&names);
    repo_close(repo);
    return rc;
}
