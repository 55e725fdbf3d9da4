#include "storage/drivers/s3/settings.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/contract/location.h"
#include "storage/drivers/s3/settings_in.h"

enum { SECONDS_MAX = 86400 };

static const char *const ca_env[] = {"AWS_CA_BUNDLE", NULL};

static int
get_seconds(const struct storage_location *p, const char *key, double otherwise, double *out,
            struct err *e)
{
    const char *text = storage_location_get(p, key, NULL);
    char       *end;

    *out = otherwise;
    if (text == NULL) {
        return 0;
    }
    *out = strtod(text, &end);
    if (!isdigit((unsigned char)*text) || *end != '\0' || !(*out >= 1 && *out <= SECONDS_MAX)) {
        return s3_setting_refuse(p, key, NULL, "is not a number of seconds from 1 to 86400", e);
    }
    return 0;
}

static int
read_bandwidth(const struct storage_location *p, struct s3_settings *s, struct err *e)
{
    const char *text = storage_location_get(p, "bandwidth", NULL);

    if (text != NULL && (size_parse(text, &s->bandwidth) != 0 || s->bandwidth < 1000)) {
        return s3_setting_refuse(p, "bandwidth", NULL,
                                 "is not a number of bytes a second like 20MB, at least 1kB", e);
    }
    return 0;
}

int
s3_settings_read(const char *rest, const struct storage_location *p, struct s3_settings *s,
                 struct err *e)
{
    *s = (struct s3_settings){0};
    if (s3_setting_text(p, "profile", NULL, &s->profile, e) == 0 &&
        s3_setting_text(p, "ca-file", ca_env, &s->ca_file, e) == 0 &&
        s3_settings_where(rest, p, s, e) == 0 && read_bandwidth(p, s, e) == 0 &&
        get_seconds(p, "timeout", 900, &s->timeout_s, e) == 0 &&
        get_seconds(p, "idle-timeout", 60, &s->idle_s, e) == 0 &&
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
