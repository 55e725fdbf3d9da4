/*
 * clusters.h - PostgreSQL clusters that run on this machine, as far as /proc shows them.
 */
#ifndef PG_SCRATCH_CLUSTERS_H
#define PG_SCRATCH_CLUSTERS_H

#include "core/mem.h"

/* Adds "DATA/global/pg_control" of each: for root all clusters, for an ordinary user that user's.
 * Scratch servers do not count. */
void clusters_running(struct strlist *);

#endif
