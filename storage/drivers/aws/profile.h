/*
 * profile.h - the shared files of the AWS tools: ~/.aws/credentials and ~/.aws/config.
 *
 * Almost INI, but not for inih, which truncates lines at 200 bytes (session tokens are longer) and
 * has no sub-settings: lines indented deeper than the setting above them belong to it ("s3 =" and
 * the lines after it) and are ignored here. Comments begin with '#' or ';' at the beginning of a
 * line or after a blank.  Sections are [NAME] in credentials, [default] and [profile NAME] in
 * config; others are ignored.  Of a setting given twice the last counts, and credentials override
 * config.
 */
#ifndef STORAGE_DRIVERS_AWS_PROFILE_H
#define STORAGE_DRIVERS_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct aws_settings {    /* of one profile */
    char  *profile;      /* its name */
    char  *files;        /* both paths, for messages */
    bool   found;        /* one of the files has the section */
    char **key, **value; /* keys in lower case */
    size_t n, cap_keys, cap_values;
};

/* name NULL: $AWS_PROFILE, else "default".  Missing files and sections are no error here: see
 * found.  ERR_AUTH for a file that may not be read, ERR_USAGE names file and line of one that is
 * malformed. */
int aws_settings_load(const char *name, struct aws_settings *, struct err *);
/* NULL: not set, or empty. */
const char *aws_setting(const struct aws_settings *, const char *key);
void        aws_settings_free(struct aws_settings *); /* wipes */

/* One file's text (ends with a NUL, is modified).  path is for messages; in_config:
 * sections are written as in config. */
int aws_settings_parse(char *text, const char *path, bool in_config, struct aws_settings *,
                       struct err *);

#endif
