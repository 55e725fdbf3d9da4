/*
 * oidset.h - a set of OIDs.
 *
 * Filled first, searched later: sorted at the first look-up after an addition, and until then in
 * the order of the additions.  For several threads at once only after oid_set_sort().
 */
#ifndef PG_CONN_OIDSET_H
#define PG_CONN_OIDSET_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oid_set {
    uint32_t *v;
    size_t    n, cap;
    bool      sorted;
};

void oid_set_add(struct oid_set *, uint32_t);
void oid_set_add_column(struct oid_set *, const PGresult *, int column);
void oid_set_sort(struct oid_set *);
bool oid_set_has(struct oid_set *, uint32_t);
void oid_set_free(struct oid_set *);

#endif
