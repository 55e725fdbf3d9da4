#include "storage/retention/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"

enum key_kind { KEY_COUNT, KEY_SPAN, KEY_MIN, KEY_SHARE };

static const struct key {
    const char   *name;
    enum key_kind kind;
    size_t        offset;
} keys[] = {
    {"keep-last", KEY_COUNT, offsetof(struct policy, keep[PERIOD_EACH])},
    {"keep-hourly", KEY_COUNT, offsetof(struct policy, keep[PERIOD_HOUR])},
    {"keep-daily", KEY_COUNT, offsetof(struct policy, keep[PERIOD_DAY])},
    {"keep-weekly", KEY_COUNT, offsetof(struct policy, keep[PERIOD_WEEK])},
    {"keep-monthly", KEY_COUNT, offsetof(struct policy, keep[PERIOD_MONTH])},
    {"keep-yearly", KEY_COUNT, offsetof(struct policy, keep[PERIOD_YEAR])},
    {"keep-within", KEY_SPAN, offsetof(struct policy, within[PERIOD_EACH])},
    {"keep-within-hourly", KEY_SPAN, offsetof(struct policy, within[PERIOD_HOUR])},
    {"keep-within-daily", KEY_SPAN, offsetof(struct policy, within[PERIOD_DAY])},
    {"keep-within-weekly", KEY_SPAN, offsetof(struct policy, within[PERIOD_WEEK])},
    {"keep-within-monthly", KEY_SPAN, offsetof(struct policy, within[PERIOD_MONTH])},
    {"keep-within-yearly", KEY_SPAN, offsetof(struct policy, within[PERIOD_YEAR])},
    {"min-keep", KEY_MIN, offsetof(struct policy, min_keep)},
    {"shrink-share", KEY_SHARE, offsetof(struct policy, shrink_share)},
};
_Static_assert(sizeof keys / sizeof *keys == POLICY_KEYS, "all of them");
enum { N_KEYS = POLICY_KEYS, COUNT_MAX = 1000000, SPAN_MAX = 10000000 };

static void *
at(struct policy *p, const struct key *k)
{
    return (char *)p + k->offset;
}

static const void *
at_const(const struct policy *p, const struct key *k)
{
    return (const char *)p + k->offset;
}

const char *
policy_key(size_t i)
{
    return i < N_KEYS ? keys[i].name : NULL;
}

/* ---- spans of time ---- */

bool
span_is_zero(const struct span *s)
{
    return s->years == 0 && s->months == 0 && s->days == 0 && s->hours == 0;
}

static int *
span_unit(struct span *s, char unit)
{
    return unit == 'y' ? &s->years
        : unit == 'm'  ? &s->months
        : unit == 'd'  ? &s->days
        : unit == 'h'  ? &s->hours
                       : NULL;
}

static int
bad_span(const char *text, struct err *e)
{
    err_set(e, ERR_USAGE, "\"%s\" is not a span of time", text);
    return err_hint(e, "years, months, days and hours, as in 1y6m, 7d or 36h");
}

int
span_parse(const char *text, struct span *out, struct err *e)
{
    const char *p = text;
    struct span s = {0};

    while (*p >= '0' && *p <= '9') {
        char *end;
        long  n = strtol(p, &end, 10);
        int  *unit = span_unit(&s, *end);

        if (unit == NULL || *unit != 0 || n > SPAN_MAX) {
            return bad_span(text, e);
        }
        *unit = (int)n;
        p = end + 1;
    }
    if (*p != '\0' || (p == text)) {
        return bad_span(text, e);
    }
    *out = s;
    return 0;
}

char *
span_text(const struct span *s, char *out, size_t cap)
{
    const int n[] = {s->years, s->months, s->days, s->hours};
    size_t    len = 0;

    (void)snprintf(out, cap, "0d");
    for (size_t i = 0; i < 4; i++) {
        if (n[i] != 0 && len < cap) {
            len += (size_t)snprintf(out + len, cap - len, "%d%c", n[i], "ymdh"[i]);
        }
    }
    return out;
}

/* ---- one key ---- */

static int
count_parse(const char *text, int least, int *out, struct err *e)
{
    char *end;
    long  n;

    if (least == 0 && strcmp(text, "unlimited") == 0) {
        *out = KEEP_ALL;
        return 0;
    }
    errno = 0;
    n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < least || n > COUNT_MAX) {
        return err_set(e, ERR_USAGE, "\"%s\" is not a number from %d to %d%s", text, least,
                       COUNT_MAX, least == 0 ? ", nor \"unlimited\"" : "");
    }
    *out = (int)n;
    return 0;
}

static int
share_parse(const char *text, double *out, struct err *e)
{
    char  *end;
    double f = strtod(text, &end);

    if (end == text || *end != '\0' || !(f >= 0 && f <= 1)) {
        return err_set(e, ERR_USAGE, "\"%s\" is not a share from 0 to 1", text);
    }
    *out = f;
    return 0;
}

static int
value_parse(const struct key *k, const char *text, void *out, struct err *e)
{
    switch (k->kind) {
    case KEY_COUNT:
        return count_parse(text, 0, out, e);
    case KEY_MIN:
        return count_parse(text, 1, out, e);
    case KEY_SPAN:
        return span_parse(text, out, e);
    case KEY_SHARE:
        return share_parse(text, out, e);
    }
    return -1;
}

int
policy_set(struct policy *p, const char *key, const char *text, struct err *e)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].name, key) == 0) {
            if (value_parse(&keys[i], text, at(p, &keys[i]), e) != 0) {
                return err_wrap(e, "%s", key);
            }
            p->set |= (uint32_t)1 << i;
            return 0;
        }
    }
    return err_set(e, ERR_USAGE, "\"%s\" is not a rule of a policy", key);
}

bool
policy_given(const struct policy *p, size_t i)
{
    return (p->set >> i & 1) != 0;
}

char *
policy_text(const struct policy *p, size_t i)
{
    const struct key *k = &keys[i];
    const void       *v = at_const(p, k);
    char              span[48];

    if (!policy_given(p, i) && k->kind != KEY_MIN && k->kind != KEY_SHARE) {
        return NULL;
    }
    switch (k->kind) {
    case KEY_COUNT:
    case KEY_MIN:
        return *(const int *)v == KEEP_ALL ? xstrdup("unlimited")
                                           : xasprintf("%d", *(const int *)v);
    case KEY_SPAN:
        return xstrdup(span_text(v, span, sizeof span));
    case KEY_SHARE:
        return xasprintf("%g", *(const double *)v);
    }
    return NULL;
}

/* Keys set in over replace those in *policy. */
static void
override(struct policy *p, const struct policy *over)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        if (policy_given(over, i)) {
            size_t size = keys[i].kind == KEY_SPAN ? sizeof(struct span)
                : keys[i].kind == KEY_SHARE        ? sizeof(double)
                                                   : sizeof(int);

            memcpy(at(p, &keys[i]), at_const(over, &keys[i]), size);
        }
    }
    p->set |= over->set;
}

bool
policy_expires(const struct policy *p)
{
    for (size_t i = 0; i < N_PERIODS; i++) {
        if (p->keep[i] != 0 || !span_is_zero(&p->within[i])) {
            return true;
        }
    }
    return false;
}

/* ---- as JSON ---- */

/* "keep-last" is "keep_last" there, as all keys of our JSON. */
static char *
replaced(const char *name, char from, char to)
{
    char *copy = xstrdup(name);

    for (char *p = copy; *p != '\0'; p++) {
        *p = *p == from ? to : *p;
    }
    return copy;
}

static json_t *
value_json(const struct key *k, const void *v)
{
    char span[48];

    switch (k->kind) {
    case KEY_COUNT:
    case KEY_MIN:
        return *(const int *)v == KEEP_ALL ? json_string("unlimited")
                                           : json_integer(*(const int *)v);
    case KEY_SPAN:
        return json_string(span_text(v, span, sizeof span));
    case KEY_SHARE:
        return json_real(*(const double *)v);
    }
    return NULL;
}

json_t *
policy_json(const struct policy *p)
{
    json_t *o = json_object();

    for (size_t i = 0; i < N_KEYS; i++) {
        if (policy_given(p, i)) {
            char *name = replaced(keys[i].name, '-', '_');

            (void)json_object_set_new(o, name, value_json(&keys[i], at_const(p, &keys[i])));
            free(name);
        }
    }
    return o;
}

/* Through text: one parser for user input and JSON. */
static char *
value_text(const json_t *v)
{
    return json_is_integer(v) ? xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(v))
        : json_is_real(v)     ? xasprintf("%.17g", json_real_value(v))
        : json_is_string(v)   ? xstrdup(json_string_value(v))
                              : NULL;
}

static int
take_value(struct policy *p, const char *name, const json_t *v, struct err *e)
{
    char *key = replaced(name, '_', '-');
    char *text = value_text(v);
    int   rc;

    rc = text == NULL ? err_set(e, ERR_CORRUPT, "\"%s\" is neither number nor string", name)
                      : policy_set(p, key, text, e);
    if (rc != 0) {
        e->kind = ERR_CORRUPT;
        err_hint(e,
                 "a newer pgassay may have written it: upgrade this one, or set the policy anew "
                 "after --clear");
    }
    free(key);
    free(text);
    return rc;
}

int
policy_parse(json_t *o, struct policy *p, struct err *e)
{
    const char *name;
    json_t     *v;

    *p = (struct policy)POLICY_INIT;
    if (!json_is_object(o)) {
        return err_set(e, ERR_CORRUPT, "policy is not an object");
    }
    json_object_foreach (o, name, v) {
        if (take_value(p, name, v, e) != 0) {
            return err_wrap(e, "policy");
        }
    }
    return 0;
}

/* ---- in the repository ---- */

int
policy_load_own(const struct repo *r, const char *db, struct policy *p, struct err *e)
{
    json_t *o = json_object_get(r->object, "policy");
    int     rc;

    if (db != NULL) {
        char *enc = name_encode(db);

        o = json_object_get(json_object_get(r->object, "database_policies"), enc);
        free(enc);
    }
    *p = (struct policy)POLICY_INIT;
    rc = o == NULL ? 0 : policy_parse(o, p, e);
    return rc == 0 ? 0 : err_wrap(e, "\"repo.%u.json\"", r->generation);
}

int
policy_load(const struct repo *r, const char *db, struct policy *p, struct err *e)
{
    struct policy own;

    if (policy_load_own(r, NULL, p, e) != 0) {
        return -1;
    }
    if (db == NULL) {
        return 0;
    }
    if (policy_load_own(r, db, &own, e) != 0) {
        return -1;
    }
    override(p, &own);
    return 0;
}

static void
put_policy(json_t *o, const char *key, const struct policy *p)
{
    if (p->set == 0) {
        (void)json_object_del(o, key);
    } else {
        (void)json_object_set_new(o, key, policy_json(p));
    }
}

int
policy_store(struct repo *r, const char *db, const struct policy *p, struct err *e)
{
    json_t *o = json_deep_copy(r->object);
    json_t *all;
    char   *enc;
    int     rc;

    if (db == NULL) {
        put_policy(o, "policy", p);
    } else {
        enc = name_encode(db);
        if (!json_is_object(json_object_get(o, "database_policies"))) {
            (void)json_object_set_new(o, "database_policies", json_object());
        }
        all = json_object_get(o, "database_policies");
        put_policy(all, enc, p);
        if (json_object_size(all) == 0) {
            (void)json_object_del(o, "database_policies");
        }
        free(enc);
    }
    rc = repo_change(r, o, e);
    json_decref(o);
    return rc;
}
