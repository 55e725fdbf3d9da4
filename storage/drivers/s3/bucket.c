#include "storage/drivers/s3/bucket.h"

#include <sodium.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/mem.h"

char *
s3_name(const struct s3_storage *s, const char *key)
{
    return xasprintf("s3://%s/%s%s", s->set.bucket, s->set.prefix, key);
}

void
s3_customer_key_headers(const struct s3_storage *s, struct strlist *headers)
{
    if (s->set.customer_key != NULL) {
        strlist_add(headers, "x-amz-server-side-encryption-customer-algorithm: AES256");
        strlist_take(
            headers,
            xasprintf("x-amz-server-side-encryption-customer-key: %s", s->set.customer_key));
        strlist_take(headers,
                     xasprintf("x-amz-server-side-encryption-customer-key-MD5: %s",
                               s->set.customer_key_md5));
    }
}

void
s3_md5_header(const void *data, size_t n, struct strlist *headers)
{
    uint8_t sum[MD5_BYTES];
    char    base64[32];

    md5(data, n, sum);
    (void)sodium_bin2base64(base64, sizeof base64, sum, sizeof sum, sodium_base64_VARIANT_ORIGINAL);
    strlist_take(headers, xasprintf("Content-MD5: %s", base64));
}

int
s3_time(const char *text, time_t *out)
{
    struct tm   tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (end == NULL) {
        return -1;
    }
    if (*end == '.') {
        end += 1 + strspn(end + 1, "0123456789");
    }
    *out = timegm(&tm);
    return strcmp(end, "Z") == 0 ? 0 : -1;
}
