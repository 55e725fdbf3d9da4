#include "storage/doctor/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/exit.h"
#include "core/json.h"
#include "storage/contract/location.h"
#include "storage/drivers/open.h"

void
doctor_add(struct doctor *d, const char *probe, enum doctor_verdict verdict, const char *advice,
           const char *fmt, ...)
{
    char    text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    VEC_GROW(d->v, d->n, d->cap);
    d->v[d->n++] = (struct doctor_finding){.probe = probe,
                                           .verdict = verdict,
                                           .text = utf8_printable(text),
                                           .advice = advice != NULL ? xstrdup(advice) : NULL};
}

void
doctor_failed(struct doctor *d, const char *probe, const char *what, struct err *e)
{
    /* What a signal broke off has not failed. */
    if (e->kind != ERR_INTERRUPTED) {
        doctor_add(d, probe, DOCTOR_BAD, e->hint[0] != '\0' ? e->hint : NULL, "%s%s%s",
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

    doctor_made(d, key); /* before it is tried: an answer can get lost */
    rc = storage_put(d->st, key, data, n, e);
    free(key);
    return rc;
}

/* ---- tidying up ---- */

static int
count_object(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info;
    (void)e;
    ++*(size_t *)ctx;
    return 0;
}

void
doctor_clear(struct doctor *d)
{
    struct err e = ERR_INIT;
    size_t     left = 0;
    char      *top = xstrndup(d->prefix, strcspn(d->prefix, "/") + 1);

    /* Who may not store may not remove either: then only what is left counts. */
    if (d->made.n > 0 &&
        storage_remove(d->st, (const char *const *)d->made.v, d->made.n, &e) != 0 && d->may_put) {
        doctor_failed(d, "tidy", "could not remove what was written", &e);
    }
    err_clear(&e);
    if (d->made.n > 0 && d->may_list && storage_list(d->st, top, count_object, &left, &e) != 0) {
        doctor_failed(d, "tidy", NULL, &e);
    } else if (left > 0) {
        doctor_add(d, "tidy", DOCTOR_BAD, "remove them with a key that may",
                   "%zu objects are left below \"%s\"", left, top);
    }
    free(top);
}

/* ---- the result ---- */

static bool
is_kind(const struct doctor *d, const char *scheme)
{
    return d->st != NULL && strcmp(d->st->ops->scheme, scheme) == 0;
}

static const char *
retention_verdict_text(enum doctor_verdict v)
{
    return v == DOCTOR_GOOD ? "good" : v == DOCTOR_NOTE ? "note" : "bad";
}

static bool
is_good(const struct doctor *d)
{
    for (size_t i = 0; i < d->n; i++) {
        if (d->v[i].verdict == DOCTOR_BAD) {
            return false;
        }
    }
    return true;
}

static json_t *
result_json(const struct doctor *d)
{
    json_t *o = json_object();
    json_t *findings = json_array();
    json_t *settings = json_array();

    for (size_t i = 0; i < d->n; i++) {
        json_t *f = json_pack("{s:s,s:s,s:s}", "probe", d->v[i].probe, "verdict",
                              retention_verdict_text(d->v[i].verdict), "text", d->v[i].text);

        if (d->v[i].advice != NULL) {
            (void)json_object_set_new(f, "advice", json_text(d->v[i].advice));
        }
        (void)json_array_append_new(findings, f);
    }
    for (size_t i = 0; i < d->settings.n; i++) {
        (void)json_array_append_new(settings, json_text(d->settings.v[i]));
    }
    (void)json_object_set_new(o, "repository", json_text(d->place->location));
    (void)json_object_set_new(o, "good", json_boolean(is_good(d)));
    (void)json_object_set_new(o, "findings", findings);
    (void)json_object_set_new(o, "settings", settings);
    if (d->settings.n > 0) {
        (void)json_object_set_new(o, "policies", doctor_s3_policies(d));
    }
    return o;
}

static void
print_finding(const struct doctor_finding *f)
{
    (void)printf("  %-4s  %-15s  %s\n",
                 f->verdict == DOCTOR_BAD ? "BAD" : retention_verdict_text(f->verdict), f->probe,
                 f->text);
    if (f->advice != NULL) {
        (void)printf("  %-4s  %-15s  -> %s\n", "", "", f->advice);
    }
}

static void
print_text(const struct doctor *d, bool only_bad)
{
    (void)printf("%s\n", d->place->location);
    for (size_t i = 0; i < d->n; i++) {
        if (!only_bad || d->v[i].verdict == DOCTOR_BAD) {
            print_finding(&d->v[i]);
        }
    }
    if (d->settings.n == 0 || only_bad) {
        return;
    }
    (void)printf("\nsettings for [repo NAME]:\n");
    for (size_t i = 0; i < d->settings.n; i++) {
        (void)printf("  %s\n", d->settings.v[i]);
    }
    doctor_s3_print_policies(d);
}

/* ---- */

static const struct {
    const char *scheme;    /* NULL: any store */
    bool        needs_put; /* of no use when nothing can be stored */
    void (*run)(struct doctor *);
} steps[] = {
    {"file", false, doctor_directory}, {"s3", false, doctor_s3_settings},
    {NULL, false, doctor_objects},     {"s3", true, doctor_s3_pages},
    {"s3", true, doctor_s3_objects},   {NULL, true, doctor_remove},
    {"s3", false, doctor_s3_bucket},   {NULL, true, doctor_speed},
};

/* -1: what the user wrote cannot be meant. */
static int
examine(struct doctor *d, struct err *e)
{
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
    doctor_clear(d);
    if (is_kind(d, "file")) {
        doctor_directory_leave(d);
    }
    return cancel_check(e);
}

static void
doctor_free(struct doctor *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->v[i].text);
        free(d->v[i].advice);
    }
    free(d->v);
    strlist_free(&d->made);
    strlist_free(&d->settings);
    storage_close(d->st);
}

int
cmd_doctor(const struct cmd *c, struct err *e)
{
    struct storage_location place;
    struct doctor           d = {.place = &place};
    char                    random[17];
    int                     rc = -1;

    if (storage_location_find(c->config, c->repo, NULL, &c->repo_options, &place, e) != 0) {
        return -1;
    }
    random_hex(8, random);
    (void)snprintf(d.prefix, sizeof d.prefix, "doctor-%s/runs/", random);
    if (examine(&d, e) != 0) {
        goto out;
    }
    rc = is_good(&d) ? EXIT_GOOD : EXIT_DIFFERENT;
    if (c->json && json_print(result_json(&d), e) != 0) {
        rc = -1;
    } else if (!c->json && (!c->quiet || rc != EXIT_GOOD)) {
        print_text(&d, c->quiet);
    }
    if (rc >= 0 && fflush(stdout) != 0) {
        rc = err_errno(e, "could not write to standard output");
    }
out:
    doctor_free(&d);
    return rc;
}
