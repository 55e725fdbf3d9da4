#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/pool.h"
#include "core/progress.h"
#include "storage/cmd_scrub.h"
#include "storage/namelist.h"
#include "storage/reader.h"
#include "storage/writer.h"

/* ---- what is there to read ---- */

static int
collect_line(void *ctx, const struct chunk_line *c, struct err *e)
{
    struct scrub     *s = ctx;
    struct chunk_name name;
    size_t            before = s->objects.n;

    (void)e;
    if (chunk_name_parse(c->name, &name) == 0) {
        known_trust(&s->objects, &name, c->size, c->raw_size);
        s->bytes += s->objects.n > before ? c->size : 0;
    }
    return 0;
}

void
scrub_damaged(struct scrub *s, const char *backup, const char *problem)
{
    struct bad_backup *b;

    for (size_t i = 0; i < s->n_bad_backups; i++) {
        if (strcmp(s->bad_backups[i].id, backup) == 0) {
            return;
        }
    }
    VEC_GROW(s->bad_backups, s->n_bad_backups, s->cap_bad_backups);
    b = &s->bad_backups[s->n_bad_backups++];
    *b = (struct bad_backup){.problem = xstrdup(problem)};
    memcpy(b->id, backup, strlen(backup) + 1);
}

/* -1 only when it could not be tried: a corrupt object is a finding. */
static int
finding(struct scrub *s, const char *backup, struct err *e)
{
    if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    scrub_damaged(s, backup, e->text);
    err_clear(e);
    return 0;
}

static int
collect(struct scrub *s, struct err *e)
{
    for (size_t i = 0; i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];
        struct manifest           *m;

        if (b->state == BACKUP_VOID || cancel_check(e) != 0) {
            if (e->kind == ERR_INTERRUPTED) {
                return -1;
            }
            continue;
        }
        if (b->state == BACKUP_DAMAGED) {
            scrub_damaged(s, b->id, b->problem);
        }
        if (b->label == NULL) {
            continue;
        }
        if (chunk_list_read(s->repo, b->label, collect_line, s, e) != 0 && finding(s, b->id, e) != 0) {
            return -1;
        }
        m = manifest_load(s->repo, b->label, e);
        if (m == NULL && finding(s, b->id, e) != 0) {
            return -1;
        }
        manifest_free(m);
    }
    return 0;
}

/* ---- reading it ---- */

struct reader {
    struct codec *codec;
    struct buf    scratch, out;
};

struct reading {
    struct scrub   *scrub;
    struct reader  *readers;      /* one a thread */
    pthread_mutex_t lock;         /* for scrub->bad */
};

static void
add_bad(struct reading *r, const struct known *k, bool healed, const struct err *why)
{
    struct scrub *s = r->scrub;

    (void)pthread_mutex_lock(&r->lock);
    VEC_GROW(s->bad, s->n_bad, s->cap_bad);
    s->bad[s->n_bad++] = (struct bad_object){
        .name = k->name, .missing = why->kind == ERR_NOT_FOUND, .healed = healed, .problem = xstrdup(why->text)};
    (void)pthread_mutex_unlock(&r->lock);
}

static int
check_one(void *ctx, void *task, int worker, struct err *e)
{
    struct reading     *r = ctx;
    struct reader      *me = &r->readers[worker];
    const struct known *k = task;
    char                name[CHUNK_NAME_MAX];
    struct chunk_line   line = {.name = name, .size = k->size, .raw_size = k->raw_size};
    struct err          why = ERR_INIT;
    int                 is;

    chunk_name_format(&k->name, name);
    /* Twice: memory and buses flip bits too, and a condemned chunk costs a new one. */
    if (cancel_check(e) != 0) {
        return -1;
    }
    is = chunk_check(r->scrub->repo, r->scrub->db, &line, me->codec, &me->scratch, &me->out, &why);
    if (is == 1) {
        is = chunk_check_anew(r->scrub->repo, r->scrub->db, &line, me->codec, &me->scratch, &me->out, &why);
    }
    if (is < 0) {
        *e = why;
        return err_wrap(e, "could not read chunk \"%s\"", name);
    }
    if (is > 0) {
        add_bad(r, k, chunk_has_twin(r->scrub->repo, r->scrub->db, &line, me->codec, &me->scratch, &me->out), &why);
    }
    progress_add(k->size);
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    const struct bad_object *x = a;
    const struct bad_object *y = b;
    char                     nx[CHUNK_NAME_MAX];
    char                     ny[CHUNK_NAME_MAX];

    chunk_name_format(&x->name, nx);
    chunk_name_format(&y->name, ny);
    return strcmp(nx, ny);
}

static int
read_all(struct scrub *s, int jobs, struct err *e)
{
    struct reading r = {.scrub = s};
    struct pool   *pool = pool_new(jobs, check_one, &r);
    int            rc;

    (void)pthread_mutex_init(&r.lock, NULL);
    r.readers = xcalloc((size_t)jobs, sizeof *r.readers);
    for (int i = 0; i < jobs; i++) {
        r.readers[i] = (struct reader){codec_new(CODEC_DEFAULT), BUF_INIT(CHUNK_STORED_MAX), BUF_INIT(CHUNK_RAW_MAX)};
    }
    for (size_t i = 0; i < s->objects.n; i++) {
        pool_add(pool, &s->objects.v[i], 0);
    }
    rc = pool_wait(pool, NULL, 0, e);
    pool_free(pool);
    for (int i = 0; i < jobs; i++) {
        codec_free(r.readers[i].codec);
        buf_free(&r.readers[i].scratch);
        buf_free(&r.readers[i].out);
    }
    free(r.readers);
    (void)pthread_mutex_destroy(&r.lock);
    if (s->n_bad > 1) {
        qsort(s->bad, s->n_bad, sizeof *s->bad, by_name);
    }
    return rc;
}

int
scrub_run(struct scrub *s, int jobs, bool quiet, struct err *e)
{
    int rc;

    if (backup_list_load(s->repo, s->db, &s->backups, e) != 0 || collect(s, e) != 0) {
        return -1;
    }
    progress_start("reading", s->bytes, quiet);
    rc = read_all(s, jobs, e);
    progress_end();
    return rc;
}

/* ---- condemning ---- */

static int
keep_name(void *ctx, const char *name, struct err *e)
{
    (void)e;
    strlist_add(ctx, name);
    return 0;
}

int
scrub_condemn(struct scrub *s, struct err *e)
{
    struct strlist before = {0};
    struct strlist names = {0};
    unsigned       unreadable = 0;
    int            rc = namelist_each(s->repo, s->db, "condemned", keep_name, &before, &unreadable, e);

    for (size_t i = 0; rc == 0 && i < s->n_bad; i++) {
        char name[CHUNK_NAME_MAX];

        chunk_name_format(&s->bad[i].name, name);
        if (!s->bad[i].missing && !strlist_has(&before, name)) {
            strlist_add(&names, name);
        }
    }
    if (rc == 0 && names.n > 0) {
        rc = namelist_put(s->repo, s->db, "condemned", &names, e);
    }
    s->condemned = rc == 0 ? names.n : 0;
    strlist_free(&before);
    strlist_free(&names);
    return rc;
}

bool
scrub_good(const struct scrub *s)
{
    for (size_t i = 0; i < s->n_bad; i++) {
        if (!s->bad[i].healed) {
            return false;
        }
    }
    return s->n_bad_backups == 0;
}

void
scrub_free(struct scrub *s)
{
    for (size_t i = 0; i < s->n_bad; i++) {
        free(s->bad[i].problem);
        strlist_free(&s->bad[i].backups);
        strlist_free(&s->bad[i].tables);
    }
    free(s->bad);
    for (size_t i = 0; i < s->n_bad_backups; i++) {
        free(s->bad_backups[i].problem);
    }
    free(s->bad_backups);
    backup_list_free(&s->backups);
    known_free(&s->objects);
}
