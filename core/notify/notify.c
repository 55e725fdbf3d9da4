#include "core/notify/notify.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/log.h"
#include "core/notify/deliver.h"
#include "core/notify/told.h"

enum { SECONDS_DEFAULT = 20, SECONDS_MAX = 300, SECONDS_AFTER_SIGNAL = 8 };

struct event {
    char *condition, *database, *repository, *backup, *level, *text; /* level NULL: it is good */
    char *told_by;
};

struct notify {
    struct channels channels;
    uint64_t        seconds; /* for all that is sent at the end */
    const char     *job;
    struct event   *v;
    size_t          n, cap;
    struct event   *rest; /* notify_rest_good() */
    size_t          n_rest, cap_rest;

    struct delivery *begun; /* pings, under way in a thread */
    size_t           n_begun;
    pthread_t        thread;
    bool             has_thread;
    double           begin_deadline;
};

/* A message that is to go to a channel. */
struct telling {
    struct message        message;
    const struct channel *channel;
};

struct tellings {
    struct telling *v;
    size_t          n, cap;
    struct strlist  texts; /* owns event names */
};

static uint64_t
read_seconds(const struct config *c, struct err *e)
{
    const char *text = config_get(c, "", NULL, "notify-timeout");
    uint64_t    seconds = SECONDS_DEFAULT;

    if (text != NULL &&
        (duration_parse(text, &seconds) != 0 || seconds == 0 || seconds > SECONDS_MAX)) {
        (void)err_set(e, ERR_USAGE, "notify-timeout \"%s\" is not a time from 1s to 5m", text);
        return SECONDS_DEFAULT;
    }
    return seconds;
}

static bool
is_about(const struct ping *p, const char *job, const struct strlist *databases)
{
    if (job == NULL || strcmp(p->job, job) != 0) {
        return false;
    }
    for (size_t i = 0; databases != NULL && i < databases->n; i++) {
        if (strlist_has(&p->databases, databases->v[i])) {
            return true;
        }
    }
    return p->databases.n == 0;
}

static void *
send_begun(void *ctx)
{
    struct notify *n = ctx;

    deliver_all(n->begun, n->n_begun, n->begin_deadline);
    return NULL;
}

/* In the background: the work does not wait for it. */
static void
ping_begun(struct notify *n, const struct strlist *databases)
{
    n->begun = xcalloc(n->channels.n_pings + 1, sizeof *n->begun);
    for (size_t i = 0; i < n->channels.n_pings; i++) {
        const struct ping *p = &n->channels.pings[i];

        if (p->start != NULL && is_about(p, n->job, databases)) {
            n->begun[n->n_begun++] = (struct delivery){.url = p->start, .name = p->name};
        }
    }
    n->begin_deadline = clock_seconds() + (double)n->seconds;
    n->has_thread = n->n_begun > 0 && pthread_create(&n->thread, NULL, send_begun, n) == 0;
}

static void
warn_of(const char *kind, const char *name, const struct err *e)
{
    if (e->kind != ERR_NONE) {
        log_warn("%s \"%s\" could not be told: %s", kind, name, e->text);
    }
}

struct notify *
notify_begin(const struct config *c, const char *job, const struct strlist *databases)
{
    struct notify *n = xcalloc(1, sizeof *n);
    struct err     e = ERR_INIT;

    n->job = job;
    if (channels_read(c, &n->channels, &e) == 0) {
        n->seconds = read_seconds(c, &e);
    }
    if (e.kind != ERR_NONE) {
        log_warn("nobody is told of this run: %s", e.text);
    }
    if (e.kind != ERR_NONE || n->channels.n + n->channels.n_pings == 0) {
        channels_free(&n->channels);
        free(n);
        return NULL;
    }
    ping_begun(n, databases);
    return n;
}

static char *
copied(const char *s)
{
    return xstrdup(s == NULL ? "" : s);
}

void
notify_add(struct notify *n, const struct notify_event *e)
{
    if (n == NULL) {
        return;
    }
    VEC_GROW(n->v, n->n, n->cap);
    n->v[n->n++] = (struct event){.condition = copied(e->condition),
                                  .database = copied(e->database),
                                  .repository = copied(e->repository),
                                  .backup = copied(e->backup),
                                  .level = e->level == NULL ? NULL : xstrdup(e->level),
                                  .text = copied(e->text),
                                  .told_by = copied(e->told_by)};
}

void
notify_rest_good(struct notify *n, const char *condition, const char *repository)
{
    if (n != NULL) {
        VEC_GROW(n->rest, n->n_rest, n->cap_rest);
        n->rest[n->n_rest++] = (struct event){.condition = xstrdup(condition),
                                              .repository = copied(repository)};
    }
}

/* ---- what has changed ---- */

/* "status/backup" is of the kind "status"; allocated. */
static char *
kind_of(const struct told_condition *about)
{
    return xstrndup(about->condition, strcspn(about->condition, "/"));
}

static bool
wants(const struct channel *c, const struct told_condition *about)
{
    char *kind = kind_of(about);
    bool  named = c->events.n == 0 || strlist_has(&c->events, kind);

    free(kind);
    return named &&
        (c->databases.n == 0 || *about->database == '\0' ||
         strlist_has(&c->databases, about->database));
}

static void
add_telling(struct tellings *t, const struct channel *c, const struct told_condition *about,
            bool good)
{
    char       *kind = kind_of(about);
    const char *text = about->text;

    if (good && *text != '\0') {
        strlist_take(&t->texts, xasprintf("it was: %s", text));
        text = t->texts.v[t->texts.n - 1];
    }
    strlist_take(&t->texts, xasprintf("%s-%s", kind, good ? "recovered" : "failed"));
    free(kind);
    VEC_GROW(t->v, t->n, t->cap);
    t->v[t->n++] = (struct telling){
        .channel = c,
        .message = {.event = t->texts.v[t->texts.n - 1],
                    .condition = about->condition,
                    .level = good ? "good" : about->level,
                    .database = about->database,
                    .repository = about->repository,
                    .backup = about->backup,
                    .text = text,
                    .since = about->since},
    };
}

static void
replace(char **field, const char *text)
{
    char *copy = xstrdup(text);

    free(*field);
    *field = copy;
}

/* Those who know of it are told that it is over; a channel that is gone is forgotten. */
static void
tell_end(const struct notify *n, struct told *told, struct told_condition *c, struct tellings *out)
{
    bool known = false;

    for (size_t i = 0; i < n->channels.n; i++) {
        if (strlist_has(&c->channels, n->channels.v[i].name)) {
            add_telling(out, &n->channels.v[i], c, true);
            known = true;
        }
    }
    if (!known) {
        told_remove(told, c);
    }
}

static void
note_bad(struct told *told, const struct event *e)
{
    struct told_condition *c = told_find(told, e->condition, e->database, e->repository);

    if (c == NULL) {
        c = told_add(told, e->condition, e->database, e->repository);
    }
    if (strcmp(c->level, e->level) != 0) {
        strlist_free(&c->channels);
    }
    replace(&c->level, e->level);
    replace(&c->text, e->text);
    replace(&c->backup, e->backup);
}

static const struct event *
bad_now(const struct notify *n, const struct told_condition *c)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct event *e = &n->v[i];

        if (e->level != NULL && strcmp(e->condition, c->condition) == 0 &&
            strcmp(e->database, c->database) == 0 && strcmp(e->repository, c->repository) == 0) {
            return e;
        }
    }
    return NULL;
}

/* In any repository. */
static bool
was_told_by(const struct told *told, const struct event *e, const char *channel)
{
    for (size_t i = 0; i < told->n; i++) {
        const struct told_condition *c = &told->v[i];

        if (strcmp(c->condition, e->told_by) == 0 && strcmp(c->database, e->database) == 0 &&
            strlist_has(&c->channels, channel)) {
            return true;
        }
    }
    return false;
}

static const struct event *
good_now(const struct notify *n, const struct told_condition *c)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct event *e = &n->v[i];

        if (e->level == NULL && strcmp(e->condition, c->condition) == 0 &&
            strcmp(e->database, c->database) == 0 && strcmp(e->repository, c->repository) == 0) {
            return e;
        }
    }
    for (size_t i = 0; i < n->n_rest; i++) {
        if (strcmp(n->rest[i].condition, c->condition) == 0 &&
            strcmp(n->rest[i].repository, c->repository) == 0) {
            return &n->rest[i];
        }
    }
    return NULL;
}

/* The conditions by what is known now, and who is to be told of which.  Messages borrow from both:
 * nothing is added or removed until they are sent. */
static void
compare(const struct notify *n, struct told *told, struct tellings *out)
{
    for (size_t i = 0; i < n->n; i++) {
        if (n->v[i].level != NULL) {
            note_bad(told, &n->v[i]);
        }
    }
    for (size_t i = told->n; i-- > 0;) {
        struct told_condition *c = &told->v[i];
        const struct event    *bad = bad_now(n, c);

        if (bad != NULL) {
            for (size_t k = 0; k < n->channels.n; k++) {
                const struct channel *to = &n->channels.v[k];

                if (wants(to, c) && !strlist_has(&c->channels, to->name) &&
                    !was_told_by(told, bad, to->name)) {
                    add_telling(out, to, c, false);
                }
            }
        } else if (good_now(n, c) != NULL) {
            tell_end(n, told, c, out);
        }
    }
}

/* Who has taken a message is noted, and a condition of whose end all know is gone. */
static void
note_taken(const struct tellings *t, const struct delivery *d, struct told *told)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct message  *m = &t->v[i].message;
        struct told_condition *c;
        bool                   good = strcmp(m->level, "good") == 0;

        if (d[i].err.kind != ERR_NONE) {
            continue;
        }
        c = told_find(told, m->condition, m->database, m->repository);
        if (!good) {
            strlist_add(&c->channels, t->v[i].channel->name);
            continue;
        }
        for (size_t k = c->channels.n; k-- > 0;) {
            if (strcmp(c->channels.v[k], t->v[i].channel->name) == 0) {
                free(c->channels.v[k]);
                c->channels.v[k] = c->channels.v[--c->channels.n];
            }
        }
    }
}

/* After all messages were sent: they borrow from the conditions. */
static void
forget_ended(const struct notify *n, struct told *told)
{
    for (size_t i = told->n; i-- > 0;) {
        struct told_condition *c = &told->v[i];

        if (c->channels.n == 0 && bad_now(n, c) == NULL && good_now(n, c) != NULL) {
            told_remove(told, c);
        }
    }
}

/* ---- sending ---- */

static double
deadline_of(const struct notify *n)
{
    uint64_t seconds = n->seconds;

    if (cancel_requested() && seconds > SECONDS_AFTER_SIGNAL) {
        seconds = SECONDS_AFTER_SIGNAL;
    }
    return clock_seconds() + (double)seconds;
}

/* Of the databases that a ping is about, or of all: the text of the first thing that is bad; NULL:
 * all is well. */
static const char *
bad_text(const struct notify *n, const struct ping *p)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct event *e = &n->v[i];

        if (e->level != NULL &&
            (p->databases.n == 0 || *e->database == '\0' ||
             strlist_has(&p->databases, e->database))) {
            return e->text;
        }
    }
    return NULL;
}

static bool
has_event_of(const struct notify *n, const struct ping *p)
{
    for (size_t i = 0; i < n->n; i++) {
        if ((*n->v[i].database == '\0' && n->v[i].level != NULL) ||
            strlist_has(&p->databases, n->v[i].database)) {
            return true;
        }
    }
    return p->databases.n == 0;
}

/* A run that tells nothing of a ping's databases says nothing to it: its silence is the alarm. */
static size_t
add_pings(const struct notify *n, int status, struct delivery *out, struct message *texts)
{
    size_t count = 0;

    for (size_t i = 0; i < n->channels.n_pings; i++) {
        const struct ping *p = &n->channels.pings[i];
        const char        *bad = bad_text(n, p);

        if (n->job == NULL || strcmp(p->job, n->job) != 0 || !has_event_of(n, p)) {
            continue;
        }
        if (bad == NULL && status != EXIT_GOOD && p->databases.n == 0) {
            bad = "the run has failed";
        }
        if (bad != NULL && p->fail == NULL) {
            continue;
        }
        texts[count].text = bad;
        out[count] = (struct delivery){.url = bad == NULL ? p->success : p->fail,
                                       .name = p->name,
                                       .message = bad == NULL ? NULL : &texts[count]};
        count++;
    }
    return count;
}

static void
tell(const struct notify *n, struct told *told, int status)
{
    struct tellings  t = {0};
    struct delivery *d;
    struct message  *texts = xcalloc(n->channels.n_pings + 1, sizeof *texts);
    size_t           all;

    compare(n, told, &t);
    d = xcalloc(t.n + n->channels.n_pings + 1, sizeof *d);
    for (size_t i = 0; i < t.n; i++) {
        d[i] = (struct delivery){.channel = t.v[i].channel, .message = &t.v[i].message};
    }
    all = t.n + add_pings(n, status, d + t.n, texts);
    deliver_all(d, all, deadline_of(n));
    for (size_t i = 0; i < all; i++) {
        warn_of(i < t.n ? "notify" : "ping", i < t.n ? t.v[i].channel->name : d[i].name, &d[i].err);
    }
    note_taken(&t, d, told);
    forget_ended(n, told);
    free(d);
    free(texts);
    free(t.v);
    strlist_free(&t.texts);
}

static void
end_begun(struct notify *n)
{
    if (n->has_thread) {
        pthread_join(n->thread, NULL);
        for (size_t i = 0; i < n->n_begun; i++) {
            warn_of("ping", n->begun[i].name, &n->begun[i].err);
        }
    }
    free(n->begun);
}

static void
event_free(struct event *e)
{
    free(e->condition);
    free(e->database);
    free(e->repository);
    free(e->backup);
    free(e->level);
    free(e->text);
    free(e->told_by);
}

static void
notify_free(struct notify *n)
{
    for (size_t i = 0; i < n->n; i++) {
        event_free(&n->v[i]);
    }
    for (size_t i = 0; i < n->n_rest; i++) {
        event_free(&n->rest[i]);
    }
    free(n->v);
    free(n->rest);
    channels_free(&n->channels);
    free(n);
}

void
notify_end(struct notify *n, int status)
{
    struct told told;
    struct err  e = ERR_INIT;

    if (n == NULL) {
        return;
    }
    end_begun(n);
    if (cancel_requested() && cancel_signal() == SIGINT) {
        notify_free(n);
        return;
    }
    if (told_open(clock_seconds() + (double)n->seconds, &told, &e) != 0) {
        log_warn("what was told before is not known, and is told again: %s", e.text);
        err_clear(&e);
    }
    tell(n, &told, status);
    if (told.path != NULL && told_save(&told, &e) != 0) {
        log_warn("what has been told cannot be remembered: %s", e.text);
    }
    told_close(&told);
    notify_free(n);
}

size_t
notify_test(const struct config *c, const struct channels *channels, const char *name,
            void (*say)(void *ctx, const char *channel, const struct err *), void *ctx)
{
    struct err           bad = ERR_INIT;
    double               seconds = (double)read_seconds(c, &bad);
    const struct message m = {.event = "test",
                              .condition = "test",
                              .level = "test",
                              .database = "",
                              .repository = "",
                              .backup = "",
                              .text = "this is only a test: pgassay can tell you",
                              .since = time(NULL)};
    struct delivery     *d = xcalloc(channels->n + 1, sizeof *d);
    size_t               n = 0, failed = 0;

    for (size_t i = 0; i < channels->n; i++) {
        if (name == NULL || strcmp(name, channels->v[i].name) == 0) {
            d[n++] = (struct delivery){.channel = &channels->v[i], .message = &m};
        }
    }
    deliver_all(d, n, clock_seconds() + seconds);
    for (size_t i = 0; i < n; i++) {
        failed += d[i].err.kind != ERR_NONE;
        say(ctx, d[i].channel->name, d[i].err.kind != ERR_NONE ? &d[i].err : NULL);
    }
    free(d);
    return failed;
}
