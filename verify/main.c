/*
 * pgassay-verify: proves that a backup is what was there.
 *
 * parse, open, compare, report.  Findings are the result, not an error: they make the status 3.
 */
#include <unistd.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/log.h"
#include "pg/conn/tools.h"
#include "verify/baseline.h"
#include "verify/chain.h"
#include "verify/drill.h"
#include "verify/keydrill.h"
#include "verify/live.h"
#include "verify/objects.h"
#include "verify/options.h"
#include "verify/record.h"
#include "verify/result.h"

/* What is read as of an earlier time is the past, and nothing is written into it. */
static int
drill(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    time_t started = time(NULL);

    if (verify_drill(o, r, b, e) != 0)
        return -1;
    r->recorded = !o->no_record && o->as_of == NULL && record_drill(b->repo, o, r, started);
    return 0;
}

static int
run(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    r->verb = o->verb;
    r->database = o->database == NULL ? NULL : xstrdup(o->database);
    if (o->verb == VERB_OBJECTS)
        return verify_objects(o, r, e);
    if (o->verb == VERB_CHAIN)
        return verify_chain(o, r, e);
    if (o->verb == VERB_KEY_DRILL)
        return verify_key_drill(o, r, e);
    if (baseline_open(o, b, e) != 0)
        return -1;
    r->label = b->label;
    if ((o->verb == VERB_DRILL ? drill(o, r, b, e) : verify_live(o, r, b, e)) != 0)
        return -1;
    baseline_judge(o, b, r);
    return 0;
}

static enum log_level
level(const struct options *o)
{
    return o->quiet ? LOG_QUIET : o->verbose ? LOG_INFO : LOG_WARN;
}

int
main(int argc, char **argv)
{
    struct options       o;
    struct verify_result r;
    struct baseline      b = {0};
    struct err           e = ERR_INIT;
    double               start = clock_seconds();
    bool                 done;
    int                  status;

    log_init("pgassay-verify", LOG_WARN);
    cancel_install();
    result_init(&r, VERB_OBJECTS);
    if (options_read(argc, argv, &o, &done, &e) != 0 || done) {
        status = done ? EXIT_GOOD : err_exit_status(&e);
        goto out;
    }
    log_init("pgassay-verify", level(&o));
    pg_tools_bindir(o.pg_bindir);
    status = run(&o, &r, &b, &e) == 0 ? result_exit_status(&r) : err_exit_status(&e);
    r.seconds = clock_seconds() - start;
    /* Nothing when all is well and nobody watches: cron mails whatever is printed. */
    if (e.kind == ERR_NONE &&
        result_print(&r, o.json, o.quiet || (!o.verbose && !isatty(STDOUT_FILENO)), &e) != 0)
        status = EXIT_FAILED;
out:
    if (e.kind != ERR_NONE)
        err_print(&e);
    result_free(&r);
    baseline_close(&b);
    options_free(&o);
    return status;
}
