#include "storage/doctor/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"

void
doctor_add(struct doctor *d, const char *probe, enum finding_class class, const char *advice,
           const char *fmt, ...)
{
    char    text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    utf8_clean(text);
    findings_add(
        &d->found,
        (struct finding){
            .class = class, .group = "store", .object = probe, .what = text, .advice = advice});
}

void
doctor_failed(struct doctor *d, const char *probe, const char *what, struct err *e)
{
    /* A probe interrupted by a signal has not failed. */
    if (e->kind != ERR_INTERRUPTED) {
        doctor_add(d, probe, FINDING_BAD, e->hint[0] != '\0' ? e->hint : NULL, "%s%s%s",
                   what != NULL ? what : "", what != NULL ? ": " : "", e->text);
    }
    err_clear(e);
}

char *
doctor_key(const struct doctor *d, const char *name)
{
    return xasprintf("%s%s", d->prefix, name);
}

void
doctor_made(struct doctor *d, const char *key)
{
    if (!strlist_has(&d->made, key)) {
        strlist_add(&d->made, key);
    }
}

int
doctor_put(struct doctor *d, const char *name, const void *data, size_t n, struct err *e)
{
    char *key = doctor_key(d, name);
    int   rc;

    doctor_made(d, key); /* before the attempt: an answer can get lost */
    rc = storage_put(d->st, key, data, n, e);
    free(key);
    return rc;
}
