#include "storage/repo/readers.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "storage/keys/epoch_begin.h"
#include "storage/keys/pinned.h"
#include "storage/keys/trust.h"
#include "storage/repo/settings.h"

/* ---- the next one ---- */

/* The public half of a recipient, from a key object: enough to seal to. */
static struct public_key
key_of(const struct epoch_recipient *r)
{
    struct public_key k = {.name = r->name};

    memcpy(k.id, r->id, sizeof k.id);
    memcpy(k.read, r->read, sizeof k.read);
    return k;
}

/* out: room for all recipients.  Borrows their names. */
static size_t
keys_in_role(const struct epoch_keys *o, enum epoch_role role, const char *drop,
             struct public_key *out)
{
    size_t n = 0;

    for (size_t i = 0; i < o->count; i++) {
        if (o->v[i].role == role && (drop == NULL || strcmp(o->v[i].id, drop) != 0)) {
            out[n++] = key_of(&o->v[i]);
        }
    }
    return n;
}

static size_t
pinned_readers(const struct repo *r, const char *drop, struct public_key *out, size_t *pinned)
{
    const struct public_key *v = keyring_encrypt_to(r->keys, pinned);
    size_t                   n = 0;

    for (size_t i = 0; i < *pinned; i++) {
        if (drop == NULL || strcmp(v[i].id, drop) != 0) {
            out[n++] = v[i];
        }
    }
    return n;
}

/* Anybody with write access could have added himself to them. */
static void
warn_unsigned(const struct repo *r, const struct epoch_keys *o)
{
    char *text = o->count == 0 || trust_knows_admins(r->trust) ? NULL : keyring_readers_text(o);

    if (text != NULL) {
        log_warn(
            "the readers of the new epoch are taken from the repository, without an admin's "
            "signature: %s; name them with --encrypt-to",
            text);
    }
    free(text);
}

static int
begin_next(struct repo *r, const struct epoch_keys *o, const char *drop, struct err *e)
{
    size_t             pinned;
    struct public_key *readers;
    struct public_key *writers = xcalloc(o->count + 1, sizeof *writers);
    struct epoch       made = {0};
    struct epoch_plan  plan = {.number = r->epoch + 1, .writers = writers, .made = &made};
    json_t            *object = json_deep_copy(r->object);
    int                rc = -1;

    (void)keyring_encrypt_to(r->keys, &pinned);
    readers = xcalloc(o->count + pinned + 1, sizeof *readers);
    plan.readers = readers;
    plan.n_writers = keys_in_role(o, EPOCH_WRITER, drop, writers);
    plan.n_readers = pinned_readers(r, drop, readers, &pinned);
    if (pinned == 0) {
        plan.n_readers = keys_in_role(o, EPOCH_READER, drop, readers);
        warn_unsigned(r, o);
    }
    if (plan.n_readers == 0) {
        err_set(e, ERR_USAGE, "the new epoch would have no reader");
        err_hint(e, "use --encrypt-to FILE, the public key of a reader");
    } else if (epoch_begin(repo_signed(r), object, &plan, e) == 0) {
        rc = repo_change(r, object, e) != 0 ? -1 : pinned_remember(r->id, &made, e);
    }
    epoch_deinit(&made);
    json_decref(object);
    free(readers);
    free(writers);
    return rc;
}

int
readers_next_epoch(struct repo *r, const char *drop, struct err *e)
{
    const struct epoch *now = keyring_epoch(r->keys, r->epoch, e);
    struct epoch_keys   o = {0};
    int                 rc = -1;

    if (now != NULL && trust_may(r->trust, "repo", e) == 0 &&
        (!now->sealed ||
         (epoch_keys_load(repo_signed(r), now, &o, e) == 0 &&
          settings_check_keys(r, now->number, o.n, e) == 0))) {
        if (drop != NULL && epoch_keys_find(&o, EPOCH_READER, drop) == NULL &&
            epoch_keys_find(&o, EPOCH_WRITER, drop) == NULL) {
            err_set(e, ERR_NOT_FOUND, "no key %s in epoch %u", drop, now->number);
        } else {
            rc = begin_next(r, &o, drop, e);
        }
    }
    epoch_keys_free(&o);
    return rc != 0 ? err_wrap(e, "could not begin a new epoch") : 0;
}

/* ---- recipients ---- */

/* A writer only needs the naming keys, which this host may know without an identity. */
static const struct epoch *
keys_for(struct repo *r, enum epoch_role role, unsigned number, struct err *e)
{
    return role == EPOCH_READER ? keyring_read(r->keys, number, e)
                                : keyring_write(r->keys, number, false, e);
}

static int
add_to(struct repo *r, enum epoch_role role, const struct public_key *k, const struct epoch *ep,
       struct err *e)
{
    struct epoch_keys o;
    int               rc = epoch_keys_load(repo_signed(r), ep, &o, e);

    if (rc == 0) {
        rc = settings_check_keys(r, ep->number, o.n, e) != 0 ||
                epoch_keys_add(&o, role, k, ep, e) != 0 ||
                epoch_keys_put(repo_signed(r), &o, e) != 0
            ? -1
            : settings_check_keys(r, ep->number, o.n, e);
        epoch_keys_free(&o);
    }
    return rc;
}

int
readers_add(struct repo *r, enum epoch_role role, const struct public_key *k, unsigned *done,
            struct err *e)
{
    *done = 0;
    /* The newest first, since it matters most. */
    for (unsigned number = r->epoch; number >= 1; number--) {
        const struct epoch *ep = keyring_epoch(r->keys, number, e);

        if (ep == NULL) {
            return -1;
        }
        if (!ep->sealed || (role == EPOCH_WRITER && number < r->epoch)) {
            continue;
        }
        ep = keys_for(r, role, number, e);
        if (ep == NULL || add_to(r, role, k, ep, e) != 0) {
            return err_wrap(e, "could not add key %s (%s) to epoch %u", k->id, k->name, number);
        }
        (*done)++;
    }
    return *done > 0 ? 0 : err_set(e, ERR_USAGE, "the repository is not encrypted");
}

static size_t
readers_left(const struct epoch_keys *o, const char *less)
{
    size_t n = 0;

    for (size_t i = 0; i < o->count; i++) {
        n += o->v[i].role == EPOCH_READER && strcmp(o->v[i].id, less) != 0;
    }
    return n;
}

/* 1: no such recipient. */
static int
remove_from(struct repo *r, const char *id, const struct epoch *ep, struct err *e)
{
    struct epoch_keys o;
    int               rc = epoch_keys_load(repo_signed(r), ep, &o, e);

    if (rc != 0) {
        return -1;
    }
    if (settings_check_keys(r, ep->number, o.n, e) != 0) {
        rc = -1;
    } else if (epoch_keys_find(&o, EPOCH_READER, id) != NULL && readers_left(&o, id) == 0) {
        rc = err_set(e, ERR_USAGE, "key %s is the last that can read epoch %u", id, ep->number);
        err_hint(e, "add another one first: pgassay storage keys add");
    } else if (!epoch_keys_drop(&o, id)) {
        rc = 1;
    } else {
        rc = epoch_keys_put(repo_signed(r), &o, e) != 0
            ? -1
            : settings_check_keys(r, ep->number, o.n, e);
    }
    epoch_keys_free(&o);
    return rc;
}

int
readers_remove(struct repo *r, const char *id, bool keep_last, unsigned *done, struct err *e)
{
    *done = 0;
    for (unsigned number = r->epoch; number >= 1; number--) {
        const struct epoch *ep = keyring_epoch(r->keys, number, e);
        int                 rc = ep == NULL ? -1 : ep->sealed ? remove_from(r, id, ep, e) : 1;

        if (rc < 0 && keep_last && e->kind == ERR_USAGE) {
            log_warn("%s, and stays its reader", e->text);
            err_clear(e);
            rc = 0;
        }

        if (rc < 0) {
            return err_wrap(e, "could not remove key %s", id);
        }
        *done += rc == 0;
    }
    return *done > 0 ? 0 : err_set(e, ERR_NOT_FOUND, "no reader or writer has key %s", id);
}

/* ---- another repository's ---- */

/* Can the destination take over this epoch of the source?  1: it has it already. */
static int
check_import(struct repo *to, const struct epoch *ep, bool empty, struct err *e)
{
    const struct epoch *own = ep->number <= to->epoch ? keyring_epoch(to->keys, ep->number, e)
                                                      : NULL;

    if (own == NULL) {
        return ep->number <= to->epoch ? -1 : 0;
    }
    if (own->sealed && memcmp(own->public, ep->public, sizeof own->public) == 0) {
        return 1;
    }
    if (own->sealed || !empty) {
        err_set(e, ERR_EXISTS, "epoch %u of \"%s\" has keys of its own", ep->number,
                to->st->location);
        return err_hint(e,
                        "only a new repository, or one that has taken them over before, can take "
                        "over keys");
    }
    return 0;
}

/* Keys that are taken over are signed and trusted there, and new backups use the current one, so
 * each must be the epoch's key here.  That it can be opened proves nothing: anybody with write
 * access to the source can put in his own. */
static int
check_vouched(struct repo *from, const struct epoch *ep, struct err *e)
{
    if (ep->number < from->epoch || trust_knows_admins(from->trust)) {
        return 0;
    }
    return keyring_write(from->keys, ep->number, false, e) != NULL ? 0 : -1;
}

static int
import_one(struct repo *to, struct repo *from, const struct epoch *ep, json_t *object,
           struct err *e)
{
    struct epoch_keys o;
    int               rc = -1;

    if (check_vouched(from, ep, e) != 0 || epoch_keys_load(repo_signed(from), ep, &o, e) != 0) {
        return -1;
    }
    o.n = o.there = 0;
    if (epoch_keys_put(repo_signed(to), &o, e) == 0) {
        epoch_name(object, ep);
        rc = 0;
    }
    epoch_keys_free(&o);
    return rc;
}

/* If this host may write there, it may write here. */
static int
remember_imported(struct repo *to, struct repo *from, struct err *e)
{
    int rc = 0;

    for (unsigned number = 1; rc >= 0 && number <= from->epoch; number++) {
        const struct epoch *ep = keyring_epoch(from->keys, number, e);
        struct epoch        known = {.number = number, .sealed = true};

        if (ep == NULL || !ep->sealed) {
            rc = ep == NULL ? -1 : 0;
            continue;
        }
        memcpy(known.public, ep->public, sizeof known.public);
        rc = pinned_recall(from->id, &known, e);
        if (rc == 0) {
            rc = pinned_remember(to->id, &known, e);
        }
        epoch_deinit(&known);
    }
    return rc < 0 ? -1 : 0;
}

static int
import_all(struct repo *to, struct repo *from, bool empty, json_t *object, unsigned *done,
           struct err *e)
{
    for (unsigned number = 1; number <= from->epoch; number++) {
        const struct epoch *ep = keyring_epoch(from->keys, number, e);
        int                 rc = ep == NULL ? -1 : ep->sealed ? check_import(to, ep, empty, e) : 1;

        if (rc < 0 || (rc == 0 && import_one(to, from, ep, object, e) != 0)) {
            return -1;
        }
        *done += rc == 0;
    }
    return 0;
}

int
readers_import(struct repo *to, struct repo *from, unsigned *done, struct err *e)
{
    struct strlist names = {0};
    json_t        *object = json_deep_copy(to->object);
    int            rc = -1;

    *done = 0;
    if (trust_may(to->trust, "repo", e) == 0 && repo_databases(to, &names, e) == 0 &&
        import_all(to, from, names.n == 0, object, done, e) == 0) {
        rc = 0;
        if (*done > 0) {
            (void)json_object_set_new(
                object, "epoch", json_integer(from->epoch > to->epoch ? from->epoch : to->epoch));
            rc = repo_change(to, object, e) != 0 ? -1 : remember_imported(to, from, e);
        }
    }
    strlist_free(&names);
    json_decref(object);
    return rc != 0 ? err_wrap(e, "could not take over the keys of \"%s\"", from->st->location) : 0;
}
