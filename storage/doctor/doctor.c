#include "storage/doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "storage/doctor/probe.h"
#include "storage/drivers/open.h"

/* ---- cleaning up ---- */

static int
count_object(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info;
    (void)e;
    ++*(size_t *)ctx;
    return 0;
}

static void
tidy(struct doctor *d)
{
    struct err e = ERR_INIT;
    size_t     left = 0;
    char      *top = xstrndup(d->prefix, strcspn(d->prefix, "/") + 1);

    /* Without the right to store, removing is not allowed either: then only leftover objects
     * count. */
    if (d->made.n > 0 &&
        storage_remove(d->st, (const char *const *)d->made.v, d->made.n, &e) != 0 && d->may_put) {
        doctor_failed(d, "tidy", "could not remove what was written", &e);
    }
    err_clear(&e);
    if (d->made.n > 0 && d->may_list && storage_list(d->st, top, count_object, &left, &e) != 0) {
        doctor_failed(d, "tidy", NULL, &e);
    } else if (left > 0) {
        doctor_add(d, "tidy", FINDING_BAD, "remove them with a key that may",
                   "%zu objects are left below \"%s\"", left, top);
    }
    free(top);
}

/* ---- the probes, one after the other ---- */

static bool
is_kind(const struct doctor *d, const char *scheme)
{
    return d->st != NULL && strcmp(d->st->ops->scheme, scheme) == 0;
}

static const struct {
    const char *scheme;    /* NULL: any store */
    bool        needs_put; /* useless when nothing can be stored */
    void (*run)(struct doctor *);
} steps[] = {
    {"file", false, doctor_directory}, {"s3", false, doctor_s3_settings},
    {NULL, false, doctor_objects},     {"s3", true, doctor_s3_pages},
    {"s3", true, doctor_s3_objects},   {NULL, true, doctor_remove},
    {"s3", false, doctor_s3_bucket},   {NULL, true, doctor_speed},
};

int
doctor_examine(struct doctor *d, const struct storage_location *place, struct err *e)
{
    char random[17];

    d->place = place;
    random_hex(8, random);
    (void)snprintf(d->prefix, sizeof d->prefix, "doctor-%s/runs/", random);
    d->st = storage_open(d->place, false, e);
    if (d->st == NULL && e->kind == ERR_USAGE) {
        return -1;
    }
    if (d->st == NULL) {
        doctor_failed(d, "open", NULL, e);
        return 0;
    }
    if (is_kind(d, "s3") && !doctor_s3_reach(d)) {
        return cancel_check(e);
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !cancel_requested(); i++) {
        if ((steps[i].scheme == NULL || is_kind(d, steps[i].scheme)) &&
            (d->may_put || !steps[i].needs_put)) {
            steps[i].run(d);
        }
    }
    tidy(d);
    if (is_kind(d, "file")) {
        doctor_directory_leave(d);
    }
    return cancel_check(e);
}

void
doctor_free(struct doctor *d)
{
    findings_free(&d->found);
    strlist_free(&d->made);
    strlist_free(&d->settings);
    storage_close(d->st);
}
