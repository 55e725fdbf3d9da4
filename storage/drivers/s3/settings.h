/*
 * settings.h - how to reach a bucket and store new objects: the keys of [repo NAME], --repo-option,
 * the AWS environment and the AWS profile (priority: option, environment, section, profile,
 * default).
 */
#ifndef STORAGE_DRIVERS_S3_SETTINGS_H
#define STORAGE_DRIVERS_S3_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "storage/contract/location.h"

enum s3_lock { S3_LOCK_NONE, S3_LOCK_GOVERNANCE, S3_LOCK_COMPLIANCE };
enum s3_checksum { S3_CHECKSUM_NONE, S3_CHECKSUM_MD5, S3_CHECKSUM_SHA256 };

struct s3_settings {
    char *bucket;
    char *prefix; /* "" or ends with '/' */
    bool  tls;
    bool  own_endpoint; /* one was given: not AWS itself */
    char *host;         /* with the port unless it is the default; as in "Host:" */
    char *path; /* of the bucket itself, encoded, ends with '/': "/", "/bucket/", "/base/bucket/" */
    char *region;
    bool  path_style;
    char *profile, *ca_file;    /* NULL: none given */
    uint64_t         bandwidth; /* bytes a second, 0: no limit */
    double           timeout_s, idle_s;
    char            *storage_class; /* NULL: the bucket's default; so are the next */
    char            *sse, *sse_kms_key;
    char            *tags;                            /* encoded as in a query */
    char            *customer_key, *customer_key_md5; /* base64 */
    enum s3_checksum checksum;
    uint64_t         listing_max; /* objects that one listing may name */
    enum s3_lock     lock;
    unsigned         lock_days;
};

extern const struct config_key s3_keys[]; /* of the configuration */

/* rest: "bucket/prefix", the part after s3://.  ERR_USAGE names the key and where it was
 * given.  Zeroed on failure. */
int  s3_settings_read(const char *rest, const struct storage_location *, struct s3_settings *,
                      struct err *);
void s3_settings_free(struct s3_settings *);

#endif
