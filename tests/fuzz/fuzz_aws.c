/* What services and files say about credentials: taken, or one clear error; never half.  The
 * first byte chooses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "storage/drivers/aws/profile.h"
#include "storage/drivers/aws/source.h"
#include "storage/drivers/aws/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
settings(const char *text, size_t n, struct err *e)
{
    struct aws_settings s = {.profile = xstrdup("work"), .files = xstrdup("files")};
    char               *copy = xstrndup(text, n);
    int                 rc = aws_settings_parse(copy, "file", n % 2 == 0, &s, e);

    (void)aws_setting(&s, "region");
    aws_settings_free(&s);
    free(copy);
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err             e = ERR_INIT;
    struct aws_credentials c = AWS_CREDENTIALS_INIT;
    struct buf             b = BUF_INIT(BUF_NO_LIMIT);
    const char            *text = (const char *)data + 1;
    int                    rc;

    if (n == 0) {
        return 0;
    }
    switch (data[0]) {
    case 'i':
        rc = settings(text, n - 1, &e);
        break;
    case 'j':
        (void)buf_append(&b, text, n - 1, &e);
        rc = aws_credentials_json(&b, "Token", "it", &c, &e);
        break;
    default:
        rc = aws_sts_parse(text, n - 1, data[0] == 'x' ? 200 : 403, "host", &c, &e);
        break;
    }
    if ((rc == 0) != (e.kind == ERR_NONE) ||
        (rc != 0 && (c.access_key != NULL || e.text[0] == '\0')) ||
        (rc == 0 && data[0] != 'i' && (c.access_key == NULL || c.secret_key == NULL))) {
        abort();
    }
    aws_credentials_free(&c);
    buf_free(&b);
    return 0;
}
