#include "storage/tombstone.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/log.h"
#include "storage/object.h"

int
tombstone_put(struct repo *r, const char *db, const char *backup, const char *run, time_t expired, const char *by,
              struct err *e)
{
    json_t            *o = object_new("tombstone");
    char              *enc = name_encode(db);
    char              *key = xasprintf("%s/tombstones/%s.%s.json", enc, backup, run != NULL ? run : TOMBSTONE_NO_RUN);
    struct object_info info;
    char               at[32];
    int                rc = storage_head(r->st, key, &info, e);

    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        (void)json_object_set_new(o, "backup", json_string(backup));
        if (run != NULL) {
            (void)json_object_set_new(o, "run", json_string(run));
        }
        (void)json_object_set_new(o, "expired", json_string(time_rfc3339(expired, at, sizeof at)));
        (void)json_object_set_new(o, "by", json_string(by));
        (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
        rc = object_put(r->st, key, o, e);
        if (rc != 0 && e->kind == ERR_EXISTS) {
            err_clear(e);       /* another prune was faster: it says the same */
            rc = 0;
        }
    }
    free(key);
    free(enc);
    json_decref(o);
    return rc;
}

struct reading {
    size_t          prefix;      /* length of "<db>/tombstones/" */
    struct strlist *names;
};

static int
see(void *ctx, const struct object_info *info, struct err *e)
{
    static const char suffix[] = ".json";
    struct reading   *r = ctx;
    const char       *name = info->key + r->prefix;
    size_t            n = strlen(name);

    (void)e;
    if (n > sizeof suffix - 1 && strcmp(name + n - (sizeof suffix - 1), suffix) == 0) {
        strlist_take(r->names, xstrndup(name, n - (sizeof suffix - 1)));
    }
    return 0;
}

int
tombstones_load(struct repo *r, const char *db, struct strlist *names, struct err *e)
{
    char          *enc = name_encode(db);
    char          *prefix = xasprintf("%s/tombstones/", enc);
    struct reading reading = {strlen(prefix), names};
    int            rc = storage_list(r->st, prefix, see, &reading, e);

    strlist_sort(names);
    free(prefix);
    free(enc);
    return rc;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

bool
tombstones_have(const struct strlist *names, const char *backup, const char *run)
{
    char *name = xasprintf("%s.%s", backup, run != NULL ? run : TOMBSTONE_NO_RUN);
    bool  found = names->n > 0 && bsearch(name, names->v, names->n, sizeof *names->v, compare) != NULL;

    free(name);
    return found;
}

/* One that nobody trusted has signed buries nothing. */
static bool
believed(struct repo *r, const char *db, const char *name)
{
    char      *enc = name_encode(db);
    char      *key = xasprintf("%s/tombstones/%s.json", enc, name);
    struct err e = ERR_INIT;
    json_t    *o = object_get(r->st, key, "tombstone", OBJECT_BYTES_MAX, &e);

    if (e.untrusted) {
        log_warn("tombstone \"%s\" is passed over: %s", key, e.text);
    }
    json_decref(o);
    free(key);
    free(enc);
    return !e.untrusted;
}

bool
tombstones_stand(struct repo *r, const char *db, const struct strlist *names, const char *backup, const char *run)
{
    char *name;
    bool  stand;

    if (!tombstones_have(names, backup, run) || r->signet == NULL) {
        return tombstones_have(names, backup, run);
    }
    name = xasprintf("%s.%s", backup, run != NULL ? run : TOMBSTONE_NO_RUN);
    stand = believed(r, db, name);
    free(name);
    return stand;
}
