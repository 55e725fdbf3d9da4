/*
 * dumpname.h - what the name of a dump says, as home-grown scripts name them: of which database,
 * and when it was taken.
 *
 *     shop_20260930.sql.gz             shop-2026-09-30_0215.dump      20260930_shop.backup
 *     shop_2026-09-30_02h15m.Wed.sql   shop.20260930T021500Z.tar.zst  20260930.sql
 *
 * Of several dates the last counts.  Times are local, unless a Z follows.  What else stands in the
 * name does not matter; its end must be one that dumps have, since logs and check sums lie beside
 * them.
 */
#ifndef STORAGE_EXCHANGE_DUMPNAME_H
#define STORAGE_EXCHANGE_DUMPNAME_H

#include <stdbool.h>
#include <time.h>

struct dump_name {
    char  *db;        /* allocated; NULL: the name is a date alone */
    char   taken[32]; /* as when_parse() reads it: a day, a minute or a second */
    time_t at;        /* its beginning */
};

enum dump_name_is {
    DUMP_NAME_GOOD,
    DUMP_NAME_NO_DATE,
    DUMP_NAME_NO_DUMP, /* by its end */
};

/* directory: any end will do. */
enum dump_name_is dump_name_parse(const char *file, bool directory, struct dump_name *);

#endif
