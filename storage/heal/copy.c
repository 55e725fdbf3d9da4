#include "storage/heal/copy.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/log.h"
#include "storage/heal/copy_impl.h"
#include "storage/keys/trust.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/label_load.h"
#include "storage/repo/source.h"

/*
 * copy.c - which backups are copied: those of the source, oldest first, so that each finds the
 * chunks of the one before it at the destination.  In this order:
 *
 *   - void at the source: passed over;
 *   - it exists at the destination: COPY_PRESENT; damaged or void there: COPY_FAILED, unless it is
 *     to be replaced;
 *   - a tombstone there names it: COPY_EXPIRED, unless it was asked for by name; the destination
 *     expired it by its own policy, and would do so again;
 *   - damaged at the source: COPY_FAILED;
 *   - encrypted, and it would be stored unencrypted: COPY_FAILED, unless --decrypt was given;
 *   - everything else: copy_send().
 *
 * A failure of one backup does not stop the others; a repository that cannot be read or written
 * does.
 */

/* ---- which backups ---- */

static struct copy_entry *
add_entry(struct copy_result *r, const struct backup_entry *b, enum copy_status status)
{
    struct copy_entry *x;

    VEC_GROW(r->v, r->n, r->cap);
    x = &r->v[r->n++];
    *x = (struct copy_entry){.status = status, .err = ERR_INIT};
    memcpy(x->id, b->id, sizeof x->id);
    if (b->label != NULL) {
        x->chunks = b->label->chunks;
        x->stored_bytes = b->label->stored_bytes;
    }
    return x;
}

/* True when nothing is to be copied: *x says why. */
static bool
stands_there(const struct copy *c, const struct backup_entry *there, struct copy_entry *x)
{
    if (there == NULL || (c->request->replace && there->state != BACKUP_VOID)) {
        return false;
    }
    if (there->state == BACKUP_COMMITTED) {
        x->status = COPY_PRESENT;
    } else {
        x->status = COPY_FAILED;
        err_set(&x->err, ERR_EXISTS, "exists in \"%s\" already, and is %s there: %s",
                c->to->st->location, backup_state_text(there->state), there->problem);
        err_hint(&x->err,
                 there->state == BACKUP_VOID ? "a prune of that repository removes void backups"
                                             : "storage scrub --repair-from heals a backup from "
                                               "another repository");
    }
    return true;
}

/* Another host may have copied it meanwhile. */
static bool
came_meanwhile(const struct copy *c, const struct label *l)
{
    struct err    e = ERR_INIT;
    struct label *there = label_load(c->to, c->request->db, l->id, &e);

    label_free(there);
    return there != NULL;
}

/* Encryption is only dropped on request. */
static bool
would_lie_open(const struct copy *c, const struct backup_entry *b, struct copy_entry *x)
{
    struct err          ignored = ERR_INIT;
    const struct epoch *to = keyring_epoch(c->to->keys, c->to->epoch, &ignored);

    if (!b->label->encrypted || c->request->decrypt || to == NULL || to->sealed ||
        copy_goes_as_stored(c, b->label)) {
        return false;
    }
    x->status = COPY_FAILED;
    err_set(&x->err, ERR_USAGE, "it is encrypted, and repository \"%s\" is not",
            c->to->st->location);
    err_hint(&x->err,
             "--decrypt stores it there for everybody to read who can read that repository");
    return true;
}

/* Tombstones are named "<backup>.<run>".  Where signatures are required, an untrusted one would
 * silently prevent a backup from being copied. */
static int
was_expired(const struct copy *c, const struct strlist *tombstones, const char *id, bool *expired,
            struct err *e)
{
    size_t n = strlen(id);

    *expired = false;
    for (size_t i = 0; i < tombstones->n; i++) {
        *expired = *expired ||
            (strncmp(tombstones->v[i], id, n) == 0 && tombstones->v[i][n] == '.');
    }
    return *expired && trust_asks(c->to->trust, "tombstone")
        ? chain_expired(c->to, c->request->db, tombstones, id, NULL, expired, e)
        : 0;
}

/* A fault at the source is a failure of that backup; a fault that stops everything is returned. */
static int
copy_one(struct copy *c, struct copy_entry *x, struct err *e)
{
    const struct backup_entry *b = backup_list_find(&c->here, x->id);

    if ((c->request->dry_run ? copy_count : copy_send)(c, b->label, x, e) == 0) {
        x->status = c->request->dry_run ? COPY_PLANNED : COPY_DONE;
        return 0;
    }
    if (e->kind == ERR_EXISTS && came_meanwhile(c, b->label)) {
        err_clear(e);
        x->status = COPY_PRESENT;
        return 0;
    }
    x->status = COPY_FAILED;
    x->err = *e;
    /* A missing key only matters for backups that must be opened. */
    if (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND ||
        (e->kind == ERR_AUTH && !copy_goes_as_stored(c, b->label))) {
        err_clear(e);
        return 0;
    }
    return err_wrap(e, "backup %s", b->id);
}

/* Adds it to the result: COPY_PLANNED when it is to be sent.  tombstones: NULL when it was asked
 * for by name. */
static int
plan(struct copy *c, const struct backup_entry *b, const struct strlist *tombstones,
     struct copy_result *r, struct err *e)
{
    struct copy_entry *x = add_entry(r, b, COPY_PLANNED);
    bool               expired = false;

    if (stands_there(c, backup_list_find(&c->there, b->id), x)) {
        return 0;
    }
    if (tombstones != NULL && was_expired(c, tombstones, b->id, &expired, e) != 0) {
        return -1;
    }
    if (expired) {
        x->status = COPY_EXPIRED;
    } else if (b->state != BACKUP_COMMITTED) {
        x->status = COPY_FAILED;
        err_set(&x->err, ERR_CORRUPT, "is %s: %s", backup_state_text(b->state), b->problem);
    } else if (!would_lie_open(c, b, x)) {
        return cancel_check(e) != 0 ? -1 : copy_trust_neighbours(c, b->label, e);
    }
    return 0;
}

/* Several share one listing of the destination's chunks. */
static int
send_planned(struct copy *c, struct copy_result *r, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        n += r->v[i].status == COPY_PLANNED;
    }
    if (n > 1 && !c->request->dry_run && batch_begin(&c->batch, c->to, c->request->db, e) != 0) {
        r->n = 0;
        return -1;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (r->v[i].status == COPY_PLANNED && cancel_check(e) != 0) {
            r->n = i;
            return -1;
        }
        if (r->v[i].status == COPY_PLANNED && copy_one(c, &r->v[i], e) != 0) {
            r->n = i + 1;
            return -1;
        }
    }
    return 0;
}

static int
copy_all(struct copy *c, const struct strlist *tombstones, struct copy_result *r, struct err *e)
{
    for (size_t i = 0; i < c->here.n; i++) {
        const struct backup_entry *b = &c->here.v[i];

        if (b->state == BACKUP_VOID) {
            log_info("backup %s is void and passed over: %s", b->id, b->problem);
        } else if (plan(c, b, tombstones, r, e) != 0) {
            r->n = 0;
            return -1;
        }
    }
    return send_planned(c, r, e);
}

/* The backup that is named, or the newest whole one. */
static int
copy_named(struct copy *c, struct copy_result *r, struct err *e)
{
    struct label              *l = backup_find(c->from, c->request->db, c->request->which, 0, e);
    const struct backup_entry *b = l == NULL ? NULL : backup_list_find(&c->here, l->id);
    int                        rc = -1;

    if (l != NULL && b == NULL) {
        err_set(e, ERR_BUSY, "backup %s has just been added", l->id);
        err_hint(e, "run it again");
    } else if (l != NULL) {
        rc = plan(c, b, NULL, r, e) != 0 ? -1 : send_planned(c, r, e);
    }
    label_free(l);
    return rc;
}

/* A name that stands for another database is refused before anything is read. */
static int
check_source(struct copy *c, struct err *e)
{
    struct repo_source there = {0};
    int                rc = source_load(c->to, c->request->db, &there, e);

    if (rc != 0) {
        if (e->kind == ERR_NOT_FOUND) {
            err_clear(e);
            rc = 0;
        }
    } else if (!c->request->adopt && source_is_bound(&there) && source_is_bound(&c->source) &&
               (there.system_identifier != c->source.system_identifier ||
                there.database_oid != c->source.database_oid)) {
        rc = err_set(e, ERR_EXISTS,
                     "\"%s\" in repository \"%s\" is another database than in \"%s\"",
                     c->request->db, c->to->st->location, c->from->st->location);
        err_hint(e,
                 "if the source went on under that name after a restore or an upgrade, --adopt "
                 "lets the copy do so too; "
                 "otherwise choose another repository");
    }
    source_free(&there);
    return rc;
}

int
copy_run(struct repo *from, struct repo *to, const struct copy_request *q, struct copy_result *r,
         struct err *e)
{
    struct copy c = {.from = from, .to = to, .request = q};
    int         rc = -1;

    *r = (struct copy_result){0};
    if (source_load(from, q->db, &c.source, e) == 0 && check_source(&c, e) == 0 &&
        backup_list_load(from, q->db, &c.here, e) == 0 &&
        backup_list_check(from, q->db, &c.here, false, e) == 0 &&
        backup_list_load(to, q->db, &c.there, e) == 0 &&
        chain_load(to, q->db, &c.there, &c.chain, e) == 0) {
        c.read = xcalloc(c.there.n + 1, sizeof *c.read);
        rc = strcmp(q->which, "all") == 0 ? copy_all(&c, &c.there.tombstones, r, e)
                                          : copy_named(&c, r, e);
    }
    source_free(&c.source);
    chain_free(&c.chain);
    backup_list_free(&c.here);
    backup_list_free(&c.there);
    batch_end(&c.batch);
    free(c.read);
    return rc;
}

void
copy_result_free(struct copy_result *r)
{
    free(r->v);
    *r = (struct copy_result){0};
}

const char *
copy_status_text(enum copy_status status)
{
    static const char *const text[] = {"copied", "planned", "present", "expired", "failed"};

    return text[status];
}
