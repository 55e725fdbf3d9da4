/*
 * hook.h - the administrator's commands before and after a backup, a restore and a drill.
 *
 * The keys before-backup, after-backup and so on, of [database NAME] or before any section, each
 * for /bin/sh.  What a hook is told is in variables that only it gets (pgassay.conf(5) lists them):
 * nothing else that a run starts, a scratch server least of all.  It has a time limit, and when it
 * ends, so does all that it has left in its process group.
 *
 *     hook_before   fails: the run must not begin
 *     hook_after    runs however that ended, also when the hook before it failed, and after a
 *                   signal
 */
#ifndef CORE_HOOKS_HOOK_H
#define CORE_HOOKS_HOOK_H

#include "core/config/config.h"
#include "core/err.h"

struct hook {
    const struct config *config;
    const char          *work;     /* "backup", "restore", "drill" */
    const char          *section;  /* whose hooks: a [database NAME]; NULL: those for all */
    const char          *database; /* its name in the repository; NULL: not known yet */
    const char          *target;   /* of a restore: the database that it makes; else NULL */
};

struct hook_ended {
    int         status; /* exit status of the work */
    const char *backup; /* its id; NULL: there is none */
    const char *error;  /* NULL: none */
};

/* Both: 0 also when there is none; the error names the hook. */
int hook_before(const struct hook *, struct err *);
int hook_after(const struct hook *, const struct hook_ended *, struct err *);
/* The same as a warning, for a run that goes on: the exit status, which is "partly" if it was
 * good and the hook was not. */
int hook_after_warn(const struct hook *, const struct hook_ended *);

/* What an exit status is called: "good", "failed", "different", "partly", "interrupted". */
const char *hook_status_text(int status);

#endif
