/*
 * copy.h - a restored copy on a server of the drill's, and its comparison with the backup.
 */
#ifndef VERIFY_DRILL_COPY_H
#define VERIFY_DRILL_COPY_H

#include "pg/conn/conn.h"
#include "pg/snapshot/catalog.h"
#include "verify/compare/reference.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

struct baseline;

struct copy {
    const struct options   *options;
    struct baseline        *baseline;
    struct pg_target        server;    /* with its version; its dbname is not used */
    const char             *name;      /* the copy's database */
    bool                    unshared;  /* nobody else is on that server */
    struct reference_result reference; /* made by the first comparison that needs it */
};

/* A database of the copy's server; borrowed strings. */
struct pg_target copy_target(const struct copy *, const char *dbname);

/* What one comparison looks at. */
struct copy_look {
    const char *dbname; /* the copy, or one that was made of it */
    bool (*reads)(const void *ctx, const struct cat_table *); /* NULL: every table's rows */
    const void *ctx;
};
int  copy_compare(struct copy *, const struct copy_look *, struct verify_result *, struct err *);
void copy_deinit(struct copy *);

#endif
