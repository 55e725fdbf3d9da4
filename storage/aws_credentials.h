/*
 * aws_credentials.h - who we are for an S3 store, as the AWS tools find it out.
 *
 * A provider looks in one place after another, keeps what it found, and gets it anew before it expires.  Secrets
 * live in sodium_malloc() memory or are wiped, and stand in no message.
 */
#ifndef STORAGE_AWS_CREDENTIALS_H
#define STORAGE_AWS_CREDENTIALS_H

#include <time.h>

#include "core/err.h"

struct aws_credentials {
    char  *access_key;
    char  *secret_key;
    char  *session_token;   /* NULL: none */
    time_t expires;         /* 0: never */
};

struct aws_provider;

/* profile NULL: $AWS_PROFILE, else "default".  Nothing is read yet. */
struct aws_provider *aws_provider_new(const char *profile, struct err *);
/* A copy, the caller's (aws_credentials_free).  From any thread.  ERR_AUTH, with a hint, when there are none. */
int  aws_provider_get(struct aws_provider *, struct aws_credentials *out, struct err *);
/* The store called these expired: the next aws_provider_get() gets new ones. */
void aws_provider_refused(struct aws_provider *, const struct aws_credentials *);
void aws_provider_free(struct aws_provider *);                  /* accepts NULL */
void aws_credentials_free(struct aws_credentials *);            /* wipes; accepts what was never filled */

/* A setting ("region", "endpoint_url") of a profile in the AWS configuration file; allocated, NULL: not there. */
char *aws_profile_setting(const char *profile, const char *key);

#endif
