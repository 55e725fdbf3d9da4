#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/delta/kept_file.h"
#include "core/host/statedir.h"
#include "core/log.h"

struct kept_writer {
    char              *path, *side;
    int                fd;
    struct kept_header header;
    uint64_t           at, max;
    pthread_mutex_t    lock;
    struct kept_place *places;
    size_t             n_places, cap_places;
    uint32_t          *numbers; /* of the fanout */
    size_t             n_numbers, cap_numbers;
    bool               failed;
};

/* Under the lock, or while there are no other threads.  The backup goes on. */
static void
give_up(struct kept_writer *w, const char *what)
{
    if (!w->failed) {
        log_info("\"%s\": %s: %s; what changes is stored whole next time", w->side, what,
                 strerror(errno));
        w->failed = true;
        if (ftruncate(w->fd, 0) != 0) { /* others have to write there */
            log_info("\"%s\": could not empty it: %s", w->side, strerror(errno));
        }
    }
}

static void
append(struct kept_writer *w, const void *data, size_t n)
{
    const char *p = data;

    for (size_t done = 0; !w->failed && done < n;) {
        ssize_t part = pwrite(w->fd, p + done, n - done, (off_t)(w->at + done));

        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part <= 0) {
            give_up(w, "could not write it");
        } else {
            done += (size_t)part;
        }
    }
    w->at += n;
}

/* The path still stands for what is open: another run may have finished, and renamed it, between
 * open() and flock(). */
static bool
is_side(const struct kept_writer *w)
{
    struct stat open, named;

    return fstat(w->fd, &open) == 0 && lstat(w->side, &named) == 0 && open.st_dev == named.st_dev &&
        open.st_ino == named.st_ino;
}

/* Of a run that was killed, or of one that is at work: then it is locked, and that run's. */
static bool
open_side(struct kept_writer *w)
{
    w->fd = state_open(w->side, 0);
    if (w->fd < 0) {
        log_info("\"%s\": could not open it: %s", w->side, strerror(errno));
        return false;
    }
    if (flock(w->fd, LOCK_EX | LOCK_NB) != 0 || !is_side(w)) {
        log_info("\"%s\": another backup of this database is being taken on this host", w->side);
        (void)close(w->fd);
        w->fd = -1;
        return false;
    }
    return ftruncate(w->fd, 0) == 0;
}

struct kept_writer *
kept_begin(const char *repo_id, const char *db, const uint8_t fingerprint_key[16],
           const uint8_t marks_key[MARKS_KEY], uint64_t max_bytes)
{
    struct kept_writer *w = xcalloc(1, sizeof *w);

    w->fd = -1;
    w->max = max_bytes;
    w->path = kept_path(repo_id, db);
    (void)pthread_mutex_init(&w->lock, NULL);
    if (w->path != NULL) {
        w->side = xasprintf("%s.new", w->path);
    }
    if (w->path == NULL || !open_side(w)) {
        kept_end(w);
        return NULL;
    }
    memcpy(w->header.magic, KEPT_MAGIC, sizeof KEPT_MAGIC);
    memcpy(w->header.key, marks_key, MARKS_KEY);
    w->header.prints = kept_prints(marks_key, fingerprint_key);
    append(w, &w->header, sizeof w->header);
    return w;
}

static void
put(struct buf *b, const void *data, size_t n)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    (void)buf_append(b, data, n, &never);
}

enum { LENGTH_MAX = 5 };

/* As varints. */
static void
put_lengths(struct buf *b, const uint32_t *v, size_t n)
{
    struct err never = ERR_INIT;
    uint8_t   *p;

    (void)buf_reserve(b, n * LENGTH_MAX, &never);
    p = b->data + b->len;
    for (size_t i = 0; i < n; i++) {
        uint32_t rest = v[i];

        for (; rest >= 0x80; rest >>= 7) {
            *p++ = (uint8_t)(rest | 0x80);
        }
        *p++ = (uint8_t)rest;
    }
    b->len = (size_t)(p - b->data);
}

static void
format(const struct kept_key *key, const struct kept_buffer *k, const uint8_t *mac_key,
       struct buf *out)
{
    const struct match_earlier *of = &k->of;
    struct kept_record          r = {.place = key->place,
                                     .ordinal = key->ordinal,
                                     .raw_size = k->raw_size,
                                     .list = k->list,
                                     .n_sources = (uint32_t)of->n_sources,
                                     .n_runs = (uint32_t)of->runs.n,
                                     .n_marks = (uint32_t)of->marks.n};

    memcpy(r.sha256, k->sha256, sizeof r.sha256);
    put(out, &r, sizeof r);
    for (size_t i = 0; i < of->n_sources; i++) {
        const struct match_source *s = &of->sources[i];

        put(out, &(struct kept_file_source){s->chunk, s->offset, s->length, s->raw_size},
            sizeof(struct kept_file_source));
    }
    put(out, of->runs.v, of->runs.n * sizeof *of->runs.v);
    put(out, of->marks.digest, of->marks.n * sizeof *of->marks.digest);
    put_lengths(out, of->marks.length, of->marks.n);
    r.digest = marks_digest(mac_key, out->data + sizeof r.digest, out->len - sizeof r.digest);
    memcpy(out->data, &r.digest, sizeof r.digest);
}

/* Under the lock.  False: there is no room. */
static bool
add_record(struct kept_writer *w, const struct kept_key *key, const struct buf *record)
{
    if (w->failed || w->at + record->len > w->max) {
        return false;
    }
    VEC_GROW(w->places, w->n_places, w->cap_places);
    w->places[w->n_places++] = (struct kept_place){
        .place = key->place, .offset = w->at, .length = record->len, .ordinal = key->ordinal};
    append(w, record->data, record->len);
    return true;
}

void
kept_add(struct kept_writer *w, const struct kept_key *key, const struct kept_buffer *k)
{
    struct buf record = BUF_INIT(BUF_NO_LIMIT);

    format(key, k, w->header.key, &record);
    (void)pthread_mutex_lock(&w->lock);
    if (add_record(w, key, &record)) {
        for (size_t i = 0; i < k->of.n_sources; i++) {
            VEC_GROW(w->numbers, w->n_numbers, w->cap_numbers);
            w->numbers[w->n_numbers++] = k->of.sources[i].chunk;
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    buf_free(&record);
}

void
kept_note_add(struct kept_writer *w, uint64_t place, const void *data, size_t n)
{
    struct buf record = BUF_INIT(BUF_NO_LIMIT);
    uint64_t   digest = 0;

    put(&record, &digest, sizeof digest);
    put(&record, &place, sizeof place);
    put(&record, data, n);
    digest = marks_digest(w->header.key, record.data + sizeof digest, record.len - sizeof digest);
    memcpy(record.data, &digest, sizeof digest);
    (void)pthread_mutex_lock(&w->lock);
    (void)add_record(w, &(struct kept_key){place, KEPT_NOTE}, &record);
    (void)pthread_mutex_unlock(&w->lock);
    buf_free(&record);
}

static int
by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
unique_numbers(struct kept_writer *w)
{
    size_t n = 0;

    if (w->n_numbers > 1) {
        qsort(w->numbers, w->n_numbers, sizeof *w->numbers, by_number);
    }
    for (size_t i = 0; i < w->n_numbers; i++) {
        if (n == 0 || w->numbers[n - 1] != w->numbers[i]) {
            w->numbers[n++] = w->numbers[i];
        }
    }
    w->n_numbers = n;
}

static void
put_repo(struct buf *index, const char *repo_id, const uint8_t *ids, size_t n)
{
    char padded[KEPT_REPO_ID] = "";

    (void)snprintf(padded, sizeof padded, "%s", repo_id);
    put(index, padded, sizeof padded);
    put(index, ids, n * SHA256_BYTES);
}

/* Of a repository that missed this backup: the ids that it is known to have of its chunks. */
static uint32_t
put_missed(const struct kept_writer *w, const struct kept *was, const char *repo_id,
           const uint8_t *ids, const struct strlist *written, struct buf *index)
{
    uint8_t    *there = xcalloc(w->n_numbers + 1, SHA256_BYTES);
    uint32_t    repos = 0;
    const char *missed;

    for (size_t r = 0; was != NULL && (missed = kept_repo(was, r)) != NULL; r++) {
        if (!strlist_has(written, missed) &&
            kept_translate(was, repo_id, ids, w->n_numbers, r, there)) {
            put_repo(index, missed, there, w->n_numbers);
            repos++;
        }
    }
    free(there);
    return repos;
}

/* Ids in each repository that has the backup, and in those that missed it. */
static uint32_t
put_ids(const struct kept_writer *w, struct fanout *f, const struct kept *was, struct buf *index)
{
    struct chunk_number *numbers = xcalloc(w->n_numbers + 1, sizeof *numbers);
    struct chunk_ref    *refs = xcalloc(w->n_numbers + 1, sizeof *refs);
    uint8_t             *ids = xcalloc(w->n_numbers + 1, SHA256_BYTES);
    struct strlist       written = {0};
    uint32_t             repos;

    for (size_t i = 0; i < w->n_numbers; i++) {
        numbers[i].n = w->numbers[i];
    }
    for (size_t r = 0; r < fanout_repos(f); r++) {
        const char *id = fanout_repo_id(f, r);

        if (id == NULL || !fanout_refs(f, r, numbers, w->n_numbers, refs)) {
            continue;
        }
        for (size_t i = 0; i < w->n_numbers; i++) {
            memcpy(ids + i * SHA256_BYTES, refs[i].name.id, SHA256_BYTES);
        }
        put_repo(index, id, ids, w->n_numbers);
        strlist_add(&written, id);
    }
    repos = (uint32_t)written.n;
    if (repos > 0) { /* by the last one's */
        repos += put_missed(w, was, written.v[repos - 1], ids, &written, index);
    }
    strlist_free(&written);
    free(ids);
    free(numbers);
    free(refs);
    return repos;
}

void
kept_commit(struct kept_writer *w, struct fanout *f, const struct kept *was)
{
    struct buf         index = BUF_INIT(BUF_NO_LIMIT);
    struct kept_footer foot = {.index = w->at, .n_records = (uint32_t)w->n_places};
    size_t             plain;

    unique_numbers(w);
    foot.n_chunks = (uint32_t)w->n_numbers;
    put(&index, w->places, w->n_places * sizeof *w->places);
    put(&index, w->numbers, w->n_numbers * sizeof *w->numbers);
    foot.n_repos = put_ids(w, f, was, &index);
    foot.length = index.len;
    plain = index.len;
    put(&index, (const uint8_t *)&foot + sizeof foot.digest, sizeof foot - sizeof foot.digest);
    foot.digest = marks_digest(w->header.key, index.data, index.len);
    append(w, index.data, plain);
    append(w, &foot, sizeof foot);
    if (!w->failed && (fdatasync(w->fd) != 0 || rename(w->side, w->path) != 0)) {
        give_up(w, "could not finish it");
    }
    if (!w->failed) {
        free(w->side);
        w->side = NULL;
    }
    buf_free(&index);
}

void
kept_end(struct kept_writer *w)
{
    if (w == NULL) {
        return;
    }
    /* While it is locked: another run's would have another inode. */
    if (w->fd >= 0 && w->side != NULL) {
        (void)unlink(w->side);
    }
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
    (void)pthread_mutex_destroy(&w->lock);
    free(w->path);
    free(w->side);
    free(w->places);
    free(w->numbers);
    free(w);
}
