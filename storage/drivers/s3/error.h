/*
 * error.h - the meaning of an S3 store's refusal, and a hint.
 */
#ifndef STORAGE_DRIVERS_S3_ERROR_H
#define STORAGE_DRIVERS_S3_ERROR_H

#include "storage/drivers/s3/call.h"

enum s3_meaning {
    S3_FINAL, /* another try gives the same */
    S3_TRANSIENT,
    S3_CLOCK,   /* this host's clock, or the store's, is off */
    S3_EXPIRED, /* the credentials are */
    S3_UNCLEAR, /* a HEAD's refusal has no body with a reason */
};

enum s3_meaning s3_error_meaning(const struct s3_call *);
/* Kind, text and hint from the last answer.  Returns -1. */
int s3_error_report(const struct s3_storage *, const struct s3_call *, struct err *);

#endif
