#include "restore/replace_status.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/print.h"
#include "core/quote.h"

/* How far it came; the words are those of the JSON. */
enum stage { BEFORE, SET_ASIDE, RESTORING, WHOLE };
static const char *const stages[] = {"before", "set aside", "restoring", "whole"};

/* Those of the tool. */
static const char *const tools[] = {
    [REPLACING_TOOL_UNKNOWN] = "unknown",
    [REPLACING_TOOL_RUNS] = "running",
    [REPLACING_TOOL_ENDED] = "ended",
};

static enum stage
stage_of(const struct replacing *x)
{
    if (x->there == NULL) {
        return x->whole ? WHOLE : RESTORING;
    }
    return strcmp(x->there, x->of) == 0 ? BEFORE : SET_ASIDE;
}

/* A backup's name in the repository is mostly that of the database. */
static char *
command(const char *db, const char *of, const char *backup)
{
    const char *words[16] = {"pgassay", "restore", QUOTE_ARG(db), "--replace"};
    size_t      n = 5;

    if (strcmp(db, of) != 0) {
        words[n++] = "--to";
        words[n++] = of;
    }
    if (backup != NULL) {
        words[n++] = "--backup";
        words[n++] = backup;
    }
    return quote_words(words);
}

char *
replace_command_on(const struct replacing *x)
{
    return command(x->db, x->of, NULL);
}

char *
replace_command_back(const struct replacing *x)
{
    switch (stage_of(x)) {
    case BEFORE:
        return NULL;
    case SET_ASIDE:
        if (!x->dropping) {
            return quote_command("pgassay", "restore", QUOTE_ARG(x->of), "--switch-to", x->aside);
        }
        /* fallthrough */
    default:
        return x->safety_id == NULL ? NULL : command(x->safety_db, x->of, x->safety_id);
    }
}

const struct replacing *
replace_believed(const struct replacing_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].is_ours) {
            return &l->v[i];
        }
    }
    return NULL;
}

/* The tool was killed, and its session does not know yet: it is at a statement. */
static bool
is_orphaned(const struct replacing *x)
{
    return x->busy && x->tool == REPLACING_TOOL_ENDED && x->session != 0 &&
        x->session == x->busy_session;
}

/* How things stand; allocated. */
static char *
state_text(const struct replacing *x)
{
    char  age[32];
    char *who = xasprintf("process %ld on %s", x->pid, x->host == NULL ? "?" : x->host), *text;

    (void)duration_human(difftime(time(NULL), x->since), age, sizeof age);
    if (is_orphaned(x)) {
        text = xasprintf(
            "interrupted; noted %s ago (%s, which has ended), but its session is still "
            "at work: %s",
            age, who, x->doing);
    } else if (!x->busy) {
        text = xasprintf("interrupted; noted %s ago (%s)", age, who);
    } else {
        /* Of one that has ended, another has taken it up. */
        text = xasprintf("at work since %s (%s%s%s)", age,
                         x->tool == REPLACING_TOOL_ENDED ? "another process" : who,
                         x->doing == NULL ? "" : "; ", x->doing == NULL ? "" : x->doing);
    }
    free(who);
    return text;
}

/* What to do about a session that may have nobody any more; allocated, or NULL. */
static char *
session_advice(const struct replacing *x)
{
    if (is_orphaned(x)) {
        return xasprintf("first wait for that session, or end it: SELECT pg_terminate_backend(%d)",
                         x->busy_session);
    }
    return !x->busy || x->busy_session == 0 || x->tool != REPLACING_TOOL_UNKNOWN
        ? NULL
        : xasprintf(
              "if process %ld has ended, its session will after that statement, or at once by "
              "SELECT pg_terminate_backend(%d)",
              x->pid, x->busy_session);
}

char *
replace_missing_text(const struct replacing *x)
{
    return xasprintf("there is no database \"%s\": it was being replaced by backup %s, and that %s",
                     x->of, x->backup,
                     is_orphaned(x) ? "was interrupted, and its session is still at work"
                         : x->busy  ? "is under way"
                                    : "was interrupted");
}

char *
replace_missing_hint(const struct replacing *x)
{
    char *on = replace_command_on(x), *status, *hint;

    status = quote_command("pgassay", "restore", QUOTE_ARG(x->of), "--status");
    hint = !x->busy ? xasprintf("to go on: %s; %s names the way back", on, status)
                    : xasprintf("%s says more", status);
    free(on);
    free(status);
    return hint;
}

static void
print_one(const struct replacing *x)
{
    static const char *const did[] = {"the database was being backed up; it is as it was",
                                      "the database is set aside, to be dropped",
                                      "the database is dropped, and the backup was being restored",
                                      "the database is dropped; only its new name is missing"};
    char *on = replace_command_on(x), *back = replace_command_back(x), *state = state_text(x),
         *advice = session_advice(x);

    print_out("%s: to replace \"%s\" by backup %s of %s, %s\n", x->working, x->of, x->backup, x->db,
              state);
    if (!x->is_ours) {
        print_out("  not to be believed: it does not belong to who asks, or to a superuser\n");
    } else {
        print_out("  %s%s\n", did[stage_of(x)],
                  stage_of(x) == SET_ASIDE && x->dropping ? ", which has begun" : "");
        if (advice != NULL) {
            print_out("  %s\n", advice);
        }
        if (x->safety_id != NULL) {
            print_out("  safety backup: %s of %s\n", x->safety_id, x->safety_db);
        }
        print_out("to go on: %s\n", on);
        if (back != NULL) {
            print_out("to go back to what \"%s\" was: %s\n", x->of, back);
        }
    }
    free(on);
    free(back);
    free(state);
    free(advice);
}

void
replace_status_print(const struct replacing_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        print_one(&l->v[i]);
    }
}

static json_t *
one_json(const struct replacing *x)
{
    char  since[32];
    char *on = x->is_ours ? replace_command_on(x) : NULL,
         *back = x->is_ours ? replace_command_back(x) : NULL;
    json_t *o = json_object();

    json_object_set_new(o, "name", json_text(x->working));
    json_object_set_new(o, "replaces", json_text(x->of));
    json_object_set_new(o, "database", json_text(x->db));
    json_object_set_new(o, "backup", json_text(x->backup));
    json_object_set_new(o, "safety_database", json_text(x->safety_db));
    json_object_set_new(o, "safety_backup", json_text(x->safety_id));
    json_object_set_new(o, "stage", json_text(stages[stage_of(x)]));
    json_object_set_new(o, "at_work", json_boolean(x->busy));
    json_object_set_new(o, "tool", json_string(tools[x->tool]));
    json_object_set_new(o, "server_process",
                        x->busy_session == 0 ? json_null() : json_integer(x->busy_session));
    json_object_set_new(o, "believed", json_boolean(x->is_ours));
    json_object_set_new(o, "since", json_text(time_rfc3339(x->since, since, sizeof since)));
    json_object_set_new(o, "go_on", json_text(on));
    json_object_set_new(o, "go_back", json_text(back));
    free(on);
    free(back);
    return o;
}

json_t *
replace_status_json(const struct replacing_list *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->n; i++) {
        json_array_append_new(all, one_json(&l->v[i]));
    }
    return all;
}
