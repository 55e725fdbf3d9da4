#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/texttable.h"
#include "core/exit.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "storage/commands/cmd.h"
#include "storage/format/object.h"
#include "storage/retention/policy.h"

struct policy_options {
    struct cmd  cmd;
    const char *rule[POLICY_KEYS]; /* in policy_key()'s order */
    bool        clear;
};

/* ---- for machines ---- */

static int
add_database(struct repo *r, const char *db, json_t *list, struct err *e)
{
    struct policy p, own;
    json_t       *o;

    if (policy_load(r, db, &p, e) != 0 || policy_load_own(r, db, &own, e) != 0) {
        return -1;
    }
    o = json_pack("{s:o, s:o}", "policy", policy_json(&p), "own", policy_json(&own));
    object_set_text(o, "db", db);
    (void)json_array_append_new(list, o);
    return 0;
}

static int
print_json(struct repo *r, const struct policy *all, const struct strlist *names, struct err *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->n; i++) {
        if (add_database(r, names->v[i], list, e) != 0) {
            json_decref(list);
            return -1;
        }
    }
    return json_print(json_pack("{s:s, s:s, s:o, s:o}", "repository", r->st->location, "repo_id",
                                r->id, "policy", policy_json(all), "databases", list),
                      e);
}

/* ---- for people ---- */

static void
print_rules(const struct policy *p, const struct policy *own, const char *whose)
{
    struct texttable t = {.heads = "rule|value|from"};

    for (size_t i = 0; policy_key(i) != NULL; i++) {
        char *value = policy_text(p, i);

        if (value != NULL) {
            texttable_add(&t, policy_key(i));
            texttable_add(&t, value);
            texttable_add(&t,
                          policy_given(own, i)     ? whose
                              : policy_given(p, i) ? "repository"
                                                   : "default");
        }
        free(value);
    }
    texttable_print(&t, stdout);
    texttable_free(&t);
    if (!policy_expires(p)) {
        print_out("no rule: nothing expires\n");
    }
}

static int
print_text(struct repo *r, const struct policy *all, const struct strlist *names, bool repository,
           struct err *e)
{
    bool first = true;

    if (repository) {
        print_out("repository %s\n", r->st->location);
        print_rules(all, all, "repository");
        first = false;
    }
    for (size_t i = 0; i < names->n; i++) {
        struct policy p, own;

        if (policy_load(r, names->v[i], &p, e) != 0 ||
            policy_load_own(r, names->v[i], &own, e) != 0) {
            return -1;
        }
        if (repository && own.set == 0) {
            continue; /* nothing of its own */
        }
        print_out(first ? "%s\n" : "\n%s\n", names->v[i]);
        print_rules(&p, &own, names->v[i]);
        first = false;
    }
    return 0;
}

/* ---- setting ---- */

static bool
wants_change(const struct policy_options *o)
{
    for (size_t i = 0; i < POLICY_KEYS; i++) {
        if (o->rule[i] != NULL) {
            return true;
        }
    }
    return o->clear;
}

static int
change(const struct policy_options *o, struct repo *r, const char *db, struct err *e)
{
    struct policy own = POLICY_INIT;

    if (!o->clear && policy_load_own(r, db, &own, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < POLICY_KEYS; i++) {
        if (o->rule[i] != NULL && policy_set(&own, policy_key(i), o->rule[i], e) != 0) {
            return -1;
        }
    }
    return policy_store(r, db, &own, e);
}

/* The databases to show: only db, which need not have a backup yet, or all. */
static int
names_of(const struct policy_options *o, struct repo *r, const char *db, struct strlist *names,
         struct err *e)
{
    if (cmd_databases(r, db, names, e) == 0) {
        return 0;
    }
    if (db == NULL || e->kind != ERR_NOT_FOUND || !wants_change(o)) {
        return -1;
    }
    log_warn("%s: its policy is set anyway", e->text);
    err_clear(e);
    strlist_add(names, db);
    return 0;
}

static int
run(const struct cmd *c, struct err *e)
{
    const struct policy_options *o = CMD_OPTIONS(c, policy_options);
    const char                  *db = c->n_args == 1 ? c->args[0] : NULL;
    struct repo                 *r = cmd_open(c, db, e);
    struct strlist               names = {0};
    struct policy                all;
    int                          rc = -1;

    if (r == NULL || names_of(o, r, db, &names, e) != 0 ||
        (wants_change(o) && change(o, r, db, e) != 0) || policy_load(r, NULL, &all, e) != 0) {
        goto out;
    }
    rc = EXIT_GOOD;
    if (c->json) {
        rc = print_json(r, &all, &names, e);
    } else if (!wants_change(o) || c->verbose || (isatty(STDOUT_FILENO) && !c->quiet)) {
        rc = print_text(r, &all, &names, db == NULL, e);
    }
out:
    strlist_free(&names);
    repo_close(r);
    return rc;
}

#define RULE(i, name, arg, help)                                                                   \
    {                                                                                              \
        OPT_TEXT, name, 0, arg, help, offsetof(struct policy_options, rule[i]), 0, 0, NULL, NULL   \
    }

static const struct opt options[] = {
    OPT_HEADING("What to keep"),
    RULE(0, "keep-last", "N", "the newest N backups; here and below also \"unlimited\""),
    RULE(1, "keep-hourly", "N", "the newest of each of the last N hours that have one"),
    RULE(2, "keep-daily", "N", "the newest of each of the last N days that have one"),
    RULE(3, "keep-weekly", "N", "the newest of each of the last N weeks that have one"),
    RULE(4, "keep-monthly", "N", "the newest of each of the last N months that have one"),
    RULE(5, "keep-yearly", "N", "the newest of each of the last N years that have one"),
    RULE(6, "keep-within", "SPAN", "all within SPAN (1y6m, 7d, 36h) of the newest"),
    RULE(7, "keep-within-hourly", "SPAN", "the newest of each hour within SPAN of the newest"),
    RULE(8, "keep-within-daily", "SPAN", "the newest of each day within SPAN of the newest"),
    RULE(9, "keep-within-weekly", "SPAN", "the newest of each week within SPAN of the newest"),
    RULE(10, "keep-within-monthly", "SPAN", "the newest of each month within SPAN of the newest"),
    RULE(11, "keep-within-yearly", "SPAN", "the newest of each year within SPAN of the newest"),
    RULE(12, "min-keep", "N", "always keep at least N backups (default: 1)"),
    RULE(13, "shrink-share", "SHARE",
         "a backup below this share of those before looks wrong (default: 0.5)"),
    {OPT_FLAG, "clear", 0, NULL, "forget the rules set so far",
     offsetof(struct policy_options, clear), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_policy = {
    .cli = {.name = "policy",
            .args = "[DB]",
            .summary = "print how long backups are kept, or change it",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_as_of_options,
                                 cmd_general_options)},
    .size = sizeof(struct policy_options),
    .run = run,
};
