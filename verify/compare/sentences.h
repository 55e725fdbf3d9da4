/*
 * sentences.h - what inventory_compare() says of two sections, as findings.
 */
#ifndef VERIFY_COMPARE_SENTENCES_H
#define VERIFY_COMPARE_SENTENCES_H

#include "core/report/finding.h"
#include "pg/snapshot/inventory.h"

/* Differences, and as notes those that come from the servers.  section: as for
 * inventory_compare(). */
void sentences_find(struct findings *, const char *section, const char *group,
                    const struct inventory_pair *);

#endif
