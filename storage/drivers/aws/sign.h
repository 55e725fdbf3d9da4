/*
 * sign.h - AWS Signature Version 4, as a pure function of the request.
 *
 * As in S3: the path is encoded once and not normalised ("a//b" and "a/../b" are names), and
 * x-amz-content-sha256 is set by the caller, a header like any other.  libcurl's own (before 8)
 * signs no content hash and gets queries and ports wrong.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
#ifndef STORAGE_DRIVERS_AWS_SIGN_H
#define STORAGE_DRIVERS_AWS_SIGN_H

#include "core/crypto/hash.h"
#include "core/mem.h"

struct s3_sign {
    const char *method;
    const char *path;  /* as it is sent: encoded, begins with '/' */
    const char *query; /* as sent: encoded, sorted, "name=" when there is no value; or "" */
    const struct strlist
               *headers;        /* all signed ones, "Name: value", including "Host"; in any order */
    const char *payload_sha256; /* 64 hex digits */
    const char *time;           /* "20150830T123600Z", the value of x-amz-date */
    const char *region, *service; /* "us-east-1", "s3" */
    const char *access_key, *secret_key;
};

/* The value of the Authorization header.  Allocated. */
char *s3_sign_authorization(const struct s3_sign *);

/* Its steps, for tests: the request in its canonical form, what is signed.  Allocated. */
char *s3_sign_canonical(const struct s3_sign *);
char *s3_sign_string(const struct s3_sign *);

#endif
