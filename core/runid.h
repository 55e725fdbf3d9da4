/*
 * runid.h - what one run is called, wherever it is spoken of: by hooks, notifications, log lines.
 *
 * "20261121T021500Z-9f04c2d1".  Programs that a run starts are part of it: they find it in
 * $PGASSAY_RUN_ID, as does a run of a wrapper's that has set it: up to 64 of letters, digits, "-",
 * "_", "." and ":"; anything else there is passed over.
 */
#ifndef CORE_RUNID_H
#define CORE_RUNID_H

enum { RUN_ID_MAX = 65 };

void        run_id_begin(void); /* in main(), before threads; again: no effect */
const char *run_id(void);       /* empty before */

#endif
