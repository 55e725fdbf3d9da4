/*
 * expect.h - what is expected of one value, as an administrator writes it, and whether it is so.
 *
 *     expect = 0                   this value
 *     expect = <> 0                any other
 *     expect = > 1000              also >=, <, <=
 *     expect = between 90 and 110  both included
 *     expect = null, not null
 *     expect = no rows             of the query, whatever its columns are
 *
 * Numbers are compared exactly, however long they are, and 0 is 0.00; what is not a number on both
 * sides is compared as text, byte by byte.  "= TEXT" is TEXT even where that is a word from above.
 */
#ifndef VERIFY_CHECKS_EXPECT_H
#define VERIFY_CHECKS_EXPECT_H

#include <stdbool.h>

#include "core/err.h"

enum expect_kind {
    EXPECT_EQUAL,
    EXPECT_OTHER,
    EXPECT_LESS,
    EXPECT_AT_MOST,
    EXPECT_MORE,
    EXPECT_AT_LEAST,
    EXPECT_BETWEEN,
    EXPECT_NULL,
    EXPECT_NOT_NULL,
    EXPECT_NO_ROWS,
};

struct expect {
    enum expect_kind kind;
    char            *low, *high; /* owned; low alone, but for EXPECT_BETWEEN */
};

/* ERR_USAGE: it means nothing. */
int  expect_parse(const char *text, struct expect *, struct err *);
void expect_free(struct expect *);

/* value: as the server or a command printed it; NULL: SQL's null.  ERR_PG: it is no number, and one
 * is needed to tell.  Not for EXPECT_NO_ROWS. */
int expect_judge(const struct expect *, const char *value, bool *met, struct err *);

#endif
