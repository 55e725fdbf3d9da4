/*
 * bucket.h - an open bucket: the data for each request to it.
 */
#ifndef STORAGE_DRIVERS_S3_BUCKET_H
#define STORAGE_DRIVERS_S3_BUCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "core/mem.h"
#include "storage/contract/storage.h"
#include "storage/drivers/aws/credentials.h"
#include "storage/drivers/s3/http.h"
#include "storage/drivers/s3/settings.h"

struct s3_storage {
    struct storage       base;
    struct s3_settings   set;
    struct s3_http      *http;
    struct aws_provider *provider;
    atomic_bool          answered;       /* at least once */
    atomic_bool          no_conditional; /* it knows no If-None-Match on PUT */
    atomic_bool          no_bulk;        /* nor DeleteObjects */
    atomic_long          clock_offset;   /* seconds that its clock is ahead of this host's */
    atomic_long          told;           /* time of the last message about a retry; 0: never */
};

/* For functions of the driver's own table: the storage is one of these.  Others call
 * s3_storage_of() (s3.h). */
static inline struct s3_storage *
s3_self(struct storage *st)
{
    return (struct s3_storage *)st;
}

/* "s3://bucket/prefix/key"; allocated. */
char *s3_name(const struct s3_storage *, const char *key);

/* The headers required with a customer's key in each PUT, GET and HEAD of an object. */
void s3_customer_key_headers(const struct s3_storage *, struct strlist *);

/* "2026-11-21T02:15:00.000Z", as in listings and headers; -1: not a time. */
int s3_time(const char *text, time_t *);
/* Content-MD5, which some requests must have. */
void s3_md5_header(const void *, size_t, struct strlist *headers);

#endif
