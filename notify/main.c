/*
 * pgassay-notify: whom the configuration tells of failures, and what they have been told.
 *
 * The other tools tell by themselves (core/notify/notify.h); this one shows, and tries.
 */
#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/notify/notify.h"
#include "core/notify/told.h"
#include "core/print.h"
#include "core/when.h"
#include "storage/repo/repo_keys.h"

struct options {
    bool        test, json, quiet, verbose, print_config;
    const char *config_file;
};

static const struct opt table[] = {
    OPT_HEADING("What"),
    {OPT_FLAG, "test", 0, NULL, "send a test message to each channel, or to NAME",
     offsetof(struct options, test), 0, 0, NULL, NULL},
    OPT_HEADING("General"),
    OPTS_COMMON_GENERAL(struct options),
    OPTS_END,
};

static const struct opts_spec spec = {
    .program = "pgassay-notify",
    .args = "[NAME]",
    .summary = "Show what has been told to whom, or send a test message.",
    .tables = (const struct opt *const[]){table, NULL},
    .keys = repo_config_keys,
};

struct said {
    const struct options *o;
    json_t               *channels;
};

static void
say_tested(void *ctx, const char *channel, const struct err *error)
{
    struct said *s = ctx;

    json_array_append_new(s->channels,
                          json_pack("{s:s, s:b, s:o}", "channel", channel, "good", error == NULL,
                                    "error", json_text(error == NULL ? NULL : error->text)));
    if (error != NULL) {
        log_error("notify \"%s\": %s", channel, error->text);
    } else if (!s->o->json && !s->o->quiet) {
        print_out("%s: sent\n", channel);
    }
}

static int
test(const struct options *o, const struct config *c, const struct channels *channels,
     const char *name, struct err *e)
{
    struct said s = {.o = o, .channels = json_array()};
    bool        known = name == NULL && channels->n > 0;
    size_t      failed;

    for (size_t i = 0; i < channels->n; i++) {
        known |= name != NULL && strcmp(name, channels->v[i].name) == 0;
    }
    if (!known) {
        json_decref(s.channels);
        err_set(e, ERR_USAGE, name == NULL ? "nobody is to be told" : "there is no [notify %s]",
                name);
        return err_hint(e,
                        "a section [notify NAME] of the configuration says whom to tell; see man "
                        "pgassay.conf");
    }
    failed = notify_test(c, channels, name, say_tested, &s);
    for (size_t i = 0; i < channels->n_pings && name == NULL && !o->json && !o->quiet; i++) {
        print_out("ping %s: not tried: it would say that a run ended\n", channels->pings[i].name);
    }
    if (!o->json) {
        json_decref(s.channels);
    } else if (json_print(json_pack("{s:o}", "channels", s.channels), e) != 0) {
        return -1;
    }
    return failed > 0 ? EXIT_FAILED : EXIT_GOOD;
}

static void
print_condition(const struct told_condition *c)
{
    char since[32];

    print_out("%s %s%s%s", c->level, c->condition, *c->database == '\0' ? "" : " of ", c->database);
    print_out("%s%s since %s: %s\n", *c->repository == '\0' ? "" : " in ", c->repository,
              when_local(c->since, time(NULL), since, sizeof since), c->text);
    for (size_t i = 0; i < c->channels.n; i++) {
        print_out("  %s knows\n", c->channels.v[i]);
    }
}

static json_t *
condition_json(const struct told_condition *c)
{
    char    since[32];
    json_t *names = json_array();

    for (size_t i = 0; i < c->channels.n; i++) {
        json_array_append_new(names, json_text(c->channels.v[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "condition", c->condition, "database",
                     c->database, "repository", c->repository, "level", c->level, "text", c->text,
                     "since", time_rfc3339(c->since, since, sizeof since), "told", names);
}

/* What stands: a failure is no failure of this tool. */
static int
show(const struct options *o, struct err *e)
{
    enum { WAIT_SECONDS = 5 };
    struct told told;
    json_t     *list = json_array();
    int         rc = told_open(clock_seconds() + WAIT_SECONDS, &told, e);

    for (size_t i = 0; rc == 0 && i < told.n; i++) {
        json_array_append_new(list, condition_json(&told.v[i]));
        if (!o->json) {
            print_condition(&told.v[i]);
        }
    }
    if (rc == 0 && o->json) {
        rc = json_print(json_pack("{s:O}", "conditions", list), e);
    } else if (rc == 0 && told.n == 0 && !o->quiet) {
        print_out("nothing stands that anybody was told of\n");
    }
    json_decref(list);
    told_close(&told);
    return rc == 0 ? EXIT_GOOD : -1;
}

static int
run(const struct options *o, const struct opts_result *given, const struct config *c, struct err *e)
{
    struct channels channels = {0};
    const char     *name = given->rest.n > 0 ? given->rest.v[0] : NULL;
    int             status = -1;

    if (name != NULL && !o->test) {
        return err_set(e, ERR_USAGE, "NAME belongs to --test");
    }
    if (channels_read(c, &channels, e) == 0) {
        status = o->test ? test(o, c, &channels, name, e) : show(o, e);
    }
    channels_free(&channels);
    return status;
}

int
main(int argc, char **argv)
{
    struct options     o = {0};
    struct opts_result given = {0};
    struct config     *config = NULL;
    struct err         e = ERR_INIT;
    int                status = -1;

    tool_begin(spec.program);
    if (opts_parse(&spec, NULL, argc, argv, &o, &given, &e) == 0) {
        if (given.done) {
            status = EXIT_GOOD;
        } else {
            log_init(spec.program, o.quiet ? LOG_ERROR : o.verbose ? LOG_INFO : LOG_WARN);
            config = config_load(o.config_file, repo_config_keys(), &e);
        }
    }
    if (config == NULL || config_apply(config, NULL, &given, &o, &e) != 0) {
        config_free(config); /* e says why, unless --help was all */
        config = NULL;
    } else if (o.print_config) {
        config_print_options(config, NULL, &given, &o, stdout);
        status = EXIT_GOOD;
    } else if (opts_check(&spec, NULL, &given, &e) == 0) {
        status = run(&o, &given, config, &e);
    }
    if (status < 0) {
        err_print(&e);
        status = err_exit_status(&e);
    }
    config_free(config);
    opts_result_free(&given);
    return tool_end(status);
}
