#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/when.h"
#include "storage/commands/cmd.h"
#include "storage/contract/location.h"
#include "storage/contract/versions.h"
#include "storage/drivers/open.h"
#include "storage/format/object.h"
#include "storage/heal/undelete.h"
#include "storage/repo/runmark.h"

struct undelete_options {
    struct cmd  cmd;
    const char *since;
    bool        dry_run;
};

struct run {
    const struct cmd              *cmd;
    const struct undelete_options *o;
    struct storage                *st; /* repo's, once it is open */
    struct repo                   *repo;
    time_t                         since;
    json_t                        *databases;
    uint64_t                       objects, backups;
};

/* No prune may run meanwhile: it could remove objects just recovered.  Prunes exclude each other,
 * so this command acts as one. */
static int
begin(struct run *r, const char *db, struct run_mark *mark, struct err *e)
{
    struct run_list others = {0};
    int             rc = run_mark_begin(mark, r->repo, db, ".prune", e);

    if (rc == 0) {
        rc = run_list_load(r->repo, db, &others, e);
    }
    for (size_t i = 0; rc == 0 && i < others.n; i++) {
        if (others.v[i].prune && strcmp(others.v[i].run, mark->run) != 0 &&
            prune_works(r->repo, db, &others.v[i], time(NULL))) {
            err_set(e, ERR_BUSY, "a prune is at work, run %s", others.v[i].run);
            rc = err_hint(e,
                          "wait until it has ended; one that was killed is passed over after %d "
                          "minutes",
                          PRUNE_DEAD_SECONDS / 60);
        }
    }
    run_list_free(&others);
    return rc;
}

static int
renew(void *mark, struct err *e)
{
    return run_mark_renew(mark, false, e);
}

static void
report(struct run *r, const char *db, const struct undelete_result *result)
{
    char    count[64];
    json_t *o;
    json_t *ids = json_array();

    r->objects += result->objects;
    r->backups += result->backups.n;
    for (size_t i = 0; i < result->backups.n; i++) {
        (void)json_array_append_new(ids, json_string(result->backups.v[i]));
    }
    o = json_pack("{s:I,s:o}", "objects", (json_int_t)result->objects, "backups", ids);
    object_set_text(o, "db", db);
    (void)json_array_append_new(r->databases, o);
    if (r->cmd->json || r->cmd->quiet) {
        return;
    }
    for (size_t i = 0; i < result->backups.n; i++) {
        print_out("%s: backup %s\n", db, result->backups.v[i]);
    }
    if (result->objects > 0) {
        print_out("%s: %s %s\n", db, count_human(result->objects, "object", count, sizeof count),
                  r->o->dry_run ? "would be there again" : "brought back");
    }
}

/* enc: the database's name as in keys. */
static int
undelete_database(void *ctx, const char *enc, struct err *e)
{
    struct run            *r = ctx;
    char                  *db = name_decode(enc);
    char                  *below = xasprintf("%s/", enc);
    struct run_mark        mark = {0};
    struct undelete_result result = {0};
    int                    rc = 0;

    if (db != NULL && (r->cmd->n_args == 0 || strcmp(db, r->cmd->args[0]) == 0)) {
        if (r->o->dry_run || begin(r, db, &mark, e) == 0) {
            rc = undelete(&(struct undelete_request){.st = r->st,
                                                     .below = below,
                                                     .since = r->since,
                                                     .dry_run = r->o->dry_run,
                                                     .tick = r->o->dry_run ? NULL : renew,
                                                     .ctx = &mark},
                          &result, e);
        } else {
            rc = -1;
        }
        run_mark_remove(&mark);
        run_mark_free(&mark);
        if (rc == 0) {
            report(r, db, &result);
        } else {
            err_wrap(e, "could not bring \"%s\" back", db);
        }
        undelete_result_free(&result);
    }
    free(below);
    free(db);
    return rc;
}

/* repo.<n>.json first: without it there is no repository. */
static int
open_repo(struct run *r, const struct storage_location *place, struct err *e)
{
    struct undelete_result root = {0};
    struct storage        *st = storage_open(place, false, e);
    int                    rc = -1;

    if (st == NULL) {
        return -1;
    }
    rc = undelete(
        &(struct undelete_request){
            .st = st, .below = "", .since = r->since, .dry_run = r->o->dry_run},
        &root, e);
    undelete_result_free(&root);
    if (rc != 0) {
        storage_close(st);
        return -1;
    }
    r->objects += root.objects;
    if (r->o->dry_run) { /* it may be one that must be recovered */
        r->st = st;
        return 0;
    }
    r->repo = repo_open_storage(st, e);
    r->st = r->repo == NULL ? NULL : st;
    return r->repo == NULL ? -1 : 0;
}

static int
check(struct run *r, struct err *e)
{
    struct when since;

    if (r->o->since == NULL) {
        err_set(e, ERR_USAGE, "undelete: --since is missing");
        return err_hint(e,
                        "--since TIME: what was removed before is left as it is; --dry-run shows "
                        "what would come back");
    }
    if (when_parse(r->o->since, time(NULL), &since, e) != 0) {
        return err_wrap(e, "--since");
    }
    r->since = since.from;
    return 0;
}

static int
run(const struct cmd *c, struct err *e)
{
    struct run r = {.cmd = c, .o = CMD_OPTIONS(c, undelete_options), .databases = json_array()};
    struct storage_location place;
    int                     rc = -1;

    if (check(&r, e) == 0 &&
        storage_location_find(c->config, c->repo, NULL, &c->given, &place, e) == 0 &&
        open_repo(&r, &place, e) == 0 &&
        r.st->ops->versions->dirs(r.st, "", undelete_database, &r, e) == 0) {
        rc = EXIT_GOOD;
    }
    if (rc == EXIT_GOOD && c->json) {
        rc = json_print(json_pack("{s:s,s:b,s:I,s:O}", "repository", place.location, "dry_run",
                                  r.o->dry_run, "objects", (json_int_t)r.objects, "databases",
                                  r.databases),
                        e);
    } else if (rc == EXIT_GOOD && r.objects == 0 && !c->quiet) {
        log_info("nothing was removed since then");
    }
    json_decref(r.databases);
    if (r.repo != NULL) {
        repo_close(r.repo);
    } else {
        storage_close(r.st);
    }
    return rc;
}

static const struct opt options[] = {
    {OPT_TEXT, "since", 0, "TIME", "bring back what was removed since TIME",
     offsetof(struct undelete_options, since), 0, 0, NULL, NULL},
    {OPT_FLAG, "dry-run", 0, NULL, "report what would be done, change nothing",
     offsetof(struct undelete_options, dry_run), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_undelete = {
    .cli = {.name = "undelete",
            .args = "[DB]",
            .summary = "bring back what was removed from a bucket that keeps versions",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_general_options)},
    .size = sizeof(struct undelete_options),
    .run = run,
};
