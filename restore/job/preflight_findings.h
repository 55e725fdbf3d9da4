/*
 * preflight_findings.h - what can be known before a restore changes anything.
 *
 * One finding is one fact with a single cause: what it is, what to do about it and, where SQL mends
 * it, the SQL.  All are reported at once.  What could not be looked at is a note that says so,
 * never silence: silence means that it was looked at, and is good.
 */
#ifndef RESTORE_JOB_PREFLIGHT_FINDINGS_H
#define RESTORE_JOB_PREFLIGHT_FINDINGS_H

#include <stdbool.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"

enum preflight_kind {
    PREFLIGHT_STOP,    /* the restore is impossible or pointless */
    PREFLIGHT_WARNING, /* it costs single objects, or surprises whoever uses the database */
    PREFLIGHT_NOTE,    /* good to know, or not known */
};

struct preflight_finding {
    enum preflight_kind kind;
    char               *text;
    char               *hint; /* NULL: the text says it */
    char               *sql;  /* statements for the target server, or NULL */
};

struct preflight {
    struct preflight_finding *v;
    size_t                    n, cap;
};

/* Takes all three texts; all but the text may be NULL. */
void preflight_add(struct preflight *, struct preflight_finding);
void preflight_stop(struct preflight *, const char *hint, char *text);
void preflight_warn(struct preflight *, char *text);
void preflight_note(struct preflight *, char *text);

bool preflight_stops(const struct preflight *);
/* Into the log: warnings, and what stops, but for the first of these, which is in *e: -1.  Notes
 * are logged only with --verbose.  Texts of warnings are added to a list. */
int     preflight_report(const struct preflight *, struct strlist *warnings, struct err *);
json_t *preflight_json(const struct preflight *);
void    preflight_free(struct preflight *);

/* '"a", "b" and 3 more': allocated. */
char *preflight_names(const struct strlist *);

#endif
