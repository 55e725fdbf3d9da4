#include "storage/namelist.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/enc.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/object.h"

static int
add_key(void *ctx, const struct object_info *info, struct err *e)
{
    (void)e;
    strlist_add(ctx, info->key);
    return 0;
}

static int
each_of(json_t *o, name_fn *fn, void *ctx, struct err *e)
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

/* -1 with ERR_NOT_FOUND: a list went away meanwhile. */
static int
each_list(struct repo *r, const char *prefix, const char *type, name_fn *fn, void *ctx, unsigned *unreadable,
          struct err *e)
{
    struct strlist keys = {0};
    int            rc = storage_list(r->st, prefix, add_key, &keys, e);

    *unreadable = 0;
    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        json_t *o = object_get(r->st, keys.v[i], type, NAMELIST_BYTES_MAX, e);

        rc = o == NULL ? -1 : each_of(o, fn, ctx, e);
        json_decref(o);
        if (rc != 0 && e->kind == ERR_CORRUPT) {
            log_warn("%s; reusing nothing", e->text);
            (*unreadable)++;
            err_clear(e);
            rc = 0;
        }
    }
    strlist_free(&keys);
    return rc;
}

int
namelist_each(struct repo *r, const char *db, const char *type, name_fn *fn, void *ctx, unsigned *unreadable,
              struct err *e)
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
    *unreadable = before + now;
    free(prefix);
    free(enc);
    return rc;
}

int
namelist_put(struct repo *r, const char *db, const char *type, struct strlist *names, struct err *e)
{
    json_t *o = object_new(type);
    json_t *list = json_array();
    char   *enc = name_encode(db);
    char    at[20];
    char    random[5];
    char   *key;
    int     rc;

    strlist_sort(names);
    for (size_t i = 0; i < names->n; i++) {
        (void)json_array_append_new(list, json_string(names->v[i]));
    }
    (void)json_object_set_new(o, "names", list);
    random_hex(2, random);
    key = xasprintf("%s/%s/%s-%s", enc, type, time_compact(time(NULL), at, sizeof at), random);
    rc = object_put(r->st, key, o, e);
    free(key);
    free(enc);
    json_decref(o);
    return rc;
}
