/* What an S3 store answers: whatever is made of it is printable, in bounds, and freed. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "storage/drivers/aws/uri.h"
#include "storage/drivers/aws/xml.h"
#include "storage/drivers/s3/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
on_error(void *ctx, const char *key, const char *code, const char *message)
{
    size_t *total = ctx;

    *total += strlen(key) + strlen(code) + strlen(message);
}

static void
check_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if (iscntrl((unsigned char)*text)) {
            abort();
        }
    }
}

/* What is encoded is decoded to the same. */
static void
check_uri(const uint8_t *data, size_t n)
{
    char *text = xstrndup((const char *)data, n);
    char *plain = s3_uri_decode(text);
    char *encoded = plain == NULL ? NULL : s3_uri_encode(plain, n % 2 == 0);
    char *again = encoded == NULL ? NULL : s3_uri_decode(encoded);

    if (plain != NULL && (again == NULL || strcmp(plain, again) != 0)) {
        abort();
    }
    free(text);
    free(plain);
    free(encoded);
    free(again);
}

static size_t
read_page(enum s3_listed what, const uint8_t *data, size_t n)
{
    struct err     e = ERR_INIT;
    struct s3_page page;
    size_t         total = 0;

    if (s3_page_read(what, data, n, &page, &e) == 0) {
        for (size_t i = 0; i < page.n; i++) {
            total += page.v[i].key == NULL ? 0 : strlen(page.v[i].key);
        }
        s3_page_free(&page);
    } else if (e.kind != ERR_CORRUPT || e.text[0] == '\0') {
        abort();
    }
    return total;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err      e = ERR_INIT;
    struct s3_error error;
    size_t          total = 0;

    s3_xml_error(data, n, &error);
    check_clean(error.code);
    check_clean(error.message);
    check_clean(error.region);
    check_clean(error.endpoint);
    total += read_page(S3_OBJECTS, data, n) + read_page(S3_VERSIONS, data, n);
    if (s3_xml_deleted(data, n, on_error, &total, &e) != 0 && e.kind != ERR_CORRUPT) {
        abort();
    }
    check_uri(data, n);
    return total == SIZE_MAX ? 1 : 0;
}
