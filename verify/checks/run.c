#include "verify/checks/run.h"

#include <stdlib.h>

#include "core/human.h"
#include "core/log.h"
#include "verify/checks/outcome.h"
#include "verify/checks/reader.h"
#include "verify/job/result_parts.h"

static own_check_fn *const functions[] = {
    [OWN_QUERY] = own_query, [OWN_NEWEST] = own_newest, [OWN_COMMAND] = own_command};
static const char *const kinds[] = {
    [OWN_QUERY] = "query", [OWN_NEWEST] = "newest", [OWN_COMMAND] = "command"};

static void
note(struct verify_result *r, const struct own_check *k, const struct own_outcome *out,
     double seconds)
{
    bool missed = out->state == OWN_MISSED;

    if (out->state != OWN_MET)
        findings_add(&r->findings,
                     (struct finding){.class = missed ? FINDING_DIFFERENT : FINDING_UNCOMPARED,
                                      .group = "checks",
                                      .object = k->name,
                                      .what = out->what,
                                      .want = missed ? out->want : NULL,
                                      .have = out->have});
    result_add_time(r, "checks", seconds);
    result_add_check(r,
                     &(struct result_check){.name = k->name,
                                            .kind = kinds[k->kind],
                                            .want = out->want,
                                            .have = out->have,
                                            .state = missed             ? 0
                                                : out->state == OWN_MET ? 1
                                                                        : -1,
                                            .seconds = seconds});
}

static void
not_made(struct own_outcome *out, const struct err *why)
{
    out->state = OWN_NOT_MADE;
    out->what = "could not be made";
    free(out->have);
    out->have = xstrdup(why->text);
}

/* -1: interrupted. */
static int
make(const struct own_check *k, const struct own_place *p, struct verify_result *r, struct err *e)
{
    struct own_outcome out = {.state = OWN_NOT_MADE};
    struct err         why = ERR_INIT;
    double             start = clock_seconds();

    log_info("check %s", k->name);
    if (functions[k->kind](k, p, &out, &why) != 0)
        not_made(&out, &why);
    if (why.kind == ERR_INTERRUPTED)
        *e = why;
    else
        note(r, k, &out, clock_seconds() - start);
    free(out.want);
    free(out.have);
    return why.kind == ERR_INTERRUPTED ? -1 : 0;
}

static bool
is_command(const struct own_check *k)
{
    return k->kind == OWN_COMMAND;
}

static int
make_all(const struct own_checks *checks, bool commands, const struct own_place *p,
         struct verify_result *r, struct err *e)
{
    for (size_t i = 0; i < checks->n; i++)
        if (is_command(&checks->v[i]) == commands && make(&checks->v[i], p, r, e) != 0)
            return -1;
    return 0;
}

static bool
any_question(const struct own_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        if (!is_command(&checks->v[i]))
            return true;
    return false;
}

/* No role for it: no check was made. */
static void
none_made(const struct own_checks *checks, struct verify_result *r, const struct err *why)
{
    for (size_t i = 0; i < checks->n; i++) {
        struct own_outcome out = {.state = OWN_NOT_MADE};

        if (is_command(&checks->v[i]))
            continue;
        not_made(&out, why);
        note(r, &checks->v[i], &out, 0);
        free(out.have);
    }
}

/* On a copy: as a role that is there for as long as they take. */
static int
ask_copy(const struct own_checks *checks, const struct own_place *p, struct verify_result *r,
         struct err *e)
{
    struct pg_target as_reader = *p->target;
    struct own_place place = *p;
    struct err       why = ERR_INIT;
    char             password[READER_PASSWORD_MAX];
    PGconn          *super = pg_connect(p->target, PG_RESTORING, "pgassay-verify", &why);
    int              rc = super == NULL ? -1 : reader_make(super, password, &why);

    if (rc == 0) {
        as_reader.user = READER_ROLE;
        as_reader.password = password;
        place.target = &as_reader;
        rc = make_all(checks, false, &place, r, e);
        if (rc == 0 && reader_drop(super, &why) != 0)
            rc = err_set(e, ERR_PG, "%s", why.text);
    } else if (why.kind == ERR_INTERRUPTED) {
        *e = why;
    } else {
        none_made(checks, r, &why);
        rc = 0;
    }
    pg_close(super);
    return rc;
}

int
checks_ask(const struct own_checks *checks, const struct pg_target *target, bool is_copy,
           time_t moment, struct verify_result *r, struct err *e)
{
    struct own_place p = {.target = target, .is_copy = is_copy, .moment = moment};

    if (!any_question(checks))
        return 0;
    return is_copy ? ask_copy(checks, &p, r, e) : make_all(checks, false, &p, r, e);
}

int
checks_command(const struct own_checks *checks, const struct pg_target *target,
               struct verify_result *r, struct err *e)
{
    struct own_place p = {.target = target, .is_copy = true};

    return make_all(checks, true, &p, r, e);
}
