#include "core/hooks/hook.h"

#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/host/proc.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/runid.h"

enum { SECONDS_DEFAULT = 600, SECONDS_MAX = 86400 };

/* The database's own, or that for all. */
static const char *
configured(const struct hook *h, const char *key)
{
    const char *own = h->section == NULL ? NULL
                                         : config_get(h->config, "database", h->section, key);

    return own != NULL ? own : config_get(h->config, "", NULL, key);
}

static int
read_limit(const struct hook *h, int *seconds, struct err *e)
{
    const char *text = configured(h, "hook-timeout");
    uint64_t    given = SECONDS_DEFAULT;

    if (text != NULL && (duration_parse(text, &given) != 0 || given == 0 || given > SECONDS_MAX)) {
        return err_set(e, ERR_USAGE,
                       "hook-timeout \"%s\" is not a time such as 30s or 5m, up to 1d", text);
    }
    *seconds = (int)given;
    return 0;
}

const char *
hook_status_text(int status)
{
    switch (status) {
    case EXIT_GOOD:
        return "good";
    case EXIT_DIFFERENT:
        return "different";
    case EXIT_PARTLY:
        return "partly";
    default:
        return status > 128 ? "interrupted" : "failed";
    }
}

/* A value that is not known is not left to what the caller's environment says. */
static void
add(struct strlist *env, const char *name, const char *value)
{
    strlist_take(env, value == NULL ? xstrdup(name) : xasprintf("%s=%s", name, value));
}

static void
environment(const struct hook *h, const char *key, const struct hook_ended *end,
            struct strlist *env)
{
    char status[16];

    add(env, "PGASSAY_HOOK", key);
    add(env, "PGASSAY_RUN_ID", run_id());
    add(env, "PGASSAY_DATABASE", h->database);
    add(env, "PGASSAY_TARGET", h->target);
    (void)snprintf(status, sizeof status, "%d", end == NULL ? 0 : end->status);
    add(env, "PGASSAY_STATUS", end == NULL ? NULL : hook_status_text(end->status));
    add(env, "PGASSAY_EXIT_STATUS", end == NULL ? NULL : status);
    add(env, "PGASSAY_BACKUP_ID", end == NULL ? NULL : end->backup);
    add(env, "PGASSAY_ERROR", end == NULL ? NULL : end->error);
    strlist_take(env, NULL);
}

static int
run(const struct hook *h, const char *when, const struct hook_ended *end, struct err *e)
{
    char          *key = xasprintf("%s-%s", when, h->work);
    const char    *command = configured(h, key);
    char          *script = xasprintf("exec 1>&2\n%s", command == NULL ? "" : command);
    const char    *argv[] = {"/bin/sh", "-c", script, NULL};
    struct strlist env = {0};
    int            seconds = 0, rc = 0;

    if (command != NULL && *command != '\0') {
        environment(h, key, end, &env);
        rc = read_limit(h, &seconds, e) != 0
            ? -1
            : proc_run(&(struct proc_spec){.argv = argv,
                                           .env = (const char *const *)env.v,
                                           .idle_ms = -1,
                                           .total_ms = seconds * 1000,
                                           .tidying = end != NULL,
                                           .whole_group = true},
                       NULL, e);
    }
    if (rc != 0) {
        err_wrap(e, "hook %s%s%s", key, h->database == NULL ? "" : " of ",
                 h->database == NULL ? "" : h->database);
    }
    strlist_free(&env);
    free(script);
    free(key);
    return rc;
}

int
hook_before(const struct hook *h, struct err *e)
{
    return run(h, "before", NULL, e);
}

int
hook_after(const struct hook *h, const struct hook_ended *end, struct err *e)
{
    return run(h, "after", end, e);
}

int
hook_after_warn(const struct hook *h, const struct hook_ended *end)
{
    struct err e = ERR_INIT;

    if (hook_after(h, end, &e) == 0) {
        return end->status;
    }
    log_warn("%s", e.text);
    return end->status == EXIT_GOOD ? EXIT_PARTLY : end->status;
}
