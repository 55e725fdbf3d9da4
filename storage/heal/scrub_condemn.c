/*
 * scrub_condemn.c - recording the findings of a scrub in the lists of condemned objects.
 *
 * Added: chunks, chunk lists and manifests that were bad twice and are in no list yet.  Struck:
 * chunks that were read well; chunks that are gone and not needed (forget_gone()); lists and
 * manifests that were read well, or whose backup is gone.  First the new list is put, then others
 * are struck: in between an object may be in two lists, and never in none.
 *
 * After a whole round every bad object has been found again, so unreadable lists are removed: they
 * only stop prunes.
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/heal/scrub_impl.h"

static char *
key_of(const struct bad_list *b)
{
    return xasprintf("backups/%s/%s", b->backup, b->object);
}

static int
condemn(struct scrub *s, struct err *e)
{
    struct scrub_work *w = s->work;
    struct strlist     names = {0};
    struct strlist     objects = {0};
    int                rc;

    for (size_t i = 0; i < s->bad_names.n; i++) {
        char name[CHUNK_NAME_MAX];

        if (!condemned_has(&w->condemned, &s->bad_names.v[i].ref.name)) {
            chunk_name_format(&s->bad_names.v[i].ref.name, name);
            strlist_add(&names, name);
        }
    }
    for (size_t i = 0; i < w->n_bad_lists; i++) {
        char *key = key_of(&w->bad_lists[i]);

        if (strlist_has(&w->condemned.objects, key)) {
            free(key);
        } else {
            strlist_take(&objects, key);
        }
    }
    s->condemned = names.n + objects.n;
    s->condemned_chunks = names.n;
    rc = condemned_put(s->repo, s->db, &names, &objects, e);
    strlist_free(&names);
    strlist_free(&objects);
    return rc;
}

/* A backup's label names it, or cannot be read. */
static bool
still_needed(const struct scrub *s, const char *key)
{
    bool needed = false;

    for (size_t i = 0; !needed && i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];
        char                      *prefix = xasprintf("backups/%s/", b->id);
        bool                       its = strncmp(key, prefix, strlen(prefix)) == 0;

        needed = its && b->label == NULL;
        for (int part = LABEL_CHUNKS; its && !needed && part <= LABEL_MANIFEST; part++) {
            char *object = label_part_name(b->label, (enum label_part)part);

            needed = strcmp(key + strlen(prefix), object) == 0;
            free(object);
        }
        free(prefix);
    }
    return needed;
}

/* A condemned list or manifest that is good again, or that no backup needs any more.  Every
 * scrub reads every chunk list. */
static bool
object_acquitted(const struct scrub *s, const char *key)
{
    const struct scrub_work *w = s->work;

    if (strncmp(key, "backups/", strlen("backups/")) != 0) {
        return false;
    }
    for (size_t i = 0; i < w->n_bad_lists; i++) {
        char *bad = key_of(&w->bad_lists[i]);
        bool  same = strcmp(bad, key) == 0;

        free(bad);
        if (same) {
            return false;
        }
    }
    return !still_needed(s, key) || strlist_has(&w->good_lists, key) ||
        (w->all_lists && strncmp(strrchr(key, '/'), "/chunks", strlen("/chunks")) == 0);
}

int
scrub_condemn(struct scrub *s, struct err *e)
{
    struct scrub_work *w = s->work;
    struct strlist     objects = {0};
    int                rc;

    for (size_t i = 0; i < w->condemned.objects.n; i++) {
        if (object_acquitted(s, w->condemned.objects.v[i])) {
            strlist_add(&objects, w->condemned.objects.v[i]);
        }
    }
    rc = condemn(s, e);
    /* Everything bad was found again and is in a new list: an unreadable one only stops prunes. */
    if (rc == 0 && w->round && w->condemned.unreadable.n > 0) {
        log_warn(
            "unreadable lists of condemned objects are removed, as everything was read again: %zu",
            w->condemned.unreadable.n);
        rc = storage_remove(s->repo->st, (const char *const *)w->condemned.unreadable.v,
                            w->condemned.unreadable.n, e);
    }
    if (rc == 0) {
        rc = condemned_strike(s->repo, s->db, &w->condemned, &w->acquitted, &objects, &s->acquitted,
                              e);
    }
    strlist_free(&objects);
    return rc;
}
