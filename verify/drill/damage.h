/*
 * damage.h - the ways in which a self-test damages a copy, as a table.
 *
 * Each has a query for what it could be done to, the cheapest first.  It yields, a row each:
 *
 *   claims   text[]: what the damage takes for itself, "rows:16385" or "index:16400"; no two
 *            damages of one round claim the same, else one could hide the other
 *   kind     of the object as findings name it, "INDEX", or '' (it has none); NULL: any
 *   schema   or NULL
 *   name
 *   what     the beginning of the finding's property, "definition"; NULL: any
 *   sql      what does it
 *
 * $1 is text[], what is claimed already; $2 oid[], the tables whose rows are compared, the
 * smallest first.
 */
#ifndef VERIFY_DRILL_DAMAGE_H
#define VERIFY_DRILL_DAMAGE_H

/* What of a backup must be compared so that this can be found. */
enum damage_needs { DAMAGE_ANY, DAMAGE_DEFINITIONS, DAMAGE_DATABASE };

struct damage {
    const char       *name;  /* "a row removed" */
    const char       *check; /* the group of its finding: "rows" */
    enum damage_needs needs;
    const char       *query; /* follows damage_given */
};

extern const char          damage_given[]; /* WITH …: what the queries look at */
extern const struct damage damages[];      /* ends with a name that is NULL */

#endif
