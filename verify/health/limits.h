/*
 * limits.h - from when on something is a finding, as far as it can be set; times in seconds.
 */
#ifndef VERIFY_HEALTH_LIMITS_H
#define VERIFY_HEALTH_LIMITS_H

#include <stdint.h>

struct health_limits {
    int      timeout_s;       /* of a statement, and of connecting */
    uint64_t idle_after_s;    /* a session idle for longer has been forgotten */
    uint64_t long_after_s;    /* a statement; a prepared transaction */
    uint64_t blocked_after_s; /* who waits for a lock for longer */
    int      disk_free;       /* percent of a file system; half of it: critical */
};

#endif
