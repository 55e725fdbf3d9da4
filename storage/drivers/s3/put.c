/* Storing one object, once (for guarantees see s3/s3.h). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"

static void
add_base64(struct strlist *headers, const char *name, const uint8_t *bytes, size_t n)
{
    char text[64];

    (void)sodium_bin2base64(text, sizeof text, bytes, n, sodium_base64_VARIANT_ORIGINAL);
    strlist_take(headers, xasprintf("%s: %s", name, text));
}

static void
add(struct strlist *headers, const char *name, const char *value)
{
    if (value != NULL) {
        strlist_take(headers, xasprintf("%s: %s", name, value));
    }
}

/* The headers of every new object. */
static void
object_headers(const struct s3_storage *s, const struct blob *blob,
               const uint8_t digest[SHA256_BYTES], struct strlist *headers)
{
    add(headers, "Content-Type", "application/octet-stream");
    add(headers, "x-amz-storage-class", s->set.storage_class);
    add(headers, "x-amz-server-side-encryption", s->set.sse);
    add(headers, "x-amz-server-side-encryption-aws-kms-key-id", s->set.sse_kms_key);
    add(headers, "x-amz-tagging", s->set.tags);
    s3_customer_key_headers(s, headers);
    s3_lock_headers(s, blob, headers);
    /* A locked object must have a checksum besides the signed one. */
    if (s->set.checksum == S3_CHECKSUM_MD5 ||
        (blob->retain_until != 0 && s->set.checksum == S3_CHECKSUM_NONE)) {
        s3_md5_header(blob->data, blob->size, headers);
    } else if (s->set.checksum == S3_CHECKSUM_SHA256) {
        add_base64(headers, "x-amz-checksum-sha256", digest, SHA256_BYTES);
    }
}

enum once { MAY_REPLACE, ONCE };

/* -1 with *taken: it exists by now. */
static int
send(struct s3_storage *s, const char *key, const struct blob *blob,
     const uint8_t digest[SHA256_BYTES], enum once once, bool *taken, struct err *e)
{
    bool           conditional = once == ONCE && !atomic_load(&s->no_conditional);
    char           hex[SHA256_HEX + 1];
    struct s3_call c = {.verb = "store",
                        .method = "PUT",
                        .key = key,
                        .body = blob->data,
                        .body_len = blob->size,
                        .payload_sha256 = hex, /* not to be made again for each try */
                        .accept = s3_answer_of_put};
    int            rc;

    *taken = false;
    (void)sodium_bin2hex(hex, sizeof hex, digest, SHA256_BYTES);
    if (s3_lock_allowed(s, blob, e) != 0) {
        return -1;
    }
    object_headers(s, blob, digest, &c.headers);
    if (conditional) {
        add(&c.headers, "If-None-Match", "*");
    }
    rc = s3_call(s, &c, e);
    *taken = rc != 0 && conditional && c.answer.status == 412;
    if (rc != 0 && conditional &&
        (c.answer.status == 501 || c.answer.status == 405 ||
         strcmp(c.error.code, "NotImplemented") == 0 ||
         (c.answer.status == 400 && strcmp(c.error.code, "InvalidArgument") == 0))) {
        s3_call_free(&c);
        err_clear(e);
        rc = send(s, key, blob, digest, MAY_REPLACE, taken, e);
        if (rc == 0) {
            atomic_store(&s->no_conditional, true); /* it was this header */
        }
        return rc;
    }
    s3_call_free(&c);
    return rc;
}

/* 0: exactly these bytes are stored there. */
static int
compare(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    struct buf there = BUF_INIT(blob->size + 1);
    int        rc = st->ops->get(st, key, &there, e);

    if (rc == 0 ? there.len != blob->size ||
                (blob->size > 0 && memcmp(there.data, blob->data, blob->size) != 0)
                : e->kind == ERR_CORRUPT) {
        char *name = s3_name(s3_self(st), key);

        rc = err_set(e, ERR_EXISTS, "could not store \"%s\": exists already, with other contents",
                     name);
        free(name);
    }
    buf_free(&there);
    return rc;
}

static bool
names_its_hash(const char *key, const uint8_t digest[SHA256_BYTES])
{
    char hex[SHA256_HEX + 1];

    (void)sodium_bin2hex(hex, sizeof hex, digest, SHA256_BYTES);
    return strstr(key, hex) != NULL;
}

static int
put_once(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    struct s3_storage *s = s3_self(st);
    struct object_info info;
    uint8_t            digest[SHA256_BYTES];
    bool               taken;

    if (cancel_check(e) != 0) {
        return -1; /* only cleaning up goes on */
    }
    sha256(blob->data, blob->size, digest);
    if (names_its_hash(key, digest)) {
        return send(s, key, blob, digest, MAY_REPLACE, &taken, e);
    }
    if (st->ops->head(st, key, &info, e) == 0) {
        /* Put again, the same bytes get a new time. */
        return compare(st, key, blob, e) != 0 ? -1
                                              : send(s, key, blob, digest, MAY_REPLACE, &taken, e);
    }
    if (e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    if (send(s, key, blob, digest, ONCE, &taken, e) == 0) {
        return 0;
    }
    if (!taken) {
        return -1;
    }
    err_clear(e); /* another writer's, or this one's whose reply was lost */
    return compare(st, key, blob, e);
}

int
s3_put(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    if (put_once(st, key, blob, e) != 0) {
        if (blob->retain_until != 0 && e->kind == ERR_IO && !e->transient && *e->hint == '\0') {
            (void)err_hint(e, "object-lock is set: was the bucket made with Object Lock?");
        }
        return -1;
    }
    return blob->retain_until == 0 ? 0 : s3_lock_check(st, key, blob->retain_until, e);
}
