/*
 * tolerance.h - what is expected of a table's rows in a database that goes on working.
 *
 *     [expect shop.orders]         database, and psql's pattern for [SCHEMA.]TABLE
 *     rows = only-grows            exact, static, only-grows, ±5% or ignore
 *     [expect shop.web.session_*]
 *     rows = ignore
 *     reason = emptied every night
 *
 * Of several sections that match a table the last in the file counts; without one its rows are
 * expected to be as many.  A sequence follows the table that owns it, unless a section matches the
 * sequence itself.  Copies in drills are always compared exactly.
 */
#ifndef VERIFY_COMPARE_TOLERANCE_H
#define VERIFY_COMPARE_TOLERANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config/config.h"
#include "core/err.h"

enum tolerance_kind {
    TOLERANCE_EXACT,  /* as many rows */
    TOLERANCE_STATIC, /* the same rows: contents are compared, whatever else is */
    TOLERANCE_GROWS,  /* as many or more */
    TOLERANCE_WITHIN, /* as many, give or take .percent */
    TOLERANCE_IGNORE, /* any number: rows are not looked at */
};

struct tolerance {
    enum tolerance_kind kind;
    double              percent;
    bool                said;   /* by a section: else it goes without saying */
    const char         *reason; /* of TOLERANCE_IGNORE; borrowed from the configuration */
};

/* How far what the server's statistics say may be from what there is, in percent: autovacuum
 * analyses a table when a tenth of it has changed. */
enum { TOLERANCE_ESTIMATE_PERCENT = 10 };

/* "only-grows", "±5%", "+-0.5%", "5%" ...; ERR_USAGE. */
int tolerance_parse(const char *rows, struct tolerance *, struct err *);
/* Are so many rows what is expected?  estimated: one of the two numbers, or both. */
bool tolerance_holds(const struct tolerance *, uint64_t want, uint64_t have, bool estimated);
/* ", which only grows", ", give or take 5 %", or ""; borrowed from text. */
const char *tolerance_text(const struct tolerance *, char *text, size_t size);

struct tolerances; /* the sections of one database */

/* ERR_USAGE names the section. */
int  tolerances_load(const struct config *, const char *db, struct tolerances **, struct err *);
void tolerances_free(struct tolerances *); /* accepts NULL */
/* tolerances NULL, or no section: exact.  Marks sections that match. */
struct tolerance tolerances_of(struct tolerances *, const char *schema, const char *name);
bool             tolerances_any(const struct tolerances *);
/* The first section that has matched nothing so far; NULL: none. */
const char *tolerances_idle(const struct tolerances *, size_t *at);

#endif
