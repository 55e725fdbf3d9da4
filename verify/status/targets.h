/*
 * targets.h - what somebody wants of his backups; times in seconds, 0: no target.
 */
#ifndef VERIFY_STATUS_TARGETS_H
#define VERIFY_STATUS_TARGETS_H

#include <stdint.h>

struct status_targets {
    uint64_t rpo_s;         /* recovery point: the newest backup is not older */
    uint64_t rto_s;         /* recovery time: the last drill was not slower */
    uint64_t proven_s;      /* the newest proven backup is not older */
    uint64_t scrubbed_s;    /* all that is stored was read within this time */
    uint64_t key_drilled_s; /* a key was shown to open the newest within this time */
};

/* A night and two hours; five weeks, as a drill a month and a scrub a month may be late;
 * likewise a key drill a quarter. */
#define STATUS_TARGETS_DEFAULT                                                                     \
    {                                                                                              \
        .rpo_s = 26 * 3600, .proven_s = 35 * 86400, .scrubbed_s = 35 * 86400,                      \
        .key_drilled_s = 100 * 86400                                                               \
    }

/* Ages of transaction ids at which somebody must act: a server stops at 2.1 billion. */
enum { STATUS_XID_WARNING = 1000000000, STATUS_XID_CRITICAL = 1600000000 };

#endif
