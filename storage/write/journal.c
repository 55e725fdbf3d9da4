#include "storage/write/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/log.h"
#include "core/mem.h"

/* A lost line costs rewriting one chunk: syncing each line would cost more. */
enum { SYNC_EVERY = 32 };

struct journal {
    pthread_mutex_t lock;
    int             fd;
    unsigned        unsynced;
    char           *path;
};

static void
give_up(struct journal *j, const char *what)
{
    log_warn("journal \"%s\": %s: %s; if this run is interrupted, the next starts from nothing",
             j->path, what, strerror(errno));
    if (j->fd >= 0) {
        (void)close(j->fd);
        j->fd = -1;
    }
}

/* A last line without a newline was torn by a crash: cut off, so that the next line is intact. */
static void
read_lines(struct journal *j, journal_fn *fn, void *ctx)
{
    FILE  *f = fdopen(dup(j->fd), "r");
    char  *line = NULL;
    size_t cap = 0;
    off_t  good = 0;

    if (f == NULL) {
        give_up(j, "could not read it");
        return;
    }
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n'; good += n) {
        char             name[CHUNK_NAME_MAX];
        struct chunk_ref ref = {.retain_until = 0};

        if (n < CHUNK_NAME_MAX + 44 &&
            sscanf(line, "%191s %" SCNu64 " %" SCNu64, name, &ref.size, &ref.raw_size) == 3 &&
            chunk_name_parse(name, &ref.name) == 0) {
            fn(ctx, &ref);
        }
    }
    free(line);
    (void)fclose(f);
    if (ftruncate(j->fd, good) != 0 || lseek(j->fd, 0, SEEK_END) < 0) {
        give_up(j, "could not cut off its torn end");
    }
}

struct journal *
journal_open(struct repo *r, const char *db, journal_fn *fn, void *ctx)
{
    struct err      e = ERR_INIT;
    struct journal *j = xcalloc(1, sizeof *j);
    char           *enc = name_encode(db);
    char           *file = xasprintf("%s.journal", enc);

    (void)pthread_mutex_init(&j->lock, NULL);
    j->fd = -1;
    j->path = state_file(r->id, file, &e);
    free(file);
    free(enc);
    if (j->path == NULL) {
        log_warn("%s; if this run is interrupted, the next starts from nothing", e.text);
        journal_close(j);
        return NULL;
    }
    j->fd = state_open(j->path, O_APPEND);
    if (j->fd < 0) {
        give_up(j, "could not open it");
    } else if (flock(j->fd, LOCK_EX | LOCK_NB) == 0) {
        read_lines(j, fn, ctx);
    } else if (errno == EWOULDBLOCK) {
        (void)close(j->fd);
        j->fd = -1;
    } else {
        give_up(j, "could not lock it");
    }
    return j;
}

void
journal_add(struct journal *j, const struct chunk_ref *ref)
{
    char name[CHUNK_NAME_MAX];
    char line[CHUNK_NAME_MAX + 44];
    int  n = snprintf(line, sizeof line, "%s %" PRIu64 " %" PRIu64 "\n",
                      chunk_name_format(&ref->name, name), ref->size, ref->raw_size);

    if (j == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&j->lock);
    if (j->fd >= 0 && write(j->fd, line, (size_t)n) != n) {
        give_up(j, "could not write to it");
    } else if (j->fd >= 0 && ++j->unsynced >= SYNC_EVERY) {
        j->unsynced = 0;
        if (fdatasync(j->fd) != 0) {
            give_up(j, "could not sync it");
        }
    }
    (void)pthread_mutex_unlock(&j->lock);
}

void
journal_clear(struct journal *j)
{
    if (j != NULL && j->fd >= 0 && ftruncate(j->fd, 0) != 0) {
        give_up(j, "could not empty it");
    }
}

void
journal_close(struct journal *j)
{
    if (j == NULL) {
        return;
    }
    if (j->fd >= 0) {
        (void)fdatasync(j->fd);
        (void)close(j->fd);
    }
    (void)pthread_mutex_destroy(&j->lock);
    free(j->path);
    free(j);
}
