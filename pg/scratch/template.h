/*
 * template.h - the cluster that scratch servers are made of, kept by this host (for scratch.c
 * only).
 *
 * <state dir>/scratch/<of initdb's path>.cluster: a line with the SHA-256 of what it was made of
 * (programs, options, the system's locales) and that of the rest, then packed.h's file. What is not
 * as its line says, or of another make, is none: then initdb makes a cluster, and that is kept.
 *
 * Who can write it decides what a drill says. So it must be in a directory that belongs to this
 * user, and that nobody else can write.
 */
#ifndef PG_SCRATCH_TEMPLATE_H
#define PG_SCRATCH_TEMPLATE_H

#include "core/buf.h"
#include "core/mem.h"
#include "pg/scratch/account.h"

enum { TEMPLATE_BYTES_MAX = 256 << 20 };

struct template
{
    char *path; /* NULL: there is no place for it */
    char  key[65];
};

/* argv: initdb's, without what is another one each time; its first is the program's path. */
void template_find(const struct strlist *argv, const char *postgres, struct template *);
/* Appends what packed.h has made; false: there is none that counts. */
bool template_read(const struct template *, struct buf *);
/* The file packed, which belongs to the account.  Best effort. */
void template_keep(const struct template *, const char *packed, const struct account *);
void template_free(struct template *);

#endif
