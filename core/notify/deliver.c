#include "core/notify/deliver.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/proc.h"
#include "core/human.h"
#include "core/notify/http.h"

enum { KILL_AFTER_MS = 1500 };

static int
run_once(const char *const *argv, const char *const *env, const char *in, double deadline,
         struct err *e)
{
    double left = deadline - clock_seconds();

    return left < 0.1 ? err_set(e, ERR_IO, "no time was left")
                      : proc_run(&(struct proc_spec){.argv = argv,
                                                     .env = env,
                                                     .in = in,
                                                     .in_len = strlen(in),
                                                     .idle_ms = -1,
                                                     .total_ms = (int)(left * 1000),
                                                     .kill_ms = KILL_AFTER_MS,
                                                     .tidying = true,
                                                     .whole_group = true},
                                 NULL, e);
}

static int
run(const char *const *argv, const char *const *env, const char *in, double deadline, struct err *e)
{
    struct err again = ERR_INIT;
    int        rc = run_once(argv, env, in, deadline, e);

    if (rc != 0 && deadline - clock_seconds() > 2) {
        (void)sleep(1);
        rc = run_once(argv, env, in, deadline, &again);
    }
    if (rc == 0) {
        err_clear(e);
    }
    return rc;
}

static int
run_command(const struct channel *c, const struct message *m, const char *json, double deadline,
            struct err *e)
{
    const char    *argv[] = {"/bin/sh", "-c", c->program, NULL};
    char          *subject = message_subject(m);
    struct strlist env = {0};
    int            rc;

    strlist_take(&env, xasprintf("PGASSAY_EVENT=%s", m->event));
    strlist_take(&env, xasprintf("PGASSAY_LEVEL=%s", m->level));
    strlist_take(&env, xasprintf("PGASSAY_DATABASE=%s", m->database));
    strlist_take(&env, xasprintf("PGASSAY_SUBJECT=%s", subject));
    strlist_take(&env, xasprintf("PGASSAY_TEXT=%s", m->text));
    strlist_take(&env, NULL);
    rc = run(argv, (const char *const *)env.v, json, deadline, e);
    strlist_free(&env);
    free(subject);
    return rc;
}

static int
send_mail(const struct channel *c, const struct message *m, double deadline, struct err *e)
{
    const char *argv[] = {c->program, "-t", "-i", NULL};
    char       *mail = message_mail(m, &c->to, c->from);
    int         rc = run(argv, NULL, mail, deadline, e);

    free(mail);
    return rc;
}

static void
deliver(struct delivery *d, double deadline)
{
    const struct channel *c = d->channel;
    bool                  slack = c != NULL && c->kind == CHANNEL_SLACK;
    char                 *json;

    if (c == NULL) {
        char *text = message_plain(d->message == NULL ? "" : d->message->text);

        (void)http_post(d->url, "text/plain; charset=utf-8", text, deadline, &d->err);
        free(text);
        return;
    }
    json = slack ? message_slack(d->message) : message_json(d->message);
    switch (c->kind) {
    case CHANNEL_WEBHOOK:
    case CHANNEL_SLACK:
        (void)http_post(c->url, "application/json", json, deadline, &d->err);
        break;
    case CHANNEL_MAIL:
        (void)send_mail(c, d->message, deadline, &d->err);
        break;
    case CHANNEL_COMMAND:
        (void)run_command(c, d->message, json, deadline, &d->err);
        break;
    }
    free(json);
}

/* The deliveries of one channel, or one ping. */
struct lane {
    struct delivery *v;
    size_t           first, n;
    double           deadline;
    pthread_t        thread;
    bool             started;
};

static bool
same_lane(const struct delivery *a, const struct delivery *b)
{
    return a == b || (a->channel != NULL && a->channel == b->channel);
}

static void *
run_lane(void *ctx)
{
    struct lane *l = ctx;

    for (size_t i = l->first; i < l->n; i++) {
        if (same_lane(&l->v[l->first], &l->v[i])) {
            deliver(&l->v[i], l->deadline);
        }
    }
    return NULL;
}

static bool
begins_lane(const struct delivery *v, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (same_lane(&v[k], &v[i])) {
            return false;
        }
    }
    return true;
}

void
deliver_all(struct delivery *v, size_t n, double deadline)
{
    struct lane *lanes = xcalloc(n + 1, sizeof *lanes);

    for (size_t i = 0; i < n; i++) {
        if (!begins_lane(v, i)) {
            continue;
        }
        lanes[i] = (struct lane){.v = v, .first = i, .n = n, .deadline = deadline};
        lanes[i].started = pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) == 0;
        if (!lanes[i].started) {
            run_lane(&lanes[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (lanes[i].started) {
            pthread_join(lanes[i].thread, NULL);
        }
    }
    free(lanes);
}
