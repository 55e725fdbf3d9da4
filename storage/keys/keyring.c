#include "storage/keys/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "storage/keys/pinned.h"
#include "storage/keys/trust.h"

enum { IDENTITIES_MAX = 16 };

struct keyring {
    /* the configuration's */
    struct strlist     identity_files;
    char              *passphrase_file, *passphrase_command;
    int                passphrase_fd;
    struct public_key *encrypt_to;
    size_t             n_encrypt_to, cap_encrypt_to;
    bool               must_encrypt;
    char              *repo_id_pinned; /* or NULL */
    /* the repository's */
    struct signed_store in; /* the repository's */
    char                repo_id[33];
    uint8_t             plain[NAMING_KEYS]; /* of unencrypted epochs: stored beside the chunks */
    bool                has_plain;
    unsigned            current;
    struct epoch       *epochs; /* ascending, 1 to current */
    size_t              n_epochs;
    /* loaded when needed */
    pthread_mutex_t    lock;
    struct secret_key *identities;
    size_t             n_identities;
    struct secret      passphrase; /* the last one that opened an epoch */
    bool               identities_loaded;
    struct err         identities_failed; /* a wrong passphrase is not asked for again */
    bool               pins_checked;
};

/* ---- configuration ---- */

enum {
    ENCRYPT_TO,
    MUST_ENCRYPT,
    REPO_ID,
    IDENTITY,
    PASSPHRASE_FILE,
    PASSPHRASE_COMMAND,
    PASSPHRASE_FD
};
const struct config_key keyring_keys[] = {
    [ENCRYPT_TO] = {"encrypt-to", CONFIG_COMMA_LIST,
                    "public key files: who can read what this host writes", NULL},
    [MUST_ENCRYPT] = {"must-encrypt", CONFIG_TEXT, "yes: this host writes nothing unencrypted",
                      NULL},
    [REPO_ID] = {"repo-id", CONFIG_TEXT, "the id that the repository must have", NULL},
    [IDENTITY] = {"identity", CONFIG_COMMA_LIST, "secret key files of readers", NULL},
    [PASSPHRASE_FILE] = {"passphrase-file", CONFIG_TEXT,
                         "the passphrase of identity is the first line of this file", NULL},
    [PASSPHRASE_COMMAND] = {"passphrase-command", CONFIG_TEXT,
                            "the passphrase of identity is what this prints", NULL},
    [PASSPHRASE_FD] = {"passphrase-fd", CONFIG_TEXT,
                       "the passphrase of identity is read from this descriptor", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static char *
copy_of(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

static int
load_encrypt_to(struct keyring *k, const struct storage_location *p, struct err *e)
{
    struct strlist files = {0};
    int            rc = 0;

    storage_location_list(p, &keyring_keys[ENCRYPT_TO], &files);
    for (size_t i = 0; rc == 0 && i < files.n; i++) {
        VEC_GROW(k->encrypt_to, k->n_encrypt_to, k->cap_encrypt_to);
        k->encrypt_to[k->n_encrypt_to] = (struct public_key){0};
        rc = public_key_load(files.v[i], &k->encrypt_to[k->n_encrypt_to], e);
        k->n_encrypt_to += rc == 0;
    }
    strlist_free(&files);
    return rc == 0 ? 0 : err_wrap(e, "encrypt-to");
}

void
keyring_identity_files(const struct storage_location *p, struct strlist *out)
{
    storage_location_list(p, &keyring_keys[IDENTITY], out);
}

static int
read_flag(const struct storage_location *p, const struct config_key *key, bool *out, struct err *e)
{
    const char *text = storage_location_get(p, key);

    *out = text != NULL &&
        (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "on") == 0 ||
         strcmp(text, "1") == 0);
    if (text == NULL || *out || strcmp(text, "no") == 0 || strcmp(text, "false") == 0 ||
        strcmp(text, "off") == 0 || strcmp(text, "0") == 0) {
        return 0;
    }
    return err_set(e, ERR_USAGE, "%s: \"%s\" is neither yes nor no", key->name, text);
}

static int
read_fd(const struct storage_location *p, int *out, struct err *e)
{
    const char *text = storage_location_get(p, &keyring_keys[PASSPHRASE_FD]);

    *out = -1;
    return text == NULL ? 0 : passphrase_fd_parse(text, out, e);
}

static int
configure(struct keyring *k, const struct storage_location *p, struct err *e)
{
    keyring_identity_files(p, &k->identity_files);
    if (k->identity_files.n > IDENTITIES_MAX) {
        return err_set(e, ERR_USAGE, "identity: more than %d files", IDENTITIES_MAX);
    }
    k->passphrase_file = copy_of(storage_location_get(p, &keyring_keys[PASSPHRASE_FILE]));
    k->passphrase_command = copy_of(storage_location_get(p, &keyring_keys[PASSPHRASE_COMMAND]));
    k->repo_id_pinned = copy_of(storage_location_get(p, &keyring_keys[REPO_ID]));
    return read_fd(p, &k->passphrase_fd, e) != 0 ||
            read_flag(p, &keyring_keys[MUST_ENCRYPT], &k->must_encrypt, e) != 0 ||
            load_encrypt_to(k, p, e) != 0
        ? -1
        : 0;
}

int
keyring_open(const struct storage_location *p, struct keyring **out, struct err *e)
{
    struct keyring *k = xcalloc(1, sizeof *k);

    *out = NULL;
    k->passphrase_fd = -1;
    (void)pthread_mutex_init(&k->lock, NULL);
    if (p != NULL && configure(k, p, e) != 0) {
        keyring_free(k);
        return -1;
    }
    *out = k;
    return 0;
}

void
keyring_free(struct keyring *k)
{
    if (k == NULL) {
        return;
    }
    strlist_free(&k->identity_files);
    free(k->passphrase_file);
    free(k->passphrase_command);
    free(k->repo_id_pinned);
    for (size_t i = 0; i < k->n_encrypt_to; i++) {
        public_key_free(&k->encrypt_to[i]);
    }
    free(k->encrypt_to);
    for (size_t i = 0; i < k->n_epochs; i++) {
        epoch_deinit(&k->epochs[i]);
    }
    free(k->epochs);
    for (size_t i = 0; i < k->n_identities; i++) {
        secret_key_free(&k->identities[i]);
    }
    free(k->identities);
    secret_free(&k->passphrase);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

bool
keyring_must_encrypt(const struct keyring *k)
{
    return k->must_encrypt || k->n_encrypt_to > 0;
}

const struct public_key *
keyring_encrypt_to(const struct keyring *k, size_t *n)
{
    *n = k->n_encrypt_to;
    return k->encrypt_to;
}

/* ---- what the repository says ---- */

/* "epochs": the encrypted ones. */
static int
take_sealed(struct keyring *k, const json_t *repo, struct err *e)
{
    json_t *list = json_object_get(repo, "epochs");

    if (list != NULL && !json_is_array(list)) {
        return err_set(e, ERR_CORRUPT, "key \"epochs\" is not an array");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        int64_t       number;
        struct epoch *ep;

        if (json_get_int(one, "epoch", &number, e) != 0) {
            return err_wrap(e, "\"epochs\" element %zu", i);
        }
        if (number < 1 || number > (int64_t)k->current || k->epochs[number - 1].sealed) {
            return err_set(e, ERR_CORRUPT,
                           "\"epochs\" element %zu: key \"epoch\" is out of range, or appears "
                           "twice",
                           i);
        }
        ep = &k->epochs[number - 1];
        ep->sealed = true;
        if (json_get_hex(one, "public", ep->public, sizeof ep->public, e) != 0) {
            return err_wrap(e, "\"epochs\" element %zu", i);
        }
    }
    return 0;
}

static int
take_plain(struct keyring *k, const json_t *repo, struct err *e)
{
    bool any = false;

    for (size_t i = 0; i < k->n_epochs; i++) {
        any = any || !k->epochs[i].sealed;
    }
    if (any &&
        (json_get_hex(repo, "id_key", k->plain, ID_KEY, e) != 0 ||
         json_get_hex(repo, "fingerprint_key", k->plain + ID_KEY, FINGERPRINT_KEY, e) != 0)) {
        return -1;
    }
    for (size_t i = 0; i < k->n_epochs; i++) {
        if (!k->epochs[i].sealed) {
            secret_set(&k->epochs[i].naming, k->plain, NAMING_KEYS);
        }
    }
    return 0;
}

int
keyring_bind(struct keyring *k, struct signed_store in, const json_t *repo, const char *repo_id,
             struct err *e)
{
    int64_t current;

    k->in = in;
    (void)snprintf(k->repo_id, sizeof k->repo_id, "%s", repo_id);
    if (json_get_int(repo, "epoch", &current, e) != 0) {
        return -1;
    }
    if (current < 1 || current > EPOCH_NUMBER_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"epoch\" is out of range");
    }
    if (k->repo_id_pinned != NULL && strcmp(k->repo_id_pinned, repo_id) != 0) {
        err_set(e, ERR_AUTH, "it is repository %s, and the configuration says %s (repo-id)",
                repo_id, k->repo_id_pinned);
        return err_hint(e, "somebody may have replaced it by another one");
    }
    k->current = (unsigned)current;
    k->n_epochs = (size_t)current;
    k->epochs = xcalloc(k->n_epochs, sizeof *k->epochs);
    for (size_t i = 0; i < k->n_epochs; i++) {
        k->epochs[i].number = (unsigned)i + 1;
    }
    return take_sealed(k, repo, e) != 0 || take_plain(k, repo, e) != 0 ? -1 : 0;
}

static struct epoch *
find_epoch(struct keyring *k, unsigned number, struct err *e)
{
    if (number < 1 || number > k->n_epochs) {
        err_set(e, ERR_CORRUPT, "the repository knows no epoch %u", number);
        return NULL;
    }
    return &k->epochs[number - 1];
}

const struct epoch *
keyring_epoch(struct keyring *k, unsigned number, struct err *e)
{
    return find_epoch(k, number, e);
}

/* ---- identities ---- */

/* Under the lock. */
static int
load_identities(struct keyring *k, struct err *e)
{
    struct passphrase_source source = {.fd = k->passphrase_fd,
                                       .file = k->passphrase_file,
                                       .command = k->passphrase_command,
                                       .kept = &k->passphrase};

    if (k->identities_failed.kind != ERR_NONE) {
        *e = k->identities_failed;
        return -1;
    }
    if (k->identities_loaded) {
        return 0;
    }
    k->identities = xcalloc(k->identity_files.n + 1, sizeof *k->identities);
    for (size_t i = 0; i < k->identity_files.n; i++) {
        if (secret_key_load(k->identity_files.v[i], &source, &k->identities[k->n_identities], e) !=
            0) {
            for (size_t n = 0; n < k->n_identities; n++) {
                secret_key_free(&k->identities[n]);
            }
            free(k->identities);
            k->identities = NULL;
            k->n_identities = 0;
            err_wrap(e, "identity");
            e->kind = ERR_AUTH; /* the fault is in the file, not in an object of the repository */
            k->identities_failed = *e;
            return -1;
        }
        k->n_identities++;
    }
    k->identities_loaded = true;
    return 0;
}

const struct secret_key *
keyring_identity(struct keyring *k, struct err *e)
{
    int rc;

    (void)pthread_mutex_lock(&k->lock);
    rc = load_identities(k, e);
    (void)pthread_mutex_unlock(&k->lock);
    if (rc == 0 && k->n_identities == 0) {
        err_set(e, ERR_USAGE, "no identity is given");
    }
    return rc == 0 && k->n_identities > 0 ? &k->identities[0] : NULL;
}

const struct secret *
keyring_passphrase(const struct keyring *k)
{
    return k->passphrase.data == NULL ? NULL : &k->passphrase;
}

char *
keyring_readers_text(const struct epoch_keys *o)
{
    char *text = NULL;

    for (size_t i = 0; i < o->count; i++) {
        char *longer;

        if (o->v[i].role != EPOCH_READER) {
            continue;
        }
        longer = xasprintf("%s%s%s (%s)", text == NULL ? "" : text, text == NULL ? "" : ", ",
                           o->v[i].name, o->v[i].id);
        free(text);
        text = longer;
    }
    return text == NULL ? xstrdup("nobody") : text;
}

static int
not_a_reader(const struct keyring *k, const struct epoch *ep, const struct epoch_keys *o,
             struct err *e)
{
    char *readers = keyring_readers_text(o);

    if (k->identity_files.n == 0) {
        err_set(e, ERR_AUTH, "it is encrypted (epoch %u), and this host has no key to read it with",
                ep->number);
    } else {
        err_set(e, ERR_AUTH,
                "it is encrypted (epoch %u), and the identity given, %s%s, is not among those who "
                "can read it",
                ep->number, k->identity_files.v[0], k->identity_files.n > 1 ? " and others" : "");
    }
    err_hint(e, "--identity FILE, the secret key of one of: %s", readers);
    free(readers);
    return -1;
}

/* Under the lock. */
static int
open_for_reading(struct keyring *k, struct epoch *ep, struct err *e)
{
    struct epoch_keys o;
    int               rc = 1;

    if (!ep->sealed || ep->secret.data != NULL) {
        return 0;
    }
    if (load_identities(k, e) != 0 || epoch_keys_load(k->in, ep, &o, e) != 0) {
        return -1;
    }
    /* The keys of one of them may be damaged: each is tried. */
    for (size_t i = 0; rc != 0 && i < k->n_identities; i++) {
        const struct epoch_recipient *r = epoch_keys_find(&o, EPOCH_READER,
                                                          k->identities[i].pub.id);

        if (r != NULL) {
            rc = epoch_recipient_open(r, &k->identities[i], ep, e);
        }
    }
    if (rc == 0) {
        err_clear(e);
    }
    if (rc == 1) {
        rc = not_a_reader(k, ep, &o, e);
    }
    epoch_keys_free(&o);
    return rc;
}

const struct epoch *
keyring_read(struct keyring *k, unsigned number, struct err *e)
{
    struct epoch *ep = find_epoch(k, number, e);
    int           rc = -1;

    if (ep != NULL) {
        (void)pthread_mutex_lock(&k->lock);
        rc = open_for_reading(k, ep, e);
        (void)pthread_mutex_unlock(&k->lock);
    }
    return rc == 0 ? ep : NULL;
}

bool
keyring_reads(struct keyring *k, unsigned number)
{
    return number >= 1 && number <= k->n_epochs &&
        (!k->epochs[number - 1].sealed || k->identity_files.n > 0);
}

bool
keyring_same(const struct keyring *a, const struct keyring *b, unsigned number)
{
    return number >= 1 && number <= a->n_epochs && number <= b->n_epochs &&
        a->epochs[number - 1].sealed && b->epochs[number - 1].sealed &&
        memcmp(a->epochs[number - 1].public, b->epochs[number - 1].public, SEAL_PUBLIC) == 0;
}

/* ---- writing ---- */

static int
remember(const struct keyring *k, const struct epoch *ep)
{
    struct err e = ERR_INIT;

    if (pinned_remember(k->repo_id, ep, &e) != 0) {
        log_info("%s; this host does not remember epoch %u", e.text, ep->number);
    }
    return 0;
}

/* 1: this host is no writer. */
static int
open_as_writer(const struct keyring *k, struct epoch *ep, const struct epoch_keys *o, struct err *e)
{
    const struct secret_key      *host = trust_key(k->in.trust);
    const struct epoch_recipient *r;

    if (host == NULL || !trust_knows_admins(k->in.trust)) {
        return 1; /* nothing vouches for the epoch's key */
    }
    r = epoch_keys_find(o, EPOCH_WRITER, host->pub.id);
    if (r == NULL) {
        return 1;
    }
    return epoch_recipient_open(r, host, ep, e) != 0 ? -1
                                                     : remember(k, ep); /* a signature is enough */
}

static int
no_writer(const struct keyring *k, const struct epoch *ep, struct err *e)
{
    const struct secret_key *host = trust_key(k->in.trust);

    err_set(e, ERR_AUTH, "nothing vouches on this host for the key that epoch %u is encrypted to",
            ep->number);
    if (host != NULL && trust_knows_admins(k->in.trust)) {
        return err_hint(e,
                        "make this host a writer where a reader's key is: pgassay storage keys add "
                        "--writer FILE, the public half of "
                        "this host's sign-key, %s (%s)",
                        host->pub.id, host->pub.name);
    }
    return err_hint(e,
                    "with a reader's key, once on this host: pgassay storage keys trust --identity "
                    "FILE; or a sign-key and "
                    "trust-admin, and: pgassay storage keys add --writer");
}

/* Anybody can seal a key of his own to a reader, so it proves little that an identity opens it. It
 * is trusted on first use, if nothing else is known, and remembered. */
static int
open_by_identity(struct keyring *k, struct epoch *ep, struct err *e)
{
    unsigned newest;

    if (pinned_newest(k->repo_id, &newest, e) != 0) {
        return -1;
    }
    if (ep->number > newest && newest > 0) {
        return 1;
    }
    return open_for_reading(k, ep, e) != 0 ? -1 : remember(k, ep);
}

/* Under the lock. */
static int
open_for_writing(struct keyring *k, struct epoch *ep, const struct epoch_keys *o, struct err *e)
{
    int rc;

    if (ep->naming.data != NULL) {
        return 0;
    }
    rc = pinned_recall(k->repo_id, ep, e);
    if (rc == 1) {
        rc = open_as_writer(k, ep, o, e);
    }
    if (rc == 1 && k->identity_files.n > 0) {
        rc = open_by_identity(k, ep, e);
    }
    return rc == 1 ? no_writer(k, ep, e) : rc;
}

/* Exactly the pinned readers can read it. */
static int
check_readers(const struct keyring *k, const struct epoch_keys *o, struct err *e)
{
    for (size_t i = 0; i < o->count; i++) {
        bool pinned = o->v[i].role == EPOCH_WRITER;

        for (size_t n = 0; !pinned && n < k->n_encrypt_to; n++) {
            pinned = strcmp(k->encrypt_to[n].id, o->v[i].id) == 0 &&
                memcmp(k->encrypt_to[n].read, o->v[i].read, READ_PUBLIC) == 0;
        }
        if (!pinned) {
            err_set(e, ERR_AUTH,
                    "key %s (%s) can read new backups, and encrypt-to does not name it", o->v[i].id,
                    o->v[i].name);
            return err_hint(e,
                            "add its file to encrypt-to on this host if it may; else: pgassay "
                            "storage keys revoke %s",
                            o->v[i].id);
        }
    }
    for (size_t n = 0; n < k->n_encrypt_to; n++) {
        if (epoch_keys_find(o, EPOCH_READER, k->encrypt_to[n].id) == NULL) {
            err_set(e, ERR_AUTH, "key %s (%s) of encrypt-to cannot read new backups",
                    k->encrypt_to[n].id, k->encrypt_to[n].name);
            return err_hint(e,
                            "if it was revoked, remove it from encrypt-to on this host; otherwise: "
                            "pgassay storage keys add, with a reader's identity");
        }
    }
    return 0;
}

/* Write access to the repository cannot make this host return to an older epoch, or to none. */
static int
check_not_behind(const struct keyring *k, const struct epoch *ep, struct err *e)
{
    unsigned newest;

    if (pinned_newest(k->repo_id, &newest, e) != 0) {
        return -1;
    }
    if (newest > 0 && !ep->sealed) {
        err_set(e, ERR_AUTH,
                "the repository is not encrypted in epoch %u, and this host has known epoch %u, "
                "which was",
                ep->number, newest);
        return err_hint(e,
                        "somebody turned encryption off: nothing is written until this is "
                        "resolved");
    }
    if (newest <= k->current) {
        return 0;
    }
    err_set(e, ERR_AUTH, "the repository is in epoch %u, and this host has known epoch %u",
            k->current, newest);
    return err_hint(e,
                    "an old state was put back, or repo.<n>.json removed: nothing is written until "
                    "this is resolved");
}

/* Under the lock. */
static int
check_pins(struct keyring *k, const struct epoch *ep, const struct epoch_keys *o, struct err *e)
{
    if (k->pins_checked) {
        return 0;
    }
    if (keyring_must_encrypt(k) && !ep->sealed) {
        err_set(e, ERR_AUTH, "the repository is not encrypted, and this host must encrypt (%s)",
                k->n_encrypt_to > 0 ? "encrypt-to" : "must-encrypt");
        return err_hint(e,
                        "pgassay storage keys new-epoch --encrypt-to FILE turns encryption on; if "
                        "it was on, somebody turned it off");
    }
    if (check_not_behind(k, ep, e) != 0 || (k->n_encrypt_to > 0 && check_readers(k, o, e) != 0)) {
        return -1;
    }
    k->pins_checked = true;
    return 0;
}

/* Under the lock. */
static int
prepare(struct keyring *k, struct epoch *ep, bool current, struct err *e)
{
    struct epoch_keys o = {0};
    int               rc = ep->sealed ? epoch_keys_load(k->in, ep, &o, e) : 0;

    if (rc == 0 && current) {
        rc = check_pins(k, ep, &o, e);
    }
    if (rc == 0) {
        rc = open_for_writing(k, ep, &o, e);
    }
    epoch_keys_free(&o);
    return rc;
}

const struct epoch *
keyring_write(struct keyring *k, unsigned number, bool current, struct err *e)
{
    struct epoch *ep = find_epoch(k, number, e);
    int           rc = -1;

    if (ep != NULL) {
        (void)pthread_mutex_lock(&k->lock);
        rc = ep->naming.data != NULL && (!current || k->pins_checked) ? 0
                                                                      : prepare(k, ep, current, e);
        (void)pthread_mutex_unlock(&k->lock);
    }
    return rc == 0 ? ep : NULL;
}

int
keyring_trust(struct keyring *k, unsigned number, struct err *e)
{
    const struct epoch *ep = keyring_read(k, number, e);

    return ep == NULL ? -1 : !ep->sealed ? 0 : pinned_remember(k->repo_id, ep, e);
}
