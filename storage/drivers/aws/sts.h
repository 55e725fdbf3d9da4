/*
 * sts.h - temporary credentials from the Security Token Service, or a compatible service.
 *
 * The endpoint: AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL, else the service of the region
 * (AWS_REGION, AWS_DEFAULT_REGION, the profile's), else https://sts.amazonaws.com.
 */
#ifndef STORAGE_DRIVERS_AWS_STS_H
#define STORAGE_DRIVERS_AWS_STS_H

#include <stddef.h>

#include "core/err.h"
#include "storage/drivers/aws/credentials.h"

struct aws_role {
    const char                   *arn;
    const char                   *session;     /* NULL: pgassay's own name */
    const char                   *token_file;  /* of a web identity; NULL: signed by base instead */
    const char                   *external_id; /* or NULL */
    const char                   *duration;    /* seconds as text, or NULL */
    const char                   *region;      /* the profile's, or NULL */
    const struct aws_credentials *base;
};

int aws_assume_role(const struct aws_role *, struct aws_credentials *, struct err *);

/* An answer's body: the credentials, or the service's error (ERR_AUTH).  host is for
 * messages. */
int aws_sts_parse(const char *xml, size_t n, int status, const char *host, struct aws_credentials *,
                  struct err *);

#endif
