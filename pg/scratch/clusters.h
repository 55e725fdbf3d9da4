/*
 * clusters.h - PostgreSQL clusters that run on this machine, as far as /proc shows them.
 */
#ifndef PG_SCRATCH_CLUSTERS_H
#define PG_SCRATCH_CLUSTERS_H

#include "core/mem.h"

/* Adds "DATA/global/pg_control" of each: as root of all, as an ordinary user of one's own.  Scratch
 * servers are none. */
void clusters_running(struct strlist *);

#endif
