#include "storage/retention/retention_rules.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* ---- the calendar ---- */

/* t less a span, by the UTC calendar (the 31st less a month may be the 1st or the 3rd, as in
 * restic). */
static time_t
span_before(time_t t, const struct span *s)
{
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL) {
        return t;
    }
    tm.tm_year -= s->years;
    tm.tm_mon -= s->months;
    tm.tm_mday -= s->days;
    tm.tm_hour -= s->hours;
    return timegm(&tm);
}

int64_t
period_of(enum period p, time_t t)
{
    int64_t   days = (int64_t)t / DAY;
    struct tm tm;

    switch (p) {
    case PERIOD_HOUR:
        return (int64_t)t / HOUR;
    case PERIOD_DAY:
        return days;
    case PERIOD_WEEK:
        return (days + 3) / 7; /* 1970-01-01 was a Thursday */
    case PERIOD_MONTH:
    case PERIOD_YEAR:
        if (gmtime_r(&t, &tm) == NULL) {
            return days;
        }
        return p == PERIOD_YEAR ? tm.tm_year : (int64_t)tm.tm_year * 12 + tm.tm_mon;
    default:
        return t;
    }
}

/* ---- one scope ---- */

struct scope {
    struct retention       *r;
    const char             *name;
    struct retention_item **v; /* of this scope, oldest first */
    size_t                  n;
    size_t                  good; /* their number */
};

static bool
is_good(const struct retention_item *x)
{
    return x->state == RETENTION_GOOD && !x->beside;
}

/* It counts for nothing, and stays where a good one would. */
static bool
stays_along(const struct retention_item *x)
{
    return x->state == RETENTION_DAMAGED || (x->state == RETENTION_GOOD && x->beside);
}

/* keep-<period> N.  As in restic, the oldest backup fills an unused place, so that the history is
 * as long as possible. */
static void
apply_count(struct scope *s, enum period p)
{
    int     left = s->r->policy->keep[p];
    bool    any = false;
    int64_t last = 0;
    size_t  good_left = s->good;

    for (size_t i = s->n; i-- > 0 && left != 0;) {
        struct retention_item *x = s->v[i];
        int64_t                at = period_of(p, x->time);
        bool                   first = !any || p == PERIOD_EACH || at != last;

        if (!is_good(x)) {
            if (first && stays_along(x)) {
                x->why |= 1U << p;
            }
            continue;
        }
        good_left--;
        if (first || good_left == 0) {
            x->why |= 1U << p;
            last = at;
            any = true;
            left -= left > 0;
        }
    }
}

/* keep-within-<period> SPAN: counted from the newest good backup, not from now, so that nothing
 * expires when backups stop.  The oldest stays, too, if it is within. */
static void
apply_within(struct scope *s, enum period p, time_t newest)
{
    const struct span *span = &s->r->policy->within[p];
    time_t             limit = span_before(newest, span);
    bool               any = false;
    int64_t            last = 0;
    size_t             good_left = s->good;

    if (span_is_zero(span)) {
        return;
    }
    for (size_t i = s->n; i-- > 0;) {
        struct retention_item *x = s->v[i];
        int64_t                at = period_of(p, x->time);
        bool                   first = !any || p == PERIOD_EACH || at != last;

        good_left -= is_good(x);
        if (x->time <= limit || (!is_good(x) && !stays_along(x))) {
            continue;
        }
        if (first || (is_good(x) && good_left == 0)) {
            x->why |= 1U << (N_PERIODS + p);
        }
        if (is_good(x)) {
            last = at;
            any = true;
        }
    }
}

static void
apply_rules(struct scope *s)
{
    time_t newest = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (is_good(s->v[i]) && s->v[i]->time > newest) {
            newest = s->v[i]->time;
        }
    }
    for (int p = 0; p < N_PERIODS; p++) {
        apply_count(s, (enum period)p);
        apply_within(s, (enum period)p, newest);
    }
}

static void
protect(struct scope *s)
{
    int  left = s->r->policy->min_keep;
    bool newest = true, proven = true;

    for (size_t i = s->n; i-- > 0;) {
        struct retention_item *x = s->v[i];

        x->why |= x->pinned ? WHY_PINNED : 0U;
        x->why |= x->locked ? WHY_LOCKED : 0U;
        if (is_good(x)) {
            x->why |= newest ? WHY_NEWEST : 0U;
            x->why |= left-- > 0 ? WHY_MIN_KEEP : 0U;
            newest = false;
            if (x->proven) {
                x->why |= proven ? WHY_PROVEN : 0U;
                proven = false;
            }
        } else if (s->good == 0) {
            x->why |= WHY_ALONE;
        }
    }
}

/* ---- the shrink alarm ---- */

static const struct {
    const char *name;
    size_t      offset;
} measures[] = {
    {"rows", offsetof(struct retention_item, rows)},
    {"tables", offsetof(struct retention_item, tables)},
    {"bytes", offsetof(struct retention_item, bytes)},
};
enum { N_MEASURES = sizeof measures / sizeof *measures };

static uint64_t
measure(const struct retention_item *x, size_t m)
{
    return *(const uint64_t *)(const void *)((const char *)x + measures[m].offset);
}

static const char *
baseline_of(const struct retention *r, const char *scope)
{
    const char *newest = "";

    for (size_t i = 0; i < r->n_baselines; i++) {
        if (strcmp(r->baselines[i].scope, scope) == 0 && strcmp(r->baselines[i].id, newest) > 0) {
            newest = r->baselines[i].id;
        }
    }
    return newest;
}

/* The largest of each measure among the good ones before v[i]: the last ten, and those of thirty
 * days. */
static void
largest_before(const struct scope *s, size_t i, const char *baseline, uint64_t *largest)
{
    size_t seen = 0;

    memset(largest, 0, N_MEASURES * sizeof *largest);
    for (size_t k = i; k-- > 0;) {
        const struct retention_item *x = s->v[k];

        if (!is_good(x) || x->imported) {
            continue;
        }
        if (strcmp(x->id, baseline) < 0 ||
            (seen++ >= SHRINK_BACKUPS && x->time < s->v[i]->time - (time_t)SHRINK_DAYS * DAY)) {
            break;
        }
        for (size_t m = 0; m < N_MEASURES; m++) {
            largest[m] = measure(x, m) > largest[m] ? measure(x, m) : largest[m];
        }
    }
}

/* The first measure below its share, or N_MEASURES. */
static size_t
shrunken(const struct retention_item *x, const uint64_t *largest, double share)
{
    for (size_t m = 0; m < N_MEASURES; m++) {
        if ((double)measure(x, m) < share * (double)largest[m]) {
            return m;
        }
    }
    return N_MEASURES;
}

static void
raise_alarm(struct scope *s, size_t since, size_t m, uint64_t largest)
{
    struct retention *r = s->r;
    const char       *newest = s->v[since]->id;

    for (size_t i = since; i < s->n; i++) {
        newest = is_good(s->v[i]) ? s->v[i]->id : newest;
    }
    for (size_t i = 0; i <= since; i++) {
        if (is_good(s->v[i]) || stays_along(s->v[i])) {
            s->v[i]->why |= WHY_SHRINK;
        }
    }
    VEC_GROW(r->alarms, r->n_alarms, r->cap_alarms);
    r->alarms[r->n_alarms++] = (struct retention_alarm){
        .scope = s->name,
        .since = s->v[since]->id,
        .newest = newest,
        .measure = measures[m].name,
        .have = measure(s->v[since], m),
        .largest = largest,
    };
}

/* Walks through the history: a shrink lasts until a later backup is large again.  So an alarm does
 * not end just because the large ones grow old. */
static void
watch_shrinking(struct scope *s)
{
    const char *baseline = baseline_of(s->r, s->name);
    double      share = s->r->policy->shrink_share;
    uint64_t    largest[N_MEASURES];
    size_t      since = SIZE_MAX, which = N_MEASURES;

    for (size_t i = 0; i < s->n; i++) {
        const struct retention_item *x = s->v[i];

        if (!is_good(x) || x->imported || strcmp(x->id, baseline) <= 0) {
            continue;
        }
        if (since != SIZE_MAX) {
            if (shrunken(x, largest, share) == N_MEASURES) {
                since = SIZE_MAX;
            }
            continue;
        }
        largest_before(s, i, baseline, largest);
        which = shrunken(x, largest, share);
        if (which != N_MEASURES) {
            since = i;
        }
    }
    if (since != SIZE_MAX) {
        raise_alarm(s, since, which, largest[which]);
    }
}

/* ---- all of them ---- */

/* Items are in the order of their ids, which of imported ones is that of their times, too. */
static void
find_beside(struct scope *s)
{
    bool own = false;

    for (size_t i = 0; i < s->n; i++) {
        own = own || (!s->v[i]->imported && s->v[i]->state != RETENTION_VOID);
        s->v[i]->beside = own && s->v[i]->imported;
    }
}

static void
apply_scope(struct retention *r, const char *name)
{
    struct scope s = {
        .r = r, .name = name, .v = xcalloc(r->n + 1, sizeof(struct retention_item *))};

    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->items[i].scope, name) == 0) {
            s.v[s.n++] = &r->items[i];
        }
    }
    find_beside(&s);
    for (size_t i = 0; i < s.n; i++) {
        s.good += is_good(s.v[i]);
    }
    apply_rules(&s);
    protect(&s);
    watch_shrinking(&s);
    free(s.v);
}

/* What keeps everything. */
static unsigned
why_all(const struct retention *r)
{
    unsigned why = policy_expires(r->policy) ? 0U : WHY_NO_POLICY;

    for (size_t i = 0; i < r->n; i++) {
        if (r->items[i].state == RETENTION_UNREADABLE && (!r->drop_damaged || r->items[i].newer)) {
            why |= WHY_UNREADABLE;
        }
        if (r->items[i].time > r->now + CLOCK_TOLERANCE_SECONDS) {
            why |= WHY_FUTURE;
        }
    }
    return why;
}

void
retention_apply(struct retention *r)
{
    unsigned all = why_all(r);

    for (size_t i = 0; i < r->n; i++) {
        r->items[i].why = 0;
    }
    for (size_t i = 0; i < r->n; i++) {
        bool seen = false;

        for (size_t k = 0; k < i && !seen; k++) {
            seen = strcmp(r->items[k].scope, r->items[i].scope) == 0;
        }
        if (!seen) {
            apply_scope(r, r->items[i].scope);
        }
    }
    for (size_t i = 0; i < r->n; i++) {
        struct retention_item *x = &r->items[i];

        x->why |= all;
        if (x->state == RETENTION_VOID) {
            x->why &= WHY_UNREADABLE | WHY_FUTURE;
        } else if (r->drop_damaged && x->state != RETENTION_GOOD) {
            x->why &= WHY_PINNED | WHY_LOCKED | WHY_ALONE | WHY_FUTURE | WHY_UNREADABLE;
        }
    }
}

void
retention_free(struct retention *r)
{
    free(r->alarms);
    r->alarms = NULL;
    r->n_alarms = r->cap_alarms = 0;
}

const char *
retention_why(unsigned bit)
{
    static const char *const names[] = {
        "keep-last",
        "keep-hourly",
        "keep-daily",
        "keep-weekly",
        "keep-monthly",
        "keep-yearly",
        "keep-within",
        "keep-within-hourly",
        "keep-within-daily",
        "keep-within-weekly",
        "keep-within-monthly",
        "keep-within-yearly",
        "min-keep",
        "newest",
        "proven",
        "pinned",
        "locked",
        "before-shrink",
        "unreadable",
        "future",
        "alone",
        "no-policy",
    };

    _Static_assert(sizeof names / sizeof *names == WHY_BITS, "a name for each reason");
    return names[bit];
}
