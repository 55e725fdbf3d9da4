/*
 * credentials.h - the identity that signs requests to the store: access key, secret key, and for
 * temporary ones a session token.
 *
 * Found where the AWS tools find them, in their order; the first source that is set up counts, and
 * its failure is an error: using another identity instead would hide it.
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (STS AssumeRoleWithWebIdentity)
 *   3. the profile ($AWS_PROFILE, else "default") of ~/.aws/credentials and ~/.aws/config: keys,
 *      credential_process, role_arn with web_identity_token_file, source_profile or
 *      credential_source
 *   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (ECS, EKS pod identity)
 *   5. the instance's metadata service (IMDSv2), unless AWS_EC2_METADATA_DISABLED is true
 *
 * Temporary credentials are renewed five to six minutes before they expire (or after half of a
 * shorter lifetime), by one thread while the others go on with the old ones; a failure of this
 * early renewal is a warning. No secret ever appears in an error or a log line, and memory that
 * held one is wiped.
 */
#ifndef STORAGE_DRIVERS_AWS_CREDENTIALS_H
#define STORAGE_DRIVERS_AWS_CREDENTIALS_H

#include <time.h>

#include "core/err.h"

struct aws_credentials {
    char  *access_key, *secret_key;
    char  *session_token; /* NULL: a long-lived key has none */
    time_t expires;       /* 0: never */
};

#define AWS_CREDENTIALS_INIT                                                                       \
    {                                                                                              \
        NULL, NULL, NULL, 0                                                                        \
    }

/* Wipes and frees its contents; accepts one that was never filled. */
void aws_credentials_free(struct aws_credentials *);

struct aws_provider;

/* profile: the only source, even before the environment (the user named it); NULL: the order above.
 * Nothing is searched until the first aws_provider_get(). */
struct aws_provider *aws_provider_new(const char *profile, struct err *);

/* A copy, the caller's to free.  From any thread.  May wait for the network (a few seconds at
 * most for each source). ERR_AUTH: nothing found (the text names what was tried), or the source
 * refused; ERR_IO: it did not answer. */
int aws_provider_get(struct aws_provider *, struct aws_credentials *, struct err *);

/* The store reported these as expired or unknown: the next get() renews them instead of returning
 * them again. */
void aws_provider_refused(struct aws_provider *, const struct aws_credentials *);
void aws_provider_free(struct aws_provider *); /* accepts NULL */

/* A setting ("region", "endpoint_url") of a profile (NULL: $AWS_PROFILE, else "default");
 * allocated.  NULL when it is not set, or the files cannot be read: aws_provider_get() then reports
 * why. */
char *aws_profile_setting(const char *profile, const char *key);

#endif
