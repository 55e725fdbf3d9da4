/* copy FROM TO [DB]: backups from one repository into another. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/host/hostlock.h"
#include "core/human.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"
#include "storage/format/object.h"
#include "storage/heal/copy.h"

enum { HUMAN = 48, JOBS_MAX = 64 };

struct copy_options {
    struct cmd  cmd;
    const char *backup;
    bool        adopt, decrypt, whole, dry_run;
    int         jobs;
};

/* The number of backups by result, over all databases. */
struct tally {
    size_t failed, good;
};

/* ---- for machines ---- */

static json_t *
entry_json(const struct copy_entry *x)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "backup", json_string(x->id));
    (void)json_object_set_new(o, "status", json_string(copy_status_text(x->status)));
    (void)json_object_set_new(o, "chunks", json_integer((json_int_t)x->chunks));
    (void)json_object_set_new(o, "stored_bytes", json_integer((json_int_t)x->stored_bytes));
    (void)json_object_set_new(o, "new_chunks", json_integer((json_int_t)x->new_chunks));
    (void)json_object_set_new(o, "new_bytes", json_integer((json_int_t)x->new_bytes));
    if (x->status == COPY_FAILED) {
        object_set_text(o, "error", x->err.text);
        object_set_text(o, "hint", x->err.hint[0] == '\0' ? NULL : x->err.hint);
    }
    return o;
}

/* error: why the database's copy stopped, or NULL. */
static json_t *
database_json(const char *db, const struct copy_result *r, const struct err *error)
{
    json_t *o = json_object();
    json_t *backups = json_array();

    object_set_text(o, "db", db);
    (void)json_object_set_new(o, "backups", backups);
    for (size_t i = 0; i < r->n; i++) {
        (void)json_array_append_new(backups, entry_json(&r->v[i]));
    }
    if (error != NULL) {
        object_set_text(o, "error", error->text);
        object_set_text(o, "hint", error->hint[0] == '\0' ? NULL : error->hint);
    }
    return o;
}

/* ---- for people ---- */

static void
print_entry(const char *db, const struct copy_entry *x)
{
    char sent[HUMAN], all[HUMAN], chunks[HUMAN];

    (void)size_human(x->stored_bytes, all, sizeof all);
    (void)size_human(x->new_bytes, sent, sizeof sent);
    (void)count_human(x->new_chunks, "chunk", chunks, sizeof chunks);
    switch (x->status) {
    case COPY_DONE:
        print_out("%s: %s copied: %s (%s) of %s sent\n", db, x->id, sent, chunks, all);
        break;
    case COPY_PLANNED:
        print_out("%s: %s would be copied: about %s (%s) of %s to send\n", db, x->id, sent, chunks,
                  all);
        break;
    case COPY_PRESENT:
        print_out("%s: %s is there\n", db, x->id);
        break;
    case COPY_EXPIRED:
        print_out("%s: %s has expired there, and is only copied when it is named\n", db, x->id);
        break;
    case COPY_FAILED:
        break;
    }
}

static void
print_errors(const char *db, const struct copy_result *r, const struct err *error)
{
    for (size_t i = 0; i < r->n; i++) {
        struct err e = r->v[i].err;

        /* The error that stopped the database is printed once. */
        if (r->v[i].status == COPY_FAILED &&
            (error == NULL || strstr(error->text, e.text) == NULL)) {
            err_wrap(&e, "\"%s\": backup %s was not copied", db, r->v[i].id);
            err_print(&e);
        }
    }
}

/* ---- the verb ---- */

/* Compared by location: a mirror has its original's id.  An earlier state (--as-of) may be copied
 * into the same store. */
static int
check_two(const struct cmd *c, const struct repo *from, const struct repo *to, struct err *e)
{
    return c->as_of != NULL || strcmp(from->st->location, to->st->location) != 0
        ? 0
        : err_set(e, ERR_USAGE, "from and to are one repository: \"%s\"", to->st->location);
}

static int
open_repo(const struct cmd *c, const char *arg, const char *db, const struct storage_given *given,
          struct repo **out, struct err *e)
{
    struct storage_location place;

    if (storage_location_find(c->config, arg, db, given, &place, e) != 0) {
        return -1;
    }
    place.others = NULL;
    *out = repo_open(&place, e);
    return *out == NULL ? -1 : 0;
}

/* --as-of is only for reading: nothing can be written into the past. */
static int
open_destination(const struct cmd *c, const char *arg, const char *db, struct repo **out,
                 struct err *e)
{
    struct strlist       options = {0};
    struct storage_given given = c->given;
    int                  rc;

    for (size_t i = 0; i < c->repo_options.n; i++) {
        const char *text = c->repo_options.v[i];

        if (strncmp(text, "as-of=", strlen("as-of=")) != 0 &&
            strncmp(text, "as_of=", strlen("as_of=")) != 0) {
            strlist_add(&options, text);
        }
    }
    given.options = &options;
    given.as_of = NULL;
    rc = open_repo(c, arg, db, &given, out, e);
    strlist_free(&options); /* only used while a storage is opened */
    return rc;
}

static int
copy_locked(const struct cmd *c, struct repo *from, struct repo *to, const char *db,
            struct copy_result *r, struct err *e)
{
    const struct copy_options *o = CMD_OPTIONS(c, copy_options);
    const struct copy_request  q = {
         .db = db,
         .which = o->backup == NULL ? "all" : o->backup,
         .adopt = o->adopt,
         .decrypt = o->decrypt,
         .whole = o->whole,
         .dry_run = o->dry_run,
         .quiet = c->quiet,
         .jobs = o->jobs,
    };
    int lock = -1;
    int rc;

    if (!o->dry_run && hostlock_take(to->id, db, "copy", &lock, e) != 0) {
        return -1;
    }
    rc = copy_run(from, to, &q, r, e);
    if (lock >= 0) {
        (void)close(lock);
    }
    return rc;
}

/* One database.  -1: it could not go on; the error is printed unless it is the only database. */
static int
copy_database(const struct cmd *c, struct repo *from, struct repo *to, const char *db,
              struct tally *tally, json_t *list, struct err *e)
{
    const struct copy_options *o = CMD_OPTIONS(c, copy_options);
    struct copy_result         r = {0};
    int                        rc = copy_locked(c, from, to, db, &r, e);
    bool                       show = c->verbose || o->dry_run || isatty(STDOUT_FILENO);

    for (size_t i = 0; i < r.n; i++) {
        if (show && !c->json && !c->quiet) {
            print_entry(db, &r.v[i]);
        }
        *(r.v[i].status == COPY_FAILED ? &tally->failed : &tally->good) += 1;
    }
    print_errors(db, &r, rc == 0 ? NULL : e);
    (void)json_array_append_new(list, database_json(db, &r, rc == 0 ? NULL : e));
    copy_result_free(&r);
    return rc == 0 ? 0 : err_wrap(e, "\"%s\"", db);
}

/* One database that cannot go on does not stop the next one; a signal does. */
static int
copy_databases(const struct cmd *c, struct repo *from, struct repo *to, const struct strlist *names,
               json_t *list, struct err *e)
{
    struct tally tally = {0};
    size_t       stopped = 0;

    for (size_t i = 0; i < names->n; i++) {
        err_clear(e);
        if (copy_database(c, from, to, names->v[i], &tally, list, e) == 0) {
            continue;
        }
        stopped++;
        if (e->kind == ERR_INTERRUPTED || (names->n == 1 && tally.good == 0)) {
            return -1;
        }
        err_print(e);
    }
    return tally.failed + stopped == 0 ? EXIT_GOOD : tally.good > 0 ? EXIT_PARTLY : EXIT_FAILED;
}

static int
run(const struct cmd *c, struct err *e)
{
    const char    *db = c->n_args == 3 ? c->args[2] : NULL;
    struct repo   *from = NULL;
    struct repo   *to = NULL;
    struct strlist names = {0};
    json_t        *list = json_array();
    int            rc = -1;

    if (open_repo(c, c->args[0], db, &c->given, &from, e) == 0 &&
        open_destination(c, c->args[1], db, &to, e) == 0 && check_two(c, from, to, e) == 0 &&
        cmd_databases(from, db, &names, e) == 0) {
        rc = copy_databases(c, from, to, &names, list, e);
    }
    if (rc >= 0 && c->json &&
        json_print(json_pack("{s:s,s:s,s:O}", "from", from->st->location, "to", to->st->location,
                             "databases", list),
                   e) != 0) {
        rc = -1;
    }
    json_decref(list);
    strlist_free(&names);
    repo_close(from);
    repo_close(to);
    return rc;
}

static const struct opt options[] = {
    {OPT_TEXT, "backup", 0, "ID", "this backup, \"latest\" or \"all\" (the default)",
     offsetof(struct copy_options, backup), 0, 0, NULL, NULL},
    {OPT_FLAG, "dry-run", 0, NULL, "report what would be done, change nothing",
     offsetof(struct copy_options, dry_run), 0, 0, NULL, NULL},
    {OPT_FLAG, "decrypt", 0, NULL, "encrypted backups may be stored in an unencrypted repository",
     offsetof(struct copy_options, decrypt), 0, 0, NULL, NULL},
    {OPT_FLAG, "whole", 0, NULL, "store whole chunks, no deltas",
     offsetof(struct copy_options, whole), 0, 0, NULL, NULL},
    {OPT_FLAG, "adopt", 0, NULL,
     "let a name at the destination stand for this database from now on",
     offsetof(struct copy_options, adopt), 0, 0, NULL, NULL},
    OPT_COMMON_JOBS(struct copy_options, JOBS_MAX, "2"),
    OPT_COMMON_REPO_OPTION(struct cmd),
    OPTS_END,
};

const struct cmd_verb cmd_copy = {
    .cli = {.name = "copy",
            .args = "FROM TO [DB]",
            .summary = "copy backups from one repository into another",
            .tables = CMD_TABLES(options, cmd_as_of_options, cmd_key_options, cmd_general_options)},
    .size = sizeof(struct copy_options),
    .defaults = &(const struct copy_options){.jobs = 2},
    .run = run,
};
