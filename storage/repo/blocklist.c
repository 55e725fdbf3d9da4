#include "storage/repo/blocklist.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/enc.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"

static int
each_of(json_t *o, blocklist_fn *fn, void *ctx, struct err *e)
{
    json_t *names;

    if (json_get_array(o, "names", &names, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));

        if (name == NULL) {
            return err_set(e, ERR_CORRUPT, "name %zu is not a string", i);
        }
        if (fn(ctx, name, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int
blocklist_read(struct repo *r, const char *key, const char *type, blocklist_fn *fn, void *ctx,
               struct err *e)
{
    json_t *o = object_get(repo_signed(r), key, type, BLOCKLIST_BYTES_MAX, e);
    int     rc = o == NULL ? -1 : each_of(o, fn, ctx, e);

    if (o != NULL && rc != 0) {
        err_wrap(e, "\"%s\"", key);
    }
    json_decref(o);
    return rc;
}

/* -1 with ERR_NOT_FOUND: a list went away meanwhile. */
static int
each_list(struct repo *r, const char *prefix, const char *type, blocklist_fn *fn, void *ctx,
          unsigned *unreadable, struct err *e)
{
    struct strlist keys = {0};
    int            rc = storage_list_keys(r->st, prefix, &keys, e);

    *unreadable = 0;
    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        rc = blocklist_read(r, keys.v[i], type, fn, ctx, e);
        if (rc != 0 && e->kind == ERR_CORRUPT) {
            log_warn("%s; reusing nothing", e->text);
            (*unreadable)++;
            err_clear(e);
            rc = 0;
        }
        /* A trash list is removed when its objects are gone; the contents of a removed condemned
         * list are in another one. */
        if (rc != 0 && e->kind == ERR_NOT_FOUND && strcmp(type, "trash") == 0) {
            err_clear(e);
            rc = 0;
        }
    }
    strlist_free(&keys);
    return rc;
}

int
blocklist_each(struct repo *r, const char *db, const char *type, blocklist_fn *fn, void *ctx,
               unsigned *unreadable, struct err *e)
{
    enum { TRIES = 10 };
    char    *enc = name_encode(db);
    char    *prefix = xasprintf("%s/%s/", enc, type);
    unsigned before = *unreadable;
    unsigned now = 0;
    int      rc;

    for (int attempt = 1;; attempt++) {
        rc = each_list(r, prefix, type, fn, ctx, &now, e);
        if (rc == 0 || e->kind != ERR_NOT_FOUND || attempt == TRIES) {
            break;
        }
        err_clear(e);
    }
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        log_warn("%s, although it is listed; reusing nothing", e->text);
        err_clear(e);
        now++;
        rc = 0;
    }
    *unreadable = before + now;
    free(prefix);
    free(enc);
    return rc;
}

int
blocklist_write(struct repo *r, const char *key, const char *type, const struct strlist *names,
                struct err *e)
{
    json_t *o = object_new(type);
    json_t *list = json_array();
    int     rc;

    for (size_t i = 0; i < names->n; i++) {
        (void)json_array_append_new(list, json_string(names->v[i]));
    }
    (void)json_object_set_new(o, "names", list);
    rc = object_put(repo_signed(r), key, o, e);
    json_decref(o);
    return rc;
}
