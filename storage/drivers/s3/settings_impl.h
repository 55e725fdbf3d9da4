/*
 * settings_impl.h - shared by the files that read the settings (s3/settings.h); private to them.
 */
#ifndef STORAGE_DRIVERS_S3_SETTINGS_IMPL_H
#define STORAGE_DRIVERS_S3_SETTINGS_IMPL_H

#include "storage/contract/location.h"
#include "storage/drivers/s3/settings.h"

/* Index of a key in s3_keys. */
enum {
    S3_ENDPOINT,
    S3_REGION,
    S3_STYLE,
    S3_CA_FILE,
    S3_PROFILE,
    S3_BANDWIDTH,
    S3_TIMEOUT,
    S3_IDLE_TIMEOUT,
    S3_STORAGE_CLASS,
    S3_SSE,
    S3_SSE_KMS_KEY,
    S3_SSE_CUSTOMER_KEY_FILE,
    S3_TAGS,
    S3_CHECKSUM,
    S3_LISTING_MAX
};

/* The value of a key; NULL: none. */
const char *s3_setting(const struct storage_location *, int key);
/* "ORIGIN: "VALUE" words", ERR_USAGE.  Returns -1. */
int s3_setting_refuse(const struct storage_location *, int key, const char *words, struct err *);
/* The same for a key that is not the driver's own. */
int s3_key_refuse(const struct storage_location *, const struct config_key *, const char *words,
                  struct err *);
/* A text that is valid in a header; *out is allocated, NULL when it is not set. */
int s3_setting_text(const struct storage_location *, int key, char **out, struct err *);

/* bucket, prefix, region, endpoint, style; profile must have been read. */
int s3_settings_where(const char *rest, const struct storage_location *, struct s3_settings *,
                      struct err *);
/* The settings of new objects; those of the bucket must have been read. */
int s3_settings_object(const struct storage_location *, struct s3_settings *, struct err *);
/* object-lock and object-lock-days (s3/lock.c). */
int s3_lock_settings(const struct storage_location *, struct s3_settings *, struct err *);

#endif
