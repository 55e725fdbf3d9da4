#include "storage/aws_credentials.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

struct aws_provider {
    char *profile;
};

struct aws_provider *
aws_provider_new(const char *profile, struct err *e)
{
    struct aws_provider *p = xcalloc(1, sizeof *p);

    (void)e;
    p->profile = profile == NULL ? NULL : xstrdup(profile);
    return p;
}

static char *
env_copy(const char *name)
{
    const char *text = getenv(name);

    return text == NULL || *text == '\0' ? NULL : xstrdup(text);
}

int
aws_provider_get(struct aws_provider *p, struct aws_credentials *out, struct err *e)
{
    (void)p;
    *out = (struct aws_credentials){
        .access_key = env_copy("AWS_ACCESS_KEY_ID"),
        .secret_key = env_copy("AWS_SECRET_ACCESS_KEY"),
        .session_token = env_copy("AWS_SESSION_TOKEN"),
    };
    if (out->access_key == NULL || out->secret_key == NULL) {
        aws_credentials_free(out);
        err_set(e, ERR_AUTH, "no credentials for the S3 store");
        return err_hint(e, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    return 0;
}

void
aws_provider_refused(struct aws_provider *p, const struct aws_credentials *c)
{
    (void)p;
    (void)c;    /* the environment does not change */
}

void
aws_provider_free(struct aws_provider *p)
{
    if (p != NULL) {
        free(p->profile);
        free(p);
    }
}

static void
wipe(char *text)
{
    if (text != NULL) {
        sodium_memzero(text, strlen(text));
        free(text);
    }
}

void
aws_credentials_free(struct aws_credentials *c)
{
    wipe(c->access_key);
    wipe(c->secret_key);
    wipe(c->session_token);
    *c = (struct aws_credentials){0};
}

char *
aws_profile_setting(const char *profile, const char *key)
{
    (void)profile;
    (void)key;
    return NULL;
}
