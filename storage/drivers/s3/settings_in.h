/*
 * settings_in.h - what reads s3/settings.h is made of; nobody else includes it.
 */
#ifndef STORAGE_DRIVERS_S3_SETTINGS_IN_H
#define STORAGE_DRIVERS_S3_SETTINGS_IN_H

#include "storage/contract/location.h"
#include "storage/drivers/s3/settings.h"

/* "ORIGIN: "VALUE" words", ERR_USAGE.  Returns -1. */
int s3_setting_refuse(const struct storage_location *, const char *key, const char *const *env,
                      const char *words, struct err *);
/* A text that may stand in a header; *out is allocated, NULL when it is not set. */
int s3_setting_text(const struct storage_location *, const char *key, const char *const *env,
                    char **out, struct err *);

/* bucket, prefix, region, endpoint, style; profile must have been read. */
int s3_settings_where(const char *rest, const struct storage_location *, struct s3_settings *,
                      struct err *);
/* What goes with new objects; where they are must have been read. */
int s3_settings_object(const struct storage_location *, struct s3_settings *, struct err *);
/* object-lock and object-lock-days (s3/lock.c). */
int s3_lock_settings(const struct storage_location *, struct s3_settings *, struct err *);

#endif
