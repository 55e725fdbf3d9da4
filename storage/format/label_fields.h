/*
 * label_fields.h - the keys of a label, a row each (fields.h): for label.c, and for the test that
 * compares them with docs/schema/label.json.
 */
#ifndef STORAGE_FORMAT_LABEL_FIELDS_H
#define STORAGE_FORMAT_LABEL_FIELDS_H

#include "storage/format/fields.h"

/* All except epoch, settings, heads, signer, sequence: of both kinds, and of each. */
extern const struct fields label_plain_fields, label_backup_fields, label_baseline_fields;
extern const struct fields label_hidden_fields;   /* sealed when the backup is encrypted */
extern const struct fields label_copied_fields;   /* the object "copied_from" */
extern const struct fields label_imported_fields; /* the object "imported_from" */

#endif
