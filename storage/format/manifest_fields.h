/*
 * manifest_fields.h - the keys of a manifest, a row each (fields.h), in the order in which they are
 * written: for manifest*.c, and for the test that compares them with docs/schema/manifest.json.
 */
#ifndef STORAGE_FORMAT_MANIFEST_FIELDS_H
#define STORAGE_FORMAT_MANIFEST_FIELDS_H

#include "storage/format/fields.h"

extern const struct fields manifest_fields; /* except format, needs and type */

#endif
