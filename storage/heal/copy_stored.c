/*
 * copy_stored.c - what the destination of a copy holds already (copy_impl.h).
 *
 * c->batch.trusted: the chunk lists of the two neighbours of each backup at the destination, each
 * read once and before anything is sent, and what this copy has written.  The writers of all
 * backups have it in place of the lists that a writer would read itself, and list the chunks once
 * (batch.h).
 *
 * A dry run has no writer.  It keeps stored bytes by their SHA-256 in place of the id, as it only
 * asks whether some object has them.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/format/chunk.h"
#include "storage/heal/copy_impl.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"

bool
copy_trust_stored(struct copy *c, const struct chunk_ref *line)
{
    struct chunk_name key = {.epoch = 1};

    memcpy(key.id, line->name.sha256, sizeof key.id);
    return chunkindex_trust_name(&c->batch.trusted, &key);
}

static int
trust_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct copy *c = ctx;

    (void)e;
    if (c->request->dry_run) {
        (void)copy_trust_stored(c, line);
    } else {
        (void)chunkindex_trust(&c->batch.trusted, line);
    }
    return 0;
}

static int
trust_list(struct copy *c, size_t i, struct err *e)
{
    const struct backup_entry *b = &c->there.v[i];

    if (c->read[i] || b->state != BACKUP_COMMITTED) {
        return 0;
    }
    c->read[i] = true;
    if (chunk_list_read(c->to, b->label, trust_line, c, e) == 0) {
        return 0;
    }
    if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    log_warn("%s; its chunks are not reused", e->text);
    err_clear(e);
    return 0;
}

/* Reading every list would cost more than it saves: the backups before and after this one of the
 * same scope are the most likely to share chunks with it, besides those copied before it. */
int
copy_trust_neighbours(struct copy *c, const struct label *l, struct err *e)
{
    size_t before = SIZE_MAX;
    size_t after = SIZE_MAX;

    for (size_t i = 0; i < c->there.n; i++) {
        const struct backup_entry *b = &c->there.v[i];

        if (b->state != BACKUP_COMMITTED || strcmp(b->label->scope, l->scope) != 0) {
            continue;
        }
        if (strcmp(b->id, l->id) < 0) {
            before = i;
        } else if (after == SIZE_MAX) {
            after = i;
        }
    }
    return (before != SIZE_MAX && trust_list(c, before, e) != 0) ||
            (after != SIZE_MAX && trust_list(c, after, e) != 0)
        ? -1
        : 0;
}

bool
copy_goes_as_stored(const struct copy *c, const struct label *l)
{
    return l->encrypted && !c->request->whole && keyring_same(c->from->keys, c->to->keys, l->epoch);
}
