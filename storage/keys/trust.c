#include "storage/keys/trust.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/keyfile.h"
#include "core/enc.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"

enum role { BACKUP, PRUNE, DRILL, ADMIN, ROLES };

enum { SIGN_KEY = ROLES };
const struct config_key trust_keys[] = {
    [BACKUP] = {"trust-backup", CONFIG_COMMA_LIST, "public key files: whose backups are used",
                NULL},
    [PRUNE] = {"trust-prune", CONFIG_COMMA_LIST,
               "public key files: whose trash lists and tombstones count", NULL},
    [DRILL] = {"trust-drill", CONFIG_COMMA_LIST, "public key files: whose drills count", NULL},
    [ADMIN] = {"trust-admin", CONFIG_COMMA_LIST,
               "public key files: who may change the policy and pin backups", NULL},
    [SIGN_KEY] = {"sign-key", CONFIG_TEXT, "this host's secret key file: signs all that it writes",
                  NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};
static const char *const role_names[ROLES] = {"backups", "pruning", "drills", "administration"};

/* The role that an object belongs to; an object that is not named here decides nothing. */
static const struct {
    const char *type;
    enum role   role, other;
    bool        founds;  /* the repository itself depends on it */
    bool        anybody; /* who is trusted for anything may write it */
} types[] = {
    {"label", BACKUP, BACKUP, false, false},    {"source", BACKUP, BACKUP, false, false},
    {"baseline", BACKUP, BACKUP, false, false}, {"condemned", BACKUP, PRUNE, false, false},
    {"trash", PRUNE, PRUNE, false, false},      {"trash-runs", PRUNE, PRUNE, false, false},
    {"tombstone", PRUNE, PRUNE, false, false},  {"revoked", PRUNE, PRUNE, false, false},
    {"unlabelled", PRUNE, PRUNE, false, false}, {"drill", DRILL, DRILL, false, false},
    {"pin", ADMIN, BACKUP, false, false},       {"accept", ADMIN, ADMIN, false, false},
    {"repo", ADMIN, ADMIN, true, false},        {"keys", ADMIN, ADMIN, true, false},
    {"ledger", DRILL, DRILL, false, true},
};

struct trusted {
    struct public_key *v;
    size_t             n, cap;
};

struct trust {
    char              repo_id[33]; /* "": not bound yet */
    bool              signs;
    struct secret_key key;
    struct trusted    trusted[ROLES];
    bool              allow_unsigned;
    atomic_bool       warned;
};

/* ---- keys ---- */

static int
load_trusted(struct trusted *t, const struct strlist *files, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < files->n; i++) {
        VEC_GROW(t->v, t->n, t->cap);
        rc = public_key_load(files->v[i], &t->v[t->n], e);
        t->n += rc == 0;
    }
    return rc;
}

static int
load_keys(struct trust *s, const char *sign_key, const struct strlist *files, struct err *e)
{
    const struct passphrase_source ask = PASSPHRASE_ASK;

    if (sign_key != NULL) {
        if (secret_key_load(sign_key, &ask, &s->key, e) != 0) {
            return err_wrap(e, "sign-key");
        }
        s->signs = true;
    }
    for (int i = 0; i < ROLES; i++) {
        if (load_trusted(&s->trusted[i], &files[i], e) != 0) {
            return err_wrap(e, "%s", trust_keys[i].name);
        }
    }
    return 0;
}

int
trust_open(const struct storage_location *place, struct trust **out, struct err *e)
{
    const char    *sign_key = storage_location_get(place, &trust_keys[SIGN_KEY]);
    struct strlist files[ROLES] = {0};
    bool           any = sign_key != NULL;
    int            rc = 0;

    *out = NULL;
    for (int i = 0; i < ROLES; i++) {
        storage_location_list(place, &trust_keys[i], &files[i]);
        any = any || files[i].n > 0;
    }
    if (any) {
        *out = xcalloc(1, sizeof **out);
        rc = load_keys(*out, sign_key, files, e);
    }
    if (rc != 0) {
        trust_free(*out);
        *out = NULL;
    }
    for (int i = 0; i < ROLES; i++) {
        strlist_free(&files[i]);
    }
    return rc;
}

void
trust_free(struct trust *s)
{
    if (s == NULL) {
        return;
    }
    secret_key_free(&s->key);
    for (int i = 0; i < ROLES; i++) {
        for (size_t k = 0; k < s->trusted[i].n; k++) {
            public_key_free(&s->trusted[i].v[k]);
        }
        free(s->trusted[i].v);
    }
    free(s);
}

void
trust_bind(struct trust *s, const char *repo_id)
{
    if (s != NULL) {
        (void)snprintf(s->repo_id, sizeof s->repo_id, "%s", repo_id);
    }
}

void
trust_allow_unsigned(struct trust *s)
{
    if (s != NULL) {
        s->allow_unsigned = true;
    }
}

const struct secret_key *
trust_key(const struct trust *s)
{
    return s != NULL && s->signs ? &s->key : NULL;
}

bool
trust_knows_admins(const struct trust *s)
{
    return s != NULL && s->trusted[ADMIN].n > 0;
}

/* ---- who may what ---- */

static const struct public_key *
find_key(const struct trust *s, enum role role, const char *id)
{
    for (size_t i = 0; i < s->trusted[role].n; i++) {
        if (strcmp(s->trusted[role].v[i].id, id) == 0) {
            return &s->trusted[role].v[i];
        }
    }
    return NULL;
}

/* This host trusts what it signed itself if no key is named for the role; not as an administrator,
 * who decides for all hosts. */
static bool
is_own(const struct trust *s, enum role role, const char *id)
{
    return role != ADMIN && s->trusted[role].n == 0 && s->signs && strcmp(s->key.pub.id, id) == 0;
}

/* The key that signed, if it has the object's role. */
static const struct public_key *
allowed_key(const struct trust *s, size_t type, const char *id)
{
    for (int i = 0; i < ROLES; i++) {
        enum role                role = (enum role)i;
        const struct public_key *k = NULL;

        if (types[type].anybody || role == types[type].role || role == types[type].other ||
            role == ADMIN) {
            k = is_own(s, role, id) ? &s->key.pub : find_key(s, role, id);
        }

        if (k != NULL) {
            return k;
        }
    }
    return NULL;
}

/* SIZE_MAX: decides nothing. */
static size_t
find_type(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].type, type) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Once any trust- key is set, nothing that decides is trusted unsigned: a role without keys belongs
 * to the administrator alone, and to no one if no administrator is trusted.  Only the repository's
 * own objects (repo, keys) are accepted unsigned while trust-admin is not set: without them there
 * would be no repository at all. */
static bool
asked_for(const struct trust *s, size_t type)
{
    size_t any = 0;

    for (int i = 0; i < ROLES; i++) {
        any += s->trusted[i].n;
    }
    return any > 0 && (!types[type].founds || s->trusted[ADMIN].n > 0);
}

bool
trust_asks(const struct trust *s, const char *type)
{
    size_t t = find_type(type);

    return s != NULL && t != SIZE_MAX && asked_for(s, t);
}

int
trust_may(const struct trust *s, const char *type, struct err *e)
{
    size_t t = find_type(type);

    if (s == NULL || t == SIZE_MAX || !asked_for(s, t) ||
        (s->signs && allowed_key(s, t, s->key.pub.id) != NULL)) {
        return 0;
    }
    if (s->signs) {
        err_set(e, ERR_AUTH, "this host's key, %s (%s), is not trusted for %s", s->key.pub.id,
                s->key.pub.name, role_names[types[t].role]);
    } else {
        err_set(e, ERR_AUTH, "this host has no key to sign with, and requires signatures itself");
    }
    return err_hint(e, "see sign-key, %s%s in its configuration",
                    types[t].role == ADMIN ? "" : "trust-admin, ", trust_keys[types[t].role].name);
}

/* ---- signing ---- */

const char *
trust_signer(const struct trust *s)
{
    return s != NULL && s->signs && s->repo_id[0] != '\0' ? s->key.pub.id : NULL;
}

int
trust_sign(const struct trust *s, const char *type, const char *key, struct buf *line,
           struct err *e)
{
    struct signed_as as;
    uint8_t          signature[SIGNATURE_BYTES];
    char             hex[2 * SIGNATURE_BYTES + 1];

    if (s == NULL || !s->signs || s->repo_id[0] == '\0') {
        return 0;
    }
    as = (struct signed_as){.type = type, .repo_id = s->repo_id, .key = key};
    sign_bytes(&s->key.sign, &as, line->data, line->len - 1, signature);
    hex_encode(signature, sizeof signature, hex);
    return buf_printf(line, e, "{\"key\":\"%s\",\"signature\":\"%s\"}\n", s->key.pub.id, hex);
}

/* ---- checking ---- */

static int
check_line(const struct trust *s, size_t type, const char *key, const void *object, size_t first,
           const json_t *second, struct err *e)
{
    struct signed_as         as = {.type = types[type].type, .repo_id = s->repo_id, .key = key};
    const struct public_key *k;
    const char              *id;
    const char              *hex;
    uint8_t                  signature[SIGNATURE_BYTES];

    if (second == NULL || json_get_str(second, "key", &id, e) != 0 ||
        json_get_str(second, "signature", &hex, e) != 0 ||
        hex_decode(hex, strlen(hex), signature, sizeof signature) != 0) {
        return err_set(e, ERR_CORRUPT, "its signature cannot be read");
    }
    k = allowed_key(s, type, id);
    if (k == NULL) {
        return err_set(e, ERR_CORRUPT, "it is signed by key %.16s, which is not trusted for %s", id,
                       role_names[types[type].role]);
    }
    if (!sign_verify(k->sign, &as, object, first, signature)) {
        return err_set(e, ERR_CORRUPT,
                       "its signature is wrong: it was changed, or moved here, after key %s (%s) "
                       "had signed it",
                       k->id, k->name);
    }
    return 0;
}

static int
check_object(const struct trust *s, size_t type, const char *key, const uint8_t *object, size_t n,
             struct err *e)
{
    const uint8_t *end = n == 0 ? NULL : memchr(object, '\n', n);
    const uint8_t *second = end == NULL ? NULL : end + 1;
    size_t         second_n = end == NULL ? 0 : n - (size_t)(second - object);
    struct err     unreadable = ERR_INIT;
    json_t        *o;
    int            rc;

    if (s->repo_id[0] == '\0') {
        return err_set(e, ERR_CORRUPT, "its repository is not known: no signature can be checked");
    }
    if (second_n == 0) {
        return err_set(e, ERR_CORRUPT, "it is not signed");
    }
    if (second[second_n - 1] != '\n' || memchr(second, '\n', second_n - 1) != NULL) {
        return err_set(e, ERR_CORRUPT, "its signature is truncated, or something follows it");
    }
    o = json_read(second, second_n - 1, &unreadable);
    rc = check_line(s, type, key, object, (size_t)(end - object), o, e);
    json_decref(o);
    return rc;
}

static int
overlook(struct trust *s, const char *key, struct err *e)
{
    if (!atomic_exchange(&s->warned, true)) {
        log_warn(
            "\"%s\": %s; --allow-unsigned: anybody may have written it, and a restore runs its "
            "contents",
            key, e->text);
    }
    err_clear(e);
    return 0;
}

int
trust_check(struct trust *s, const char *type, const char *key, const void *object, size_t n,
            struct err *e)
{
    size_t t = find_type(type);

    if (s == NULL || t == SIZE_MAX || !asked_for(s, t) ||
        check_object(s, t, key, object, n, e) == 0) {
        return 0;
    }
    if (s->allow_unsigned && types[t].role == BACKUP) {
        return overlook(s, key, e);
    }
    e->untrusted = e->newer = true;
    return err_hint(e, "%s%s in its configuration say whom this host trusts",
                    types[t].role == ADMIN ? "" : "trust-admin and ",
                    trust_keys[types[t].role].name);
}
