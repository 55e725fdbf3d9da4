#include "verify/history.h"

#include <string.h>

#include "core/exit.h"
#include "core/human.h"
#include "core/print.h"
#include "core/when.h"
#include "verify/history/history.h"
#include "verify/job/baseline.h"

/* "30d", or a moment as --at takes it. */
static int
read_since(const char *text, time_t *since, struct err *e)
{
    uint64_t    seconds;
    struct when w;

    *since = 0;
    if (text == NULL)
        return 0;
    if (duration_parse(text, &seconds) == 0) {
        *since = time(NULL) - (time_t)seconds;
        return 0;
    }
    if (when_parse(text, time(NULL), &w, e) != 0)
        return err_wrap(e, "--since");
    *since = w.from;
    return 0;
}

static int
collect(const struct options *o, struct repo *repo, time_t since, json_t *databases,
        struct findings *f, struct err *e)
{
    struct strlist names = {0};
    int            rc = databases_meant(repo, o, true, &names, e);

    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        json_t *one = history_of(repo, names.v[i], since, 0, e);

        rc = one == NULL ? -1 : 0;
        if (rc == 0) {
            history_judge(one, f);
            (void)json_array_append_new(databases, one);
        }
    }
    strlist_free(&names);
    return rc;
}

static int
show(const struct options *o, const struct repo *repo, time_t since, json_t *databases,
     const struct findings *f, bool whole, struct err *e)
{
    char          at[32];
    const json_t *one;
    size_t        i;

    if (o->json)
        return json_print(
            json_pack("{s:s, s:s, s:b, s:o, s:o, s:O}", "repository", repo->st->location, "repo_id",
                      repo->id, "whole", (int)whole, "since",
                      since == 0 ? json_null() : json_string(time_rfc3339(since, at, sizeof at)),
                      "findings", findings_json(f), "databases", databases),
            e);
    findings_print(f, stdout);
    if (f->n > 0)
        print_out("\n");
    if (o->quiet)
        return 0;
    json_array_foreach (databases, i, one) {
        if (i > 0)
            print_out("\n");
        history_print(one);
    }
    return 0;
}

int
verify_history(struct options *o, struct err *e)
{
    struct findings f = FINDINGS_INIT;
    struct repo    *repo = NULL;
    json_t         *databases = json_array();
    time_t          since;
    bool            whole = false;
    int             rc = -1;

    if (read_since(o->since, &since, e) == 0 && options_find_repo(o, e) == 0 &&
        (repo = repo_open(&o->place, e)) != NULL &&
        collect(o, repo, since, databases, &f, e) == 0) {
        whole = findings_count(&f, FINDING_DIFFERENT) + findings_count(&f, FINDING_UNCOMPARED) == 0;
        rc = show(o, repo, since, databases, &f, whole, e);
    }
    findings_free(&f);
    json_decref(databases);
    repo_close(repo);
    return rc != 0 ? -1 : whole ? EXIT_GOOD : EXIT_DIFFERENT;
}
