#include "storage/drivers/s3/settings.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/contract/location.h"
#include "storage/drivers/s3/settings_impl.h"

/* By default one listing names up to 100 million objects: 1.6 PB of rows in chunks of 16 MiB, and
 * hours of listing. */
enum { SECONDS_MAX = 86400, LISTING_MAX = 100000000, LISTING_MAX_LEAST = 1000 };

static int
get_seconds(const struct storage_location *p, int key, double otherwise, double *out, struct err *e)
{
    const char *text = s3_setting(p, key);
    char       *end;

    *out = otherwise;
    if (text == NULL) {
        return 0;
    }
    *out = strtod(text, &end);
    if (!isdigit((unsigned char)*text) || *end != '\0' || !(*out >= 1 && *out <= SECONDS_MAX)) {
        return s3_setting_refuse(p, key, "is not a number of seconds from 1 to 86400", e);
    }
    return 0;
}

static int
read_bandwidth(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *text = s3_setting(p, S3_BANDWIDTH);

    if (text != NULL && (size_parse(text, &s->bandwidth) != 0 || s->bandwidth < 1000)) {
        return s3_setting_refuse(p, S3_BANDWIDTH,
                                 "is not a number of bytes a second like 20MB, at least 1kB", e);
    }
    return 0;
}

static int
read_listing_max(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *text = s3_setting(p, S3_LISTING_MAX);
    char       *end;

    s->listing_max = LISTING_MAX;
    if (text == NULL) {
        return 0;
    }
    s->listing_max = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || s->listing_max < LISTING_MAX_LEAST) {
        return s3_setting_refuse(p, S3_LISTING_MAX, "is not a number of objects from 1000 on", e);
    }
    return 0;
}

int
s3_settings_read(const char *rest, const struct storage_location *p, struct s3_settings *s,
                 struct err *e)
{
    *s = (struct s3_settings){0};
    if (s3_setting_text(p, S3_PROFILE, &s->profile, e) == 0 &&
        s3_setting_text(p, S3_CA_FILE, &s->ca_file, e) == 0 &&
        s3_settings_where(rest, p, s, e) == 0 && read_bandwidth(p, s, e) == 0 &&
        read_listing_max(p, s, e) == 0 && get_seconds(p, S3_TIMEOUT, 900, &s->timeout_s, e) == 0 &&
        get_seconds(p, S3_IDLE_TIMEOUT, 60, &s->idle_s, e) == 0 &&
        s3_settings_object(p, s, e) == 0 && s3_lock_settings(p, s, e) == 0) {
        return 0;
    }
    s3_settings_free(s);
    return -1;
}

void
s3_settings_free(struct s3_settings *s)
{
    if (s->customer_key != NULL) {
        sodium_memzero(s->customer_key, strlen(s->customer_key));
    }
    free(s->bucket);
    free(s->prefix);
    free(s->host);
    free(s->path);
    free(s->region);
    free(s->profile);
    free(s->ca_file);
    free(s->storage_class);
    free(s->sse);
    free(s->sse_kms_key);
    free(s->tags);
    free(s->customer_key);
    free(s->customer_key_md5);
    *s = (struct s3_settings){0};
}
