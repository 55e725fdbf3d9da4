/* settings_object.c - s3/settings.h: the settings of new objects. */
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/host/ownership.h"
#include "core/mem.h"
#include "storage/contract/location.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/settings_impl.h"

enum { CUSTOMER_KEY_BYTES = 32 };

/* "a=b" and "c=d" as "a=b&c=d", encoded. */
static int
read_tags(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    struct strlist given = {0}, tags = {0};
    int            rc = 0;

    storage_location_list(p, &s3_keys[S3_TAGS], &given);
    for (size_t i = 0; rc == 0 && i < given.n; i++) {
        size_t n = strcspn(given.v[i], "=");
        char  *name = xstrndup(given.v[i], n);

        if (n == 0 || given.v[i][n] == '\0') {
            char *origin = storage_location_origin(p, &s3_keys[S3_TAGS]);

            rc = err_set(e, ERR_USAGE, "%s: \"%s\" is not like NAME=VALUE", origin, given.v[i]);
            free(origin);
        } else {
            s3_query_add(&tags, name, given.v[i] + n + 1);
        }
        free(name);
    }
    if (rc == 0 && tags.n > 10) {
        rc = err_set(e, ERR_USAGE, "tags: more than the 10 that an object can have");
    }
    if (rc == 0 && tags.n > 0) {
        s->tags = s3_query_text(&tags);
    }
    strlist_free(&given);
    strlist_free(&tags);
    return rc;
}

/* The key's 32 bytes, raw or as base64 in one line. */
static int
take_customer_key(const uint8_t *data, size_t n, struct s3_settings *s)
{
    uint8_t key[CUSTOMER_KEY_BYTES + 1];
    uint8_t digest[MD5_BYTES];
    size_t  len = 0;
    int     rc = -1;

    if (n == CUSTOMER_KEY_BYTES) {
        memcpy(key, data, n);
        len = n;
    } else if (sodium_base642bin(key, sizeof key, (const char *)data, n, "\r\n ", &len, NULL,
                                 sodium_base64_VARIANT_ORIGINAL) != 0) {
        len = 0;
    }
    if (len == CUSTOMER_KEY_BYTES) {
        s->customer_key = xmalloc(64);
        s->customer_key_md5 = xmalloc(64);
        md5(key, len, digest);
        (void)sodium_bin2base64(s->customer_key, 64, key, len, sodium_base64_VARIANT_ORIGINAL);
        (void)sodium_bin2base64(s->customer_key_md5, 64, digest, sizeof digest,
                                sodium_base64_VARIANT_ORIGINAL);
        rc = 0;
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

static int
read_customer_key(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *path = s3_setting(p, S3_SSE_CUSTOMER_KEY_FILE);
    uint8_t     data[128];
    ssize_t     n;
    int         fd;
    int         rc;

    if (path == NULL) {
        return 0;
    }
    if (!s->tls) {
        return s3_setting_refuse(p, S3_SSE_CUSTOMER_KEY_FILE,
                                 "would send the key in the clear: use an https endpoint", e);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, data, sizeof data);
    if (n >= 0 && ownership_check(fd, "sse-customer-key-file", path, e) != 0) {
        e->kind = ERR_USAGE;
        rc = -1;
    } else if (n < 0) {
        rc = err_errno(e, "could not read sse-customer-key-file \"%s\"", path);
        e->kind = ERR_USAGE;
    } else if ((rc = take_customer_key(data, (size_t)n, s)) != 0) {
        (void)s3_setting_refuse(p, S3_SSE_CUSTOMER_KEY_FILE,
                                "does not hold 32 bytes, or their base64", e);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    sodium_memzero(data, sizeof data);
    return rc;
}

static int
read_encryption(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    if (s3_setting_text(p, S3_SSE, &s->sse, e) != 0 ||
        s3_setting_text(p, S3_SSE_KMS_KEY, &s->sse_kms_key, e) != 0 ||
        read_customer_key(p, s, e) != 0) {
        return -1;
    }
    if (s->sse != NULL && strcmp(s->sse, "AES256") != 0 && strcmp(s->sse, "aws:kms") != 0) {
        return s3_setting_refuse(p, S3_SSE, "is neither AES256 nor aws:kms", e);
    }
    if (s->sse_kms_key != NULL && (s->sse == NULL || strcmp(s->sse, "aws:kms") != 0)) {
        return err_set(e, ERR_USAGE, "sse-kms-key needs sse = aws:kms");
    }
    if (s->customer_key != NULL && s->sse != NULL) {
        return err_set(e, ERR_USAGE, "sse and sse-customer-key-file exclude each other");
    }
    return 0;
}

static int
read_checksum(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    static const char *const names[] = {"none", "md5", "sha256"};
    const char              *text = s3_setting(p, S3_CHECKSUM);

    for (int i = 0; text != NULL && i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            s->checksum = (enum s3_checksum)i;
            return 0;
        }
    }
    return text == NULL ? 0
                        : s3_setting_refuse(p, S3_CHECKSUM, "is none of none, md5 and sha256", e);
}

int
s3_settings_object(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    return s3_setting_text(p, S3_STORAGE_CLASS, &s->storage_class, e) == 0 &&
            read_encryption(p, s, e) == 0 && read_tags(p, s, e) == 0
        ? read_checksum(p, s, e)
        : -1;
}
