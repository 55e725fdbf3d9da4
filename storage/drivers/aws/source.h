/*
 * source.h - the sources of aws/credentials.h, one function each, and their common parts.
 *
 * 0: found.  -1 with ERR_NOT_FOUND: this source is not set up here, the text briefly names what is
 * missing. -1 with another kind: it is configured and failed.
 */
#ifndef STORAGE_DRIVERS_AWS_SOURCE_H
#define STORAGE_DRIVERS_AWS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "storage/drivers/aws/credentials.h"

int aws_from_environment(struct aws_credentials *, struct err *);
int aws_from_web_identity(struct aws_credentials *, struct err *);
/* name NULL: $AWS_PROFILE, else "default". */
int aws_from_profile(const char *name, struct aws_credentials *, struct err *);
int aws_from_container(struct aws_credentials *, struct err *);
int aws_from_instance(struct aws_credentials *, struct err *);

/* ---- for the sources ---- */

/* The variable's value; NULL when it is not set or empty. */
const char *aws_env(const char *name);

/* Copies; token may be NULL.  ERR_AUTH when a value is empty or holds characters not allowed in a
 * header (blanks, control characters): where names the source in the message. */
int  aws_credentials_set(struct aws_credentials *, const char *access, const char *secret,
                         const char *token, const char *where, struct err *);
void aws_credentials_copy(struct aws_credentials *to, const struct aws_credentials *from);

/* {"AccessKeyId", "SecretAccessKey", token_key, "Expiration"} from container and instance services,
 * and credential_process. */
int aws_credentials_json(struct buf *, const char *token_key, const char *where,
                         struct aws_credentials *, struct err *);
/* RFC 3339, perhaps with fractions of a second. */
int aws_time(const char *text, time_t *, struct err *);

/* A whole small file, at most max bytes, trailing white space cut.  The buffer is the caller's
 * to wipe. */
int aws_read_file(const char *path, struct buf *, struct err *);
/* Room for all of b->max at once: a growing buffer would leave copies in freed memory. */
int aws_secret_reserve(struct buf *, struct err *);
/* The error of a service that answered with this status; code and message are the service's own, or
 * empty.  ERR_AUTH, or ERR_IO (transient) for a failure of the service.  Always -1. */
int aws_refused(const char *host, int status, const char *code, const char *message, struct err *);
/* Overwrites and frees. */
void aws_secret_free(struct buf *);
void aws_secret_free_text(char *); /* accepts NULL */

/* http://169.254.170.2 and the relative URI, or the full URI when its host may be queried;
 * allocated. */
char *aws_container_url(const char *relative, const char *full, struct err *);

#endif
