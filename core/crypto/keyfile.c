#include "core/crypto/keyfile.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/host/ownership.h"
#include "core/human.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/quote.h"

enum {
    SECRET_PAYLOAD = READ_SECRET + SIGN_SEED,
    KEYFILE_FORMAT = 1,
    KDF_OPS = 3,
    KEY_ID_BYTES = KEY_ID_HEX / 2
};
enum { SALT = crypto_pwhash_SALTBYTES, NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };
enum { BOX = SECRET_PAYLOAD + crypto_aead_xchacha20poly1305_ietf_ABYTES };
#define KDF_MEM     ((size_t)256 << 20)
#define KDF_MEM_MAX ((int64_t)1 << 30)
enum { KDF_OPS_MAX = 10 };

void
public_key_free(struct public_key *k)
{
    free(k->name);
    *k = (struct public_key){0};
}

void
secret_key_free(struct secret_key *k)
{
    secret_free(&k->read);
    secret_free(&k->sign);
    public_key_free(&k->pub);
}

static void
make_id(struct public_key *k)
{
    static const char context[] = "pgassay key v1"; /* with its NUL */
    uint8_t           text[sizeof context + READ_PUBLIC + SIGN_PUBLIC];
    uint8_t           digest[SHA256_BYTES];

    memcpy(text, context, sizeof context);
    memcpy(text + sizeof context, k->read, READ_PUBLIC);
    memcpy(text + sizeof context + READ_PUBLIC, k->sign, SIGN_PUBLIC);
    sha256(text, sizeof text, digest);
    hex_encode(digest, KEY_ID_BYTES, k->id);
}

/* Both halves from a secret file's contents: the X25519 secret and the Ed25519 seed. */
static void
spread(struct secret_key *k, const struct secret *payload)
{
    secret_set(&k->read, payload->data, READ_SECRET);
    (void)crypto_scalarmult_base(k->pub.read, k->read.data);
    sign_keypair(payload->data + READ_SECRET, k->pub.sign, &k->sign);
    make_id(&k->pub);
}

static void
gather(const struct secret_key *k, struct secret *payload)
{
    secret_new(payload, SECRET_PAYLOAD);
    memcpy(payload->data, k->read.data, READ_SECRET);
    (void)crypto_sign_ed25519_sk_to_seed(payload->data + READ_SECRET, k->sign.data);
}

void
secret_key_make(struct secret_key *k, const char *name)
{
    struct secret payload = SECRET_INIT;

    *k = (struct secret_key){.pub.name = xstrdup(name)};
    secret_new(&payload, SECRET_PAYLOAD);
    random_bytes(payload.data, payload.n);
    spread(k, &payload);
    secret_free(&payload);
}

/* ---- writing ---- */

static json_t *
head(const struct public_key *k, const char *type)
{
    json_t *o = json_object();
    char    at[32];

    (void)json_object_set_new(o, "format", json_integer(KEYFILE_FORMAT));
    (void)json_object_set_new(o, "needs", json_array());
    (void)json_object_set_new(o, "type", json_string(type));
    (void)json_object_set_new(o, "id", json_string(k->id));
    (void)json_object_set_new(o, "name", json_text(k->name));
    (void)json_object_set_new(o, "created", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    json_set_hex(o, "read", k->read, sizeof k->read);
    json_set_hex(o, "sign", k->sign, sizeof k->sign);
    return o;
}

static int
write_all(int fd, const struct buf *text)
{
    size_t done = 0;

    while (done < text->len) {
        ssize_t n = write(fd, text->data + done, text->len - done);

        if (n <= 0) {
            return -1;
        }
        done += (size_t)n;
    }
    return fsync(fd);
}

/* So that the new name survives a power cut, too. */
static int
sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char       *dir = slash == NULL ? xstrdup(".")
                                    : xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int         rc = fd == -1 ? -1 : fsync(fd);

    if (fd != -1) {
        (void)close(fd);
    }
    free(dir);
    return rc;
}

/* Takes ownership of o.  A secret goes through text, whose memory is wiped; jansson writes without
 * a copy of its own. */
static int
write_file(json_t *o, const char *path, mode_t mode, struct err *e)
{
    struct buf text = BUF_INIT(KEYFILE_MAX);
    int        fd = -1;
    int        rc = -1;

    if (buf_reserve(&text, KEYFILE_MAX / 2, e) != 0 || json_write(o, &text, e) != 0 ||
        buf_puts(&text, "\n", e) != 0) {
        goto out;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd == -1) {
        err_errno(e, "could not make the key file \"%s\"", path);
    } else if (fchmod(fd, mode) != 0 || write_all(fd, &text) != 0 || sync_parent(path) != 0) {
        err_errno(e, "could not write the key file \"%s\"", path);
        (void)unlink(path);
    } else {
        rc = 0;
    }
out:
    if (fd != -1) {
        (void)close(fd);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.cap);
    }
    buf_free(&text);
    json_decref(o);
    return rc;
}

int
public_key_write(const struct public_key *k, const char *path, struct err *e)
{
    return write_file(head(k, "public-key"), path, 0644, e);
}

/* The key derived from a passphrase. */
static int
derive(const struct secret *passphrase, const uint8_t salt[SALT], unsigned long long ops,
       size_t mem, struct secret *key, struct err *e)
{
    secret_new(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (crypto_pwhash(key->data, key->n, (const char *)passphrase->data, passphrase->n, salt, ops,
                      mem, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return err_set(e, ERR_IO, "Argon2id needs %zu MiB of memory, which could not be allocated",
                       mem >> 20U);
    }
    return 0;
}

static int
lock_payload(const struct secret_key *k, const struct secret *payload,
             const struct secret *passphrase, json_t *o, struct err *e)
{
    struct secret key = SECRET_INIT;
    uint8_t       salt[SALT];
    uint8_t       nonce[NONCE];
    uint8_t       box[BOX];
    json_t       *locked;

    random_bytes(salt, sizeof salt);
    random_bytes(nonce, sizeof nonce);
    if (derive(passphrase, salt, KDF_OPS, KDF_MEM, &key, e) != 0) {
        secret_free(&key);
        return -1;
    }
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, payload->data, payload->n,
                                                     (const uint8_t *)k->pub.id, KEY_ID_HEX, NULL,
                                                     nonce, key.data);
    secret_free(&key);
    locked = json_object();
    (void)json_object_set_new(locked, "kdf", json_string("argon2id13"));
    (void)json_object_set_new(locked, "ops", json_integer(KDF_OPS));
    (void)json_object_set_new(locked, "mem", json_integer((json_int_t)KDF_MEM));
    json_set_hex(locked, "salt", salt, sizeof salt);
    json_set_hex(locked, "nonce", nonce, sizeof nonce);
    json_set_hex(locked, "box", box, sizeof box);
    (void)json_object_set_new(o, "locked", locked);
    return 0;
}

int
secret_key_write(const struct secret_key *k, const struct secret *passphrase, const char *path,
                 struct err *e)
{
    struct secret payload = SECRET_INIT;
    json_t       *o = head(&k->pub, "secret-key");
    int           rc = 0;

    gather(k, &payload);
    if (passphrase != NULL) {
        rc = lock_payload(k, &payload, passphrase, o, e);
    } else {
        json_set_hex(o, "secret", payload.data, payload.n);
    }
    secret_free(&payload);
    if (rc == 0) {
        json_incref(o);
        rc = write_file(o, path, 0600, e);
    }
    json_wipe(o, "secret");
    json_decref(o);
    return rc;
}

/* ---- reading ---- */

static int
check_head(const json_t *o, bool secret, struct err *e)
{
    const char *type;
    int64_t     format;

    if (json_get_str(o, "type", &type, e) != 0 || json_get_int(o, "format", &format, e) != 0) {
        return -1;
    }
    if (strcmp(type, "secret-key") != 0 && (secret || strcmp(type, "public-key") != 0)) {
        return err_set(e, ERR_CORRUPT, "is a \"%.40s\", not a %s key", type,
                       secret ? "secret" : "public");
    }
    if (format != KEYFILE_FORMAT || json_array_size(json_object_get(o, "needs")) > 0) {
        err_set(e, ERR_CORRUPT, "is of a format that this program does not know");
        return err_hint(e, "a newer pgassay wrote this");
    }
    return 0;
}

static int
read_public(const json_t *o, struct public_key *k, struct err *e)
{
    const char *id;

    if (json_get_hex(o, "read", k->read, sizeof k->read, e) != 0 ||
        json_get_hex(o, "sign", k->sign, sizeof k->sign, e) != 0 ||
        json_get_str(o, "id", &id, e) != 0) {
        return -1;
    }
    make_id(k);
    if (strcmp(id, k->id) != 0) {
        return err_set(e, ERR_CORRUPT, "its id is not that of its keys");
    }
    k->name = xstrdup(json_opt_str(o, "name", ""));
    return 0;
}

int
public_key_parse(const void *text, size_t n, const char *path, struct public_key *k, struct err *e)
{
    json_t *o = json_read_secret(text, n, e);
    int     rc = o == NULL || check_head(o, false, e) != 0 || read_public(o, k, e) != 0 ? -1 : 0;

    json_wipe(o, "secret");
    json_decref(o);
    if (rc != 0) {
        public_key_free(k);
        err_wrap(e, "key file \"%s\"", path);
    }
    return rc;
}

static int
open_box(const json_t *locked, const struct public_key *pub, const struct secret *passphrase,
         struct secret *payload, struct err *e)
{
    struct secret key = SECRET_INIT;
    uint8_t       salt[SALT];
    uint8_t       nonce[NONCE];
    uint8_t       box[BOX];
    int64_t       ops;
    int64_t       mem;
    int           rc = -1;

    if (strcmp(json_opt_str(locked, "kdf", ""), "argon2id13") != 0) {
        return err_set(e, ERR_CORRUPT,
                       "its passphrase is turned into a key by something that this program does "
                       "not know");
    }
    if (json_get_hex(locked, "salt", salt, sizeof salt, e) != 0 ||
        json_get_hex(locked, "nonce", nonce, sizeof nonce, e) != 0 ||
        json_get_hex(locked, "box", box, sizeof box, e) != 0 ||
        json_get_int(locked, "ops", &ops, e) != 0 || json_get_int(locked, "mem", &mem, e) != 0) {
        return -1;
    }
    if (ops < 1 || ops > KDF_OPS_MAX || mem < (int64_t)crypto_pwhash_MEMLIMIT_MIN ||
        mem > KDF_MEM_MAX) {
        return err_set(e, ERR_CORRUPT,
                       "its passphrase would cost more memory or time than is reasonable");
    }
    if (derive(passphrase, salt, (unsigned long long)ops, (size_t)mem, &key, e) == 0) {
        secret_new(payload, SECRET_PAYLOAD);
        rc = crypto_aead_xchacha20poly1305_ietf_decrypt(payload->data, NULL, NULL, box, sizeof box,
                                                        (const uint8_t *)pub->id, KEY_ID_HEX, nonce,
                                                        key.data) == 0
            ? 0
            : err_set(e, ERR_AUTH, "the passphrase is not the right one, or the file is damaged");
    }
    secret_free(&key);
    return rc;
}

static int
unlock(const json_t *locked, const struct public_key *pub, const struct passphrase_source *source,
       struct secret *payload, struct err *e)
{
    struct secret passphrase = SECRET_INIT;
    char         *what = xasprintf("passphrase of key \"%s\" (%s)", pub->name, pub->id);
    int           rc = passphrase_get(source, what, false, &passphrase, e);

    if (rc == 0) {
        rc = open_box(locked, pub, &passphrase, payload, e);
    }
    secret_free(&passphrase);
    free(what);
    return rc;
}

static int
read_secret(const json_t *o, const struct passphrase_source *source, struct secret_key *k,
            struct err *e)
{
    struct secret payload = SECRET_INIT;
    const json_t *locked = json_object_get(o, "locked");
    uint8_t       read[READ_PUBLIC];
    uint8_t       sign[SIGN_PUBLIC];
    int           rc;

    if (read_public(o, &k->pub, e) != 0) {
        return -1;
    }
    memcpy(read, k->pub.read, sizeof read);
    memcpy(sign, k->pub.sign, sizeof sign);
    if (json_is_object(locked)) {
        rc = unlock(locked, &k->pub, source, &payload, e);
    } else {
        secret_new(&payload, SECRET_PAYLOAD);
        rc = json_get_hex(o, "secret", payload.data, payload.n, e);
    }
    if (rc == 0) {
        spread(k, &payload);
        if (memcmp(read, k->pub.read, sizeof read) != 0 ||
            memcmp(sign, k->pub.sign, sizeof sign) != 0) {
            rc = err_set(e, ERR_CORRUPT, "its secret and its public keys do not belong together");
        }
    }
    secret_free(&payload);
    return rc;
}

int
secret_key_parse(const void *text, size_t n, const char *path,
                 const struct passphrase_source *source, struct secret_key *k, struct err *e)
{
    json_t *o = json_read_secret(text, n, e);
    int rc = o == NULL || check_head(o, true, e) != 0 || read_secret(o, source, k, e) != 0 ? -1 : 0;

    json_wipe(o, "secret");
    json_decref(o);
    if (rc != 0) {
        secret_key_free(k);
        err_wrap(e, "key file \"%s\"", path);
    }
    return rc;
}

/* The file's bytes.  secret: it holds a key, and others must not be able to read it. */
static int
slurp(const char *path, bool secret, struct secret *text, struct err *e)
{
    struct stat sb;
    size_t      n = 0;
    ssize_t     got = 0;
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int         rc = -1;

    if (fd == -1 || fstat(fd, &sb) != 0) {
        err_errno(e, "could not open the key file \"%s\"", path);
        goto out;
    }
    if (secret && !ownership_is_secret(&sb, geteuid())) {
        err_set(e, ERR_AUTH, "secret key file \"%s\": others may read it", path);
        quote_hint(e,
                   "its public half is another file (.pub); a secret one (is it still secret?): ",
                   "chmod", "600", QUOTE_ARG(path));
        goto out;
    }
    if (ownership_check(fd, secret ? "secret key file" : "key file", path, e) != 0) {
        goto out;
    }
    secret_new(text, KEYFILE_MAX);
    while (n < text->n && (got = read(fd, text->data + n, text->n - n)) > 0) {
        n += (size_t)got;
    }
    if (got < 0) {
        err_errno(e, "could not read the key file \"%s\"", path);
    } else if (n == text->n) {
        err_set(e, ERR_CORRUPT, "key file \"%s\": too long for one", path);
    } else {
        text->n = n;
        rc = 0;
    }
out:
    if (fd != -1) {
        (void)close(fd);
    }
    return rc;
}

int
public_key_load(const char *path, struct public_key *k, struct err *e)
{
    struct secret text = SECRET_INIT;
    int           rc;

    *k = (struct public_key){0};
    rc = slurp(path, false, &text, e) == 0 ? public_key_parse(text.data, text.n, path, k, e) : -1;
    secret_free(&text);
    return rc;
}

int
secret_key_load(const char *path, const struct passphrase_source *source, struct secret_key *k,
                struct err *e)
{
    struct secret text = SECRET_INIT;
    int           rc;

    *k = (struct secret_key){0};
    rc = slurp(path, true, &text, e) == 0 ? secret_key_parse(text.data, text.n, path, source, k, e)
                                          : -1;
    secret_free(&text);
    return rc;
}
