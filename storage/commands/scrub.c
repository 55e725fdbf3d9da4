#include "storage/commands/scrub.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/notify/notify.h"
#include "storage/repo/ledger.h"
#include "storage/repo/source.h"

enum { JOBS_MAX = 64 };

struct scrub_options {
    struct cmd  cmd;
    const char *share, *max_bytes, *max_time, *repair_from;
    int         jobs;
};

struct scrub_all {
    const struct cmd    *cmd;
    struct repo         *repo;
    struct repo         *repair_from; /* NULL: nothing is healed */
    struct scrub_request request;
    uint64_t             bytes_left; /* of --max-bytes; 0: no limit */
    json_t              *databases;
    struct notify       *notify;
    bool                 damaged; /* some backup is */
};

static int
read_limits(struct scrub_all *all, struct err *e)
{
    const struct scrub_options *o = CMD_OPTIONS(all->cmd, scrub_options);
    double                      seconds;

    all->request = (struct scrub_request){
        .span = UINT64_MAX, .jobs = o->jobs, .quiet = all->cmd->quiet || all->cmd->json};
    if (o->share != NULL && scrub_share(o->share, &all->request.span, e) != 0) {
        return -1;
    }
    if (o->max_bytes != NULL &&
        (size_parse(o->max_bytes, &all->bytes_left) != 0 || all->bytes_left == 0)) {
        return err_set(e, ERR_USAGE, "--max-bytes \"%s\" is not a size such as 500MB or 20GB",
                       o->max_bytes);
    }
    if (o->max_time != NULL) {
        if (scrub_duration(o->max_time, &seconds, e) != 0) {
            return -1;
        }
        all->request.deadline = clock_seconds() + seconds;
    }
    return 0;
}

/* The database scrubbed the longest ago comes first, so that limits do not always skip the same
 * one. */
static int
by_age(struct repo *r, struct strlist *names, struct err *e)
{
    struct strlist aged = {0};

    for (size_t i = 0; i < names->n; i++) {
        char *last = scrub_last(r, names->v[i], e);

        if (last == NULL) {
            strlist_free(&aged);
            return -1;
        }
        strlist_take(&aged, xasprintf("%s %s", last, names->v[i]));
        free(last);
    }
    strlist_sort(&aged);
    strlist_free(names);
    for (size_t i = 0; i < aged.n; i++) {
        strlist_add(names, strchr(aged.v[i], ' ') + 1);
    }
    strlist_free(&aged);
    return 0;
}

static int
repair(struct scrub_all *all, struct scrub *s, struct repair *r, struct err *e)
{
    struct repair_request q = {.db = s->db, .jobs = all->request.jobs, .quiet = all->request.quiet};

    if (all->repair_from == NULL || cancel_requested()) {
        return 0;
    }
    return repair_run(all->repo, all->repair_from, &q, r, e) != 0 ? -1 : scrub_judge(s, e);
}

static void
note(const struct scrub *s, time_t started)
{
    size_t  damaged = 0;
    json_t *what;

    for (size_t i = 0; i < s->backups.n; i++) {
        damaged += s->backups.v[i].state == BACKUP_DAMAGED;
    }
    what = json_pack("{s:I, s:I, s:s, s:I, s:I, s:I}", "objects", (json_int_t)s->objects, "bytes",
                     (json_int_t)s->bytes, "end", scrub_end_text(s->end), "condemned",
                     (json_int_t)s->condemned, "damaged_backups", (json_int_t)damaged,
                     "missing_backups", (json_int_t)s->missing.n);
    ledger_note(s->repo, s->db,
                &(struct ledger_event){.event = "scrub",
                                       .verdict = scrub_good(s) ? "good" : "damaged",
                                       .good = scrub_good(s),
                                       .started = started,
                                       .what = what,
                                       .epoch = s->repo->epoch});
    json_decref(what);
}

static void
tell(const struct scrub_all *all, const struct scrub *s)
{
    char *text = xasprintf(
        "scrub of \"%s\" found damage; \"pgassay storage list\" marks the backups "
        "that have it",
        s->db);

    notify_add(all->notify,
               &(struct notify_event){.condition = "damage",
                                      .database = s->db,
                                      .repository = all->repo->st->location,
                                      .level = scrub_good(s) ? NULL : "critical",
                                      .text = text});
    free(text);
}

/* Whether it could be made. */
static void
tell_end(const struct scrub_all *all, const char *db, int rc, const struct err *e)
{
    notify_add(all->notify,
               &(struct notify_event){.condition = "scrub",
                                      .database = db,
                                      .repository = all->repo == NULL ? all->cmd->repo
                                                                      : all->repo->st->location,
                                      .level = rc < 0 ? "failed" : NULL,
                                      .text = rc < 0 ? e->text : NULL});
    notify_end(all->notify, rc < 0 ? err_exit_status(e) : rc);
}

static struct notify *
begin_telling(const struct cmd *c, const char *db)
{
    struct strlist names = {0};
    struct notify *n;

    if (db != NULL) {
        strlist_add(&names, db);
    }
    n = notify_begin(c->config, "scrub", &names);
    strlist_free(&names);
    return n;
}

static int
scrub_database(struct scrub_all *all, const char *db, struct err *e)
{
    struct scrub         s = {.repo = all->repo, .db = db};
    struct repair        r = {0};
    struct repo_source   source = {0};
    time_t               started = time(NULL);
    const struct repair *healed = all->repair_from != NULL ? &r : NULL;
    bool                 show = all->cmd->verbose || isatty(STDOUT_FILENO);
    int                  rc = -1;

    all->request.max_bytes = all->bytes_left;
    if (scrub_run(&s, &all->request, e) != 0 || repair(all, &s, &r, e) != 0 ||
        source_look(all->repo, db, &source, &s.missing, e) != 0) {
        goto out;
    }
    all->damaged |= !scrub_good(&s);
    note(&s, started);
    tell(all, &s);
    (void)json_array_append_new(all->databases, scrub_json(&s, healed));
    if (!all->cmd->json) {
        scrub_text(&s, healed, show && !all->cmd->quiet);
    }
    if (all->bytes_left > 0) {
        all->bytes_left = s.bytes < all->bytes_left ? all->bytes_left - s.bytes : 1;
    }
    rc = 0;
out:
    source_free(&source);
    repair_free(&r);
    scrub_free(&s);
    return rc == 0 ? 0 : err_wrap(e, "scrub of \"%s\"", db);
}

/* The limit is used up. */
static bool
used_up(const struct scrub_all *all)
{
    return cancel_requested() || all->bytes_left == 1 ||
        (all->request.deadline > 0 && clock_seconds() >= all->request.deadline);
}

static int
scrub_databases(struct scrub_all *all, const struct strlist *names, struct err *e)
{
    for (size_t i = 0; i < names->n && (i == 0 || !used_up(all)); i++) {
        if (scrub_database(all, names->v[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
report(const struct scrub_all *all, struct err *e)
{
    if (all->cmd->json &&
        json_print(json_pack("{s:s,s:s,s:b,s:O}", "repository", all->repo->st->location, "repo_id",
                             all->repo->id, "good", !all->damaged, "databases", all->databases),
                   e) != 0) {
        return -1;
    }
    return cancel_check(e) != 0 ? -1 : all->damaged ? EXIT_DIFFERENT : EXIT_GOOD;
}

static int
open_both(struct scrub_all *all, const char *db, struct err *e)
{
    const struct cmd       *c = all->cmd;
    const char             *repair_from = CMD_OPTIONS(c, scrub_options)->repair_from;
    struct storage_location from;

    all->repo = cmd_open(c, db, e);
    if (all->repo == NULL || repair_from == NULL) {
        return all->repo == NULL ? -1 : 0;
    }
    if (storage_location_find(c->config, repair_from, db, NULL, &from, e) != 0) {
        return -1;
    }
    if (strcmp(from.location, all->repo->st->location) == 0) {
        return err_set(e, ERR_USAGE, "--repair-from names the repository itself");
    }
    all->repair_from = repo_open(&from, e);
    return all->repair_from == NULL ? -1 : 0;
}

static int
run(const struct cmd *c, struct err *e)
{
    const char      *db = c->n_args == 1 ? c->args[0] : NULL;
    struct scrub_all all = {.cmd = c, .databases = json_array()};
    struct strlist   names = {0};
    int              rc = -1;

    all.notify = begin_telling(c, db);
    if (read_limits(&all, e) == 0 && open_both(&all, db, e) == 0 &&
        cmd_databases(all.repo, db, &names, e) == 0 && by_age(all.repo, &names, e) == 0 &&
        scrub_databases(&all, &names, e) == 0) {
        rc = report(&all, e);
    }
    tell_end(&all, db, rc, e);
    json_decref(all.databases);
    strlist_free(&names);
    repo_close(all.repair_from);
    repo_close(all.repo);
    return rc;
}

static const struct opt options[] = {
    {OPT_TEXT, "share", 0, "N/M",
     "read this share, what was read the longest ago (default: everything)",
     offsetof(struct scrub_options, share), 0, 0, NULL, NULL},
    {OPT_TEXT, "max-bytes", 0, "SIZE", "read so much", offsetof(struct scrub_options, max_bytes), 0,
     0, NULL, NULL},
    {OPT_TEXT, "max-time", 0, "TIME", "read so long (90s, 30m, 2h)",
     offsetof(struct scrub_options, max_time), 0, 0, NULL, NULL},
    {OPT_TEXT, "repair-from", 0, "PATH|NAME", "restore what is lost from this other repository",
     offsetof(struct scrub_options, repair_from), 0, 0, NULL, NULL},
    OPT_COMMON_JOBS(struct scrub_options, JOBS_MAX, "2"),
    OPTS_END,
};

const struct cmd_verb cmd_scrub = {
    .cli = {.name = "scrub",
            .args = "[DB]",
            .summary = "reread stored objects, and find damaged ones",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_key_options, cmd_general_options)},
    .size = sizeof(struct scrub_options),
    .defaults = &(const struct scrub_options){.jobs = 2},
    .run = run,
};
