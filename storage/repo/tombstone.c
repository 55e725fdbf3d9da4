#include "storage/repo/tombstone.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/label_heads.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"

static json_t *
make(const struct repo *r, const char *backup, const struct label *l, time_t expired,
     const char *by)
{
    json_t *o = object_new("tombstone");
    char    at[32];

    (void)json_object_set_new(o, "backup", json_string(backup));
    (void)json_object_set_new(o, "expired", json_string(time_rfc3339(expired, at, sizeof at)));
    (void)json_object_set_new(o, "by", json_string(by));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    (void)json_object_set_new(o, "settings", json_integer(r->in_force));
    if (l != NULL) {
        (void)json_object_set_new(o, "run", json_string(l->run));
        (void)json_object_set_new(o, "label_sha256", json_string(l->sha256));
    }
    if (l != NULL && l->sequence > 0) {
        (void)json_object_set_new(o, "signer", json_string(l->signer));
        (void)json_object_set_new(o, "sequence", json_integer((json_int_t)l->sequence));
    }
    return o;
}

/* Takes o. */
static int
put(struct repo *r, const char *db, const char *backup, const struct label *l, json_t *o,
    struct err *e)
{
    char              *enc = name_encode(db);
    char              *key = xasprintf("%s/tombstones/%s.%s.json", enc, backup,
                          l != NULL ? l->run : TOMBSTONE_NO_RUN);
    struct object_info info;
    int                rc = storage_head(r->st, key, &info, e);

    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = object_put(repo_signed(r), key, o, e);
        if (rc != 0 && e->kind == ERR_EXISTS) {
            err_clear(e); /* another prune was faster: its tombstone says the same */
            rc = 0;
        }
    }
    free(key);
    free(enc);
    json_decref(o);
    return rc;
}

int
tombstone_put(struct repo *r, const char *db, const char *backup, const struct label *l,
              time_t expired, const char *by, struct err *e)
{
    return put(r, db, backup, l, make(r, backup, l, expired, by), e);
}

int
tombstone_give_up(struct repo *r, const char *db, const char *backup, const struct label *l,
                  const char *reason, struct err *e)
{
    char    by[RUN_MARK_MAX];
    json_t *o;

    random_hex((sizeof by - 1) / 2, by);
    o = make(r, backup, l, time(NULL), by);
    object_set_text(o, "reason", reason);
    return put(r, db, backup, l, o, e);
}

static int
parse(const json_t *o, struct tombstone *t, struct err *e)
{
    const char *backup;
    const char *digest = json_opt_str(o, "label_sha256", "");

    if (json_get_str(o, "backup", &backup, e) != 0 ||
        chain_read_sequence(o, t->signer, &t->sequence, e) != 0) {
        return -1;
    }
    if (strcmp(backup, t->backup) != 0 || (*digest != '\0' && strlen(digest) != SHA256_HEX)) {
        return err_set(e, ERR_CORRUPT, "it is not what its name says");
    }
    (void)snprintf(t->label_sha256, sizeof t->label_sha256, "%s", digest);
    t->settings = (unsigned)json_opt_int(o, "settings", 0);
    return 0;
}

int
tombstone_load(struct repo *r, const char *db, const char *name, struct tombstone *t, struct err *e)
{
    char       *enc = name_encode(db);
    char       *key = xasprintf("%s/tombstones/%s.json", enc, name);
    const char *run = strchr(name, '.');
    json_t     *o = object_get(repo_signed(r), key, "tombstone", OBJECT_BYTES_MAX, e);
    int         rc = -1;

    *t = (struct tombstone){0};
    (void)snprintf(t->backup, sizeof t->backup, "%.*s", (int)strcspn(name, "."), name);
    (void)snprintf(t->run, sizeof t->run, "%s", run == NULL ? "" : run + 1);
    if (o != NULL && (rc = parse(o, t, e)) != 0) {
        err_wrap(e, "tombstone \"%s\"", key);
    }
    json_decref(o);
    free(key);
    free(enc);
    return rc;
}

struct reading {
    size_t          prefix; /* length of "<db>/tombstones/" */
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

/* One that no trusted key has signed does not count. */
static bool
believed(struct repo *r, const char *db, const char *name)
{
    char      *enc = name_encode(db);
    char      *key = xasprintf("%s/tombstones/%s.json", enc, name);
    struct err e = ERR_INIT;
    json_t    *o = object_get(repo_signed(r), key, "tombstone", OBJECT_BYTES_MAX, &e);

    if (e.untrusted) {
        log_warn("tombstone \"%s\" is passed over: %s", key, e.text);
    }
    json_decref(o);
    free(key);
    free(enc);
    return !e.untrusted;
}

bool
tombstones_stand(struct repo *r, const char *db, const struct strlist *names, const char *backup,
                 const char *run)
{
    char *name = xasprintf("%s.%s", backup, run != NULL ? run : TOMBSTONE_NO_RUN);
    bool  stand = strlist_find(names, name) && (r->trust == NULL || believed(r, db, name));

    free(name);
    return stand;
}

bool
tombstones_bury(struct repo *r, const char *db, const struct strlist *names, const char *backup)
{
    size_t n = strlen(backup);

    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->v[i];

        if (strncmp(name, backup, n) == 0 && name[n] == '.' &&
            (r->trust == NULL || believed(r, db, name))) {
            return true;
        }
    }
    return false;
}
