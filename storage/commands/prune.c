#include "storage/commands/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/quote.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/source.h"

/* Longer than any restore, shorter than a day: garbage named in one night is removed in the
 * next. */
#define GRACE_DEFAULT "12h"

struct deciding {
    struct repo                  *repo;
    struct retention_plan_request request;
    struct pruned                *out;
};

/* prune_decide_fn */
static int
decide(void *ctx, const struct backup_list *list, time_t now, struct strlist *expire, struct err *e)
{
    struct deciding *d = ctx;

    if (retention_plan_make(d->repo, &d->request, list, now, &d->out->decision, e) != 0) {
        return -1;
    }
    d->out->decided = true;
    for (size_t i = 0; i < d->out->decision.n; i++) {
        if (d->out->decision.v[i].fate != FATE_STAYS) {
            strlist_add(expire, d->out->decision.v[i].id);
        }
    }
    return 0;
}

/* ---- warnings ---- */

static void
tell_alarms(const struct pruned *p)
{
    char have[48], largest[48];

    for (size_t i = 0; i < p->decision.n_alarms; i++) {
        const struct retention_alarm *a = &p->decision.alarms[i];
        char                         *accept, *hint;

        accept = quote_command("pgassay", "storage", "accept", QUOTE_ARG(p->db),
                               QUOTE_ARG(a->newest), "--reason", "TEXT");
        hint = xasprintf("if that is right: %s", accept);
        log_hinted(LOG_ERROR, hint,
                   "\"%s\": backup %s looks wrong: it has %s %s, earlier ones up to %s; it and all "
                   "before "
                   "it stay",
                   p->db, a->since, count_human(a->have, NULL, have, sizeof have), a->measure,
                   count_human(a->largest, NULL, largest, sizeof largest));
        free(accept);
        free(hint);
    }
}

static void
tell_the_rest(const struct prune_options *o, const struct pruned *p)
{
    unsigned why = 0;

    for (size_t i = 0; i < p->decision.n; i++) {
        why |= p->decision.v[i].why;
    }
    if ((why & WHY_NO_POLICY) != 0 && o->free_space == NULL) {
        log_warn(
            "\"%s\": nothing expires, as there is no policy; set one, for example: pgassay storage "
            "policy "
            "--keep-daily 7 --keep-weekly 5 --keep-monthly 12",
            p->db);
    }
    if ((why & WHY_FUTURE) != 0) {
        log_warn(
            "\"%s\": nothing expires, as there is a backup from the future: a clock is, or was, "
            "wrong",
            p->db);
    }
}

/* Nothing that a prune removes hangs on it, but somebody has to say so. */
static void
tell_source(struct repo *r, struct pruned *p)
{
    struct repo_source s = {0};
    struct err         ignored = ERR_INIT;
    struct strlist     wrong = {0};

    if (source_look(r, p->db, &s, &wrong, &ignored) == 0 && wrong.n > 0) {
        log_warn("\"%s\": %s", p->db, wrong.v[0]);
        p->unbound = true;
    }
    strlist_free(&wrong);
    source_free(&s);
}

/* ---- one database ---- */

static void
hint_at_remedy(struct pruned *p)
{
    if (strstr(p->err.text, strerror(ENOSPC)) != NULL) {
        err_hint(&p->err,
                 "a prune has to write a little itself: make a megabyte of room, and run it again");
        return;
    }
    for (size_t i = 0; i < p->decision.n; i++) {
        const struct retention_verdict *v = &p->decision.v[i];

        if (p->err.kind == ERR_CORRUPT && !p->err.newer && v->state == RETENTION_UNREADABLE) {
            char *heal = quote_command("pgassay", "storage", "scrub", QUOTE_ARG(p->db),
                                       "--repair-from", "REPO");
            char *drop = quote_command("pgassay", "storage", "prune", QUOTE_ARG(p->db),
                                       "--drop-damaged");

            err_hint(&p->err, "heal it from another repository (%s), or give it up: %s", heal,
                     drop);
            free(heal);
            free(drop);
            return;
        }
    }
}

static void
prune_database(const struct prune_options *o, struct repo *r, const struct strlist *freed,
               unsigned grace_seconds, struct pruned *p)
{
    struct deciding      d = {r, {.db = p->db, .drop_damaged = o->drop_damaged, .freed = freed}, p};
    struct prune_request q = {.db = p->db,
                              .decide = decide,
                              .ctx = &d,
                              .grace_seconds = grace_seconds,
                              .dry_run = o->dry_run};

    if (prune_run(r, &q, &p->result, &p->err) != 0) {
        hint_at_remedy(p);
        err_print(&p->err);
    }
    tell_alarms(p);
    tell_the_rest(o, p);
    tell_source(r, p);
}

static void
pruned_free(struct pruned *p)
{
    if (p->decided) {
        retention_plan_free(&p->decision);
    }
    prune_result_free(&p->result);
}

/* ---- all of them ---- */

struct totals {
    size_t tried, failed, wrong;
    int    status; /* of the last one that failed */
};

static void
count(struct totals *t, const struct pruned *p)
{
    t->tried++;
    if (p->err.kind != ERR_NONE) {
        t->failed++;
        t->status = err_exit_status(&p->err);
    }
    t->wrong += p->decision.n_alarms + p->unbound;
}

static int
status_of(const struct totals *t, size_t databases)
{
    /* A signal after the last step has stopped nothing. */
    if (cancel_requested() && (t->failed > 0 || t->tried < databases)) {
        return 128 + cancel_signal();
    }
    if (t->failed > 0) {
        return t->failed == databases ? t->status : EXIT_PARTLY;
    }
    return t->wrong > 0 ? EXIT_DIFFERENT : EXIT_GOOD;
}

static int
prune_all(const struct prune_options *o, struct repo *r, const struct strlist *names,
          const struct free_plan *plan, unsigned grace_seconds, json_t *list)
{
    bool show = !o->cmd.json &&
        (o->dry_run || o->cmd.verbose || (isatty(STDOUT_FILENO) && !o->cmd.quiet));
    struct totals t = {0};

    for (size_t i = 0; i < names->n && !cancel_requested(); i++) {
        struct pruned p = {.db = names->v[i], .err = ERR_INIT};

        prune_database(o, r, plan->freed == NULL ? NULL : &plan->freed[i], grace_seconds, &p);
        count(&t, &p);
        (void)json_array_append_new(list, pruned_json(&p));
        if (show) {
            if (i > 0) {
                print_out("\n");
            }
            pruned_print(&p, o->dry_run);
        }
        pruned_free(&p);
    }
    return status_of(&t, names->n);
}

static int
print_json(const struct prune_options *o, struct repo *r, const struct free_plan *plan,
           json_t *list, struct err *e)
{
    json_t *j = json_pack("{s:s, s:s, s:b, s:O}", "repository", r->st->location, "repo_id", r->id,
                          "dry_run", (int)o->dry_run, "databases", list);

    if (plan->freed != NULL) {
        (void)json_object_set_new(j, "free",
                                  json_pack("{s:I, s:I}", "wanted", (json_int_t)plan->wanted,
                                            "planned", (json_int_t)plan->planned));
    }
    return json_print(j, e);
}

/* ---- options ---- */

static int
read_options(const struct prune_options *o, unsigned *grace_seconds, uint64_t *wanted,
             struct err *e)
{
    const char *text = o->grace != NULL ? o->grace : o->free_space != NULL ? "0" : GRACE_DEFAULT;
    uint64_t    seconds;

    if (duration_parse(text, &seconds) != 0 || seconds > UINT32_MAX) {
        return err_set(e, ERR_USAGE, "--grace \"%s\" is not a time such as 30m, 12h or 2d", text);
    }
    *grace_seconds = (unsigned)seconds;
    if (o->free_space != NULL && (size_parse(o->free_space, wanted) != 0 || *wanted == 0)) {
        err_set(e, ERR_USAGE, "--free: \"%s\" is not a size", o->free_space);
        return err_hint(e, "bytes, or a number with k, M, G or T, as in 20G");
    }
    return 0;
}

static int
run(const struct cmd *c, struct err *e)
{
    const struct prune_options *o = CMD_OPTIONS(c, prune_options);
    const char                 *db = c->n_args == 1 ? c->args[0] : NULL;
    struct repo                *r = NULL;
    struct strlist              names = {0};
    struct free_plan            plan = {0};
    json_t                     *list = json_array();
    unsigned                    grace_seconds = 0;
    uint64_t                    wanted = 0;
    int                         rc = -1;

    if (read_options(o, &grace_seconds, &wanted, e) != 0 || (r = cmd_open(c, db, e)) == NULL ||
        cmd_databases(r, db, &names, e) != 0 ||
        (wanted > 0 && free_plan_make(o, r, &names, wanted, &plan, e) != 0)) {
        goto out;
    }
    rc = prune_all(o, r, &names, &plan, grace_seconds, list);
    if (o->cmd.json && print_json(o, r, &plan, list, e) != 0) {
        rc = -1;
    }
out:
    json_decref(list);
    free_plan_free(&plan);
    strlist_free(&names);
    repo_close(r);
    return rc;
}

static const struct opt options[] = {
    {OPT_FLAG, "dry-run", 0, NULL, "report what would be done, change nothing",
     offsetof(struct prune_options, dry_run), 0, 0, NULL, NULL},
    {OPT_TEXT, "grace", 0, "TIME",
     "how long garbage stays for restores that still read it (default: 12h)",
     offsetof(struct prune_options, grace), 0, 0, NULL, NULL},
    {OPT_TEXT, "free", 0, "SIZE", "an emergency: the oldest backups go until SIZE is free",
     offsetof(struct prune_options, free_space), 0, 0, NULL, NULL},
    {OPT_FLAG, "drop-damaged", 0, NULL, "give up backups that are damaged",
     offsetof(struct prune_options, drop_damaged), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_prune = {
    .cli = {.name = "prune",
            .args = "[DB]",
            .summary = "remove the backups that no rule keeps, and the chunks that no backup "
                       "needs any more",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_key_options, cmd_general_options)},
    .size = sizeof(struct prune_options),
    .run = run,
};
