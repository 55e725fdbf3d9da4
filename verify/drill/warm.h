/*
 * warm.h - `drill --warm DIR`: the scratch server's data are kept from one drill to the next.
 *
 *     DIR/pgassay-warm.json   that DIR is ours, and what its copy is: of which repository, database
 *                             and backup, made by which versions, whether the last drill passed
 *     DIR/rows.json           which rows are there (pgassay-restore --kept)
 *     DIR/data/               the stopped server's data directory, while no drill runs
 *
 * A warm drill moves data/ into a scratch server, brings the copy up to the backup, and compares
 * all of it as ever.  What it passes has passed; whatever else comes of it (the copy could not be
 * brought up to this backup, the server did not start, something differs) may be the kept copy's
 * fault, so all is made anew and compared once more: the verdict is always about a copy that is
 * equal, or about one that was made from nothing.  data/ comes back when the drill has passed, and
 * only then, so that what a killed one leaves is no copy.
 *
 * DIR is locked, must be ours alone, and nothing in it is removed but what is named here and
 * servers that were left (pgassay-XXXXXX).  One that holds anything else is refused.
 */
#ifndef VERIFY_DRILL_WARM_H
#define VERIFY_DRILL_WARM_H

#include "verify/job/baseline.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

struct warm {
    char   *dir, *data, *rows, *state; /* paths */
    int     fd;                        /* of dir, locked */
    json_t *was;                       /* the last drill's state; NULL: none */
    bool    warm;                      /* this drill is one */
};

/* Decides, and says so in result.copy.  ERR_USAGE, ERR_AUTH: DIR is not for this; ERR_BUSY: another
 * drill uses it. */
int warm_open(struct warm *, const struct options *, const struct baseline *,
              struct verify_result *, struct err *);
/* Before anything of the copy changes: from now on it is no copy.  A cold drill finds nothing
 * there. */
int warm_begin(struct warm *, struct err *);
/* It is a cold drill from now on.  The reason is taken. */
void warm_turn_cold(struct warm *, struct verify_result *, char *why);
/* The recovery time that the last cold drill measured. */
void warm_take_recovery(const struct warm *, struct verify_result *);
/* The data are back: the next drill may be warm. */
int warm_done(const struct warm *, const struct options *, const struct baseline *,
              int server_version, const struct verify_result *, struct err *);
/* Nothing was kept, for this reason: the next drill is cold. */
int  warm_spoilt(const struct warm *, const char *why, struct err *);
void warm_close(struct warm *);

#endif
