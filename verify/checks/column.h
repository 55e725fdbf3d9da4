/*
 * column.h - a column as people write it: schema.table.column or table.column, each name folded to
 * lower case unless it is in double quotes, as in SQL.
 */
#ifndef VERIFY_CHECKS_COLUMN_H
#define VERIFY_CHECKS_COLUMN_H

#include "core/err.h"

struct column {
    char *schema; /* NULL: not named */
    char *table, *name;
};

/* ERR_USAGE: it is none. */
int  column_parse(const char *text, struct column *, struct err *);
void column_free(struct column *);

#endif
