#include "storage/repo/condemned.h"

#include <stdlib.h>
#include <time.h>

#include "core/enc.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/repo/blocklist.h"

enum { CONDEMNED_TRIES = 10 };

static int
add_names(struct condemned *c, const json_t *o, struct err *e)
{
    json_t *names;

    if (json_get_array(o, "names", &names, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char       *text = json_string_value(json_array_get(names, i));
        struct chunk_name name;

        if (text == NULL) {
            return err_set(e, ERR_CORRUPT, "name %zu is not a string", i);
        }
        if (chunk_name_parse(text, &name) == 0) {
            (void)chunkindex_trust_name(&c->chunks, &name);
        }
    }
    return 0;
}

static int
add_objects(struct condemned *c, const json_t *o, struct err *e)
{
    const json_t *keys = json_object_get(o, "objects");

    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));

        if (key == NULL) {
            return err_set(e, ERR_CORRUPT, "object %zu is not a string", i);
        }
        if (!strlist_has(&c->objects, key)) {
            strlist_add(&c->objects, key);
        }
    }
    return 0;
}

/* -1 with ERR_NOT_FOUND: a list went away meanwhile. */
static int
load_all(struct repo *r, const char *prefix, struct condemned *c, struct err *e)
{
    struct strlist keys = {0};
    int            rc;

    *c = (struct condemned){0};
    rc = storage_list_keys(r->st, prefix, &keys, e);
    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        json_t *o = object_get(repo_signed(r), keys.v[i], "condemned", BLOCKLIST_BYTES_MAX, e);

        rc = o == NULL || add_names(c, o, e) != 0 || add_objects(c, o, e) != 0 ? -1 : 0;
        json_decref(o);
        if (rc == 0) {
            strlist_add(&c->lists, keys.v[i]);
        } else if (e->kind == ERR_CORRUPT) {
            log_warn("%s; what it condemns is not known", e->text);
            strlist_add(&c->unreadable, keys.v[i]);
            err_clear(e);
            rc = 0;
        }
    }
    if (rc != 0) {
        condemned_free(c);
    }
    strlist_free(&keys);
    return rc;
}

int
condemned_load(struct repo *r, const char *db, struct condemned *c, struct err *e)
{
    char *enc = name_encode(db);
    char *prefix = xasprintf("%s/condemned/", enc);
    int   rc;

    for (int attempt = 1;; attempt++) {
        rc = load_all(r, prefix, c, e);
        if (rc == 0 || e->kind != ERR_NOT_FOUND || attempt == CONDEMNED_TRIES) {
            break;
        }
        err_clear(e); /* its valid contents are in another one by now (condemned_strike) */
    }
    free(prefix);
    free(enc);
    return rc;
}

static json_t *
sorted(struct strlist *list)
{
    json_t *a = json_array();

    strlist_sort(list);
    for (size_t i = 0; i < list->n; i++) {
        (void)json_array_append_new(a, json_string(list->v[i]));
    }
    return a;
}

int
condemned_put(struct repo *r, const char *db, struct strlist *names, struct strlist *objects,
              struct err *e)
{
    json_t *o;
    char   *enc;
    char   *key;
    char   *stamp;
    int     rc;

    if (names->n == 0 && objects->n == 0) {
        return 0;
    }
    o = object_new("condemned");
    enc = name_encode(db);
    (void)json_object_set_new(o, "names", sorted(names));
    if (objects->n > 0) {
        (void)json_object_set_new(o, "objects", sorted(objects));
    }
    stamp = object_stamp(time(NULL));
    key = xasprintf("%s/condemned/%s", enc, stamp);
    rc = object_put(repo_signed(r), key, o, e);
    free(key);
    free(stamp);
    free(enc);
    json_decref(o);
    return rc;
}

int
condemned_strike(struct repo *r, const char *db, const struct condemned *c,
                 const struct chunkindex *chunks, const struct strlist *objects, size_t *struck,
                 struct err *e)
{
    struct strlist names = {0};
    struct strlist keys = {0};
    int            rc = 0;

    for (size_t i = 0; i < c->chunks.n; i++) {
        char name[CHUNK_NAME_MAX];

        if (chunkindex_find_name(chunks, &c->chunks.v[i].ref.name) == SIZE_MAX) {
            chunk_name_format(&c->chunks.v[i].ref.name, name);
            strlist_add(&names, name);
        }
    }
    for (size_t i = 0; i < c->objects.n; i++) {
        if (!strlist_has(objects, c->objects.v[i])) {
            strlist_add(&keys, c->objects.v[i]);
        }
    }
    *struck = c->chunks.n + c->objects.n - names.n - keys.n;
    if (*struck > 0 && (rc = condemned_put(r, db, &names, &keys, e)) == 0) {
        rc = storage_remove(r->st, (const char *const *)c->lists.v, c->lists.n, e);
    }
    strlist_free(&names);
    strlist_free(&keys);
    return rc;
}

bool
condemned_has(const struct condemned *c, const struct chunk_name *name)
{
    return chunkindex_find_name(&c->chunks, name) != SIZE_MAX;
}

void
condemned_free(struct condemned *c)
{
    strlist_free(&c->lists);
    strlist_free(&c->unreadable);
    strlist_free(&c->objects);
    chunkindex_free(&c->chunks);
}
