/*
 * groups.h - things 0 .. n - 1 in groups, by pairs that belong together (union-find), and groups
 * in shares.
 */
#ifndef CORE_GROUPS_H
#define CORE_GROUPS_H

#include <stddef.h>

struct groups {
    size_t *leads; /* each thing to one of its group that is not after it, a first one to itself */
};

/* Each by itself. */
struct groups groups_new(size_t n);
void          groups_free(struct groups *);
/* i and j, with all of their groups, are one. */
void groups_join(struct groups *, size_t i, size_t j);
/* The first of a thing's group. */
size_t groups_first(struct groups *, size_t i);

/* Groups are cut into shares, in their order: of at most `most` things, unless one group has more.
 * group[0 .. n): of each thing, its group's number; one from n_groups on is in no share.  Returns
 * the share of each group, allocated, and in *shares how many there are. */
size_t *groups_share(const size_t *group, size_t n, size_t n_groups, size_t most, size_t *shares);

#endif
