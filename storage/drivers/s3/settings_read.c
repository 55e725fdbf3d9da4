/* settings_read.c - s3/settings.h: the keys, reading a setting as text, and its errors. */
#include <stdbool.h>
#include <stdlib.h>

#include "core/mem.h"
#include "storage/contract/location.h"
#include "storage/drivers/s3/settings_impl.h"

static const char *const endpoint_env[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", NULL};
static const char *const region_env[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
static const char *const ca_env[] = {"AWS_CA_BUNDLE", NULL};

const struct config_key s3_keys[] = {
    [S3_ENDPOINT] = {"endpoint", CONFIG_TEXT, "URL of the store; without it AWS", endpoint_env},
    [S3_REGION] = {"region", CONFIG_TEXT, "which region requests are signed for", region_env},
    [S3_STYLE] = {"style", CONFIG_TEXT, "where the bucket's name is put: path, host or auto", NULL},
    [S3_CA_FILE] = {"ca-file", CONFIG_TEXT,
                    "certificates that the store's own is checked with, instead of the system's",
                    ca_env},
    [S3_PROFILE] = {"profile", CONFIG_TEXT, "section of the AWS tools' configuration", NULL},
    [S3_BANDWIDTH] = {"bandwidth", CONFIG_TEXT, "bytes a second in each direction: 20MB", NULL},
    [S3_TIMEOUT] = {"timeout", CONFIG_TEXT, "seconds that an operation may take, retries included",
                    NULL},
    [S3_IDLE_TIMEOUT] = {"idle-timeout", CONFIG_TEXT,
                         "seconds without progress after which a connection is closed", NULL},
    [S3_STORAGE_CLASS] = {"storage-class", CONFIG_TEXT, "what new objects are stored as", NULL},
    [S3_SSE] = {"sse", CONFIG_TEXT, "encryption by the store: AES256 or aws:kms", NULL},
    [S3_SSE_KMS_KEY] = {"sse-kms-key", CONFIG_TEXT, "with aws:kms: id of the key", NULL},
    [S3_SSE_CUSTOMER_KEY_FILE] = {"sse-customer-key-file", CONFIG_TEXT,
                                  "file with a key that the store encrypts with, and forgets",
                                  NULL},
    [S3_TAGS] = {"tags", CONFIG_COMMA_LIST, "tags of new objects: NAME=VALUE", NULL},
    [S3_CHECKSUM] = {"checksum", CONFIG_TEXT, "checksum sent with an object: none, md5 or sha256",
                     NULL},
    [S3_LISTING_MAX] = {"listing-max", CONFIG_TEXT, "objects that one listing may name", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

const char *
s3_setting(const struct storage_location *p, int key)
{
    return storage_location_get(p, &s3_keys[key]);
}

/* "AWS_REGION: \"x\" words" */
int
s3_setting_refuse(const struct storage_location *p, int key, const char *words, struct err *e)
{
    return s3_key_refuse(p, &s3_keys[key], words, e);
}

int
s3_key_refuse(const struct storage_location *p, const struct config_key *key, const char *words,
              struct err *e)
{
    char *origin = storage_location_origin(p, key);

    err_set(e, ERR_USAGE, "%s: \"%s\" %s", origin, storage_location_get(p, key), words);
    free(origin);
    return -1;
}

/* Valid in a header's value: no line break, only ASCII. */
static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

int
s3_setting_text(const struct storage_location *p, int key, char **out, struct err *e)
{
    const char *text = s3_setting(p, key);

    if (text != NULL && !is_plain(text)) {
        return s3_setting_refuse(p, key, "holds a character that no header may", e);
    }
    *out = text == NULL ? NULL : xstrdup(text);
    return 0;
}
