/*
 * describe.h - what a database held in a snapshot says of itself, as a manifest and as a label.
 *
 * For a backup and for a baseline alike.  What is left out here: rows, and whatever a selection
 * decides.  Names are copied.
 */
#ifndef FACTS_DESCRIBE_H
#define FACTS_DESCRIBE_H

#include "pg/archive/archive.h"
#include "pg/conn/oidset.h"
#include "pg/snapshot/snapshot.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"

/* OIDs of the archive's entries of one kind ("TABLE"), which are definitions. */
void describe_oids(const struct archive *, const char *desc, struct oid_set *);
/* Why nobody can read rows of it; NULL: they can be read, or it has none of its own. */
const char *describe_skipped(const struct catalog *, const struct cat_table *);
/* A table of the manifest, without rows.  all_text: rows are in text format, whatever they are.
 * Valid until the next call. */
struct manifest_table *describe_table(struct manifest *, const struct cat_table *, bool all_text,
                                      const char *skipped);
/* Sequences that the archive defines (describe_oids()), and those that extensions declare as
 * configuration. */
int describe_sequences(const struct snapshot *, struct oid_set *defined, struct manifest *,
                       struct err *);
/* in_order: describe_oids() of "MATERIALIZED VIEW", as it gives them. */
void describe_matviews(const struct catalog *, const struct oid_set *in_order, struct manifest *);
void describe_objects(const struct archive *, struct manifest *);
void describe_globals(const struct snapshot *, struct manifest *);
/* Server, database, snapshot, XIDs, extensions, inventory. */
int describe_sections(const struct snapshot *, struct manifest *, struct err *);
/* All that they say of the label, sums over tables included.  The manifest's warnings become
 * UTF-8. */
void describe_label(const struct snapshot *, const struct manifest *, struct label *);

#endif
