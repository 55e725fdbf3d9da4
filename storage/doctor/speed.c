/* The store's speed: small objects one by one, then large ones like chunks. */
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "core/human.h"
#include "storage/doctor/probe.h"

enum { ROUNDS = 5, SMALL = 512, LARGE = 4 << 20, N_LARGE = 2 };

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
latency(struct doctor *d)
{
    struct err e = ERR_INIT;
    struct buf got = BUF_INIT(SMALL);
    double     put[ROUNDS], get[ROUNDS];
    uint8_t    data[SMALL];

    for (int i = 0; i < ROUNDS; i++) {
        char  *name = xasprintf("latency.%d", i);
        char  *key = doctor_key(d, name);
        double at = clock_seconds();
        int    rc;

        random_bytes(data, sizeof data);
        rc = doctor_put(d, name, data, sizeof data, &e);
        put[i] = clock_seconds() - at;
        at = clock_seconds();
        rc = rc == 0 ? storage_get(d->st, key, &got, &e) : rc;
        get[i] = clock_seconds() - at;
        free(key);
        free(name);
        if (rc != 0) {
            doctor_failed(d, "latency", NULL, &e);
            buf_free(&got);
            return;
        }
    }
    buf_free(&got);
    qsort(put, ROUNDS, sizeof *put, by_size);
    qsort(get, ROUNDS, sizeof *get, by_size);
    doctor_add(d, "latency", FINDING_GOOD, NULL,
               "a small object takes %.1f ms to store, %.1f ms to read", 1e3 * put[ROUNDS / 2],
               1e3 * get[ROUNDS / 2]);
}

static int
move_large(struct doctor *d, uint8_t *data, double *put, double *get, struct err *e)
{
    struct buf got = BUF_INIT(LARGE);
    int        rc = 0;

    for (int i = 0; rc == 0 && i < N_LARGE; i++) {
        char  *name = xasprintf("large.%d", i);
        char  *key = doctor_key(d, name);
        double at;

        random_bytes(data, LARGE);
        at = clock_seconds();
        rc = cancel_check(e) != 0 ? -1 : doctor_put(d, name, data, LARGE, e);
        *put += clock_seconds() - at;
        at = clock_seconds();
        rc = rc == 0 ? storage_get(d->st, key, &got, e) : rc;
        *get += clock_seconds() - at;
        if (rc == 0 && (got.len != LARGE || memcmp(got.data, data, LARGE) != 0)) {
            rc = err_set(e, ERR_CORRUPT, "\"%s\" was read with other bytes than were stored", key);
        }
        free(key);
        free(name);
    }
    buf_free(&got);
    return rc;
}

static void
throughput(struct doctor *d)
{
    struct err e = ERR_INIT;
    uint8_t   *data = xmalloc(LARGE);
    double     put = 0, get = 0, bytes = (double)LARGE * N_LARGE;
    char       up[16], down[16];

    if (move_large(d, data, &put, &get, &e) != 0) {
        doctor_failed(d, "throughput", NULL, &e);
    } else {
        doctor_add(d, "throughput", FINDING_GOOD, NULL,
                   "one connection stores %s and reads %s a second",
                   size_human((uint64_t)(bytes / put), up, sizeof up),
                   size_human((uint64_t)(bytes / get), down, sizeof down));
    }
    free(data);
}

void
doctor_speed(struct doctor *d)
{
    latency(d);
    if (!cancel_requested()) {
        throughput(d);
    }
}
