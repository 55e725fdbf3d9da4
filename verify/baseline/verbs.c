#include "verify/baseline/verbs.h"

#include <string.h>

#include "core/exit.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/quote.h"
#include "storage/read/backup_find.h"
#include "storage/read/parts.h"
#include "storage/repo/source.h"
#include "verify/baseline/take.h"
#include "verify/baseline/tell.h"

/* The i-th word after the database; NULL: there is none. */
static const char *
word(const struct options *o, size_t i)
{
    return i + 1 < o->parsed.rest.n ? o->parsed.rest.v[i + 1] : NULL;
}

/* ---- record ---- */

/* The name stands for this database, or for none yet. */
static int
bind(struct repo *repo, const struct options *o, const struct label *l, const struct manifest *m,
     struct err *e)
{
    struct repo_source s = {.database_oid = (uint32_t)json_opt_int(m->database, "oid", 0),
                            .dbname = l->dbname};

    if (json_get_hex64(m->server, "system_identifier", &s.system_identifier, e) != 0)
        return err_wrap(e, "server");
    if (source_bind(repo, o->database, &s, false, e) == 0)
        return 0;
    if (e->kind == ERR_EXISTS)
        (void)err_hint(e,
                       "a baseline is of the database that is backed up under that name: after a "
                       "restore or an upgrade, take a backup first");
    return -1;
}

int
baseline_verb_record(struct options *o, struct err *e)
{
    struct repo     *repo = NULL;
    struct label    *l = NULL;
    struct manifest *m = NULL;
    int              rc = -1;

    if ((o->name != NULL && baseline_name_check(o->name, e) != 0) ||
        (repo = repo_open(&o->place, e)) == NULL || take_baseline(o, repo, &l, &m, e) != 0)
        goto out;
    for (size_t i = 0; i < l->warnings.n; i++)
        log_warn("%s", l->warnings.v[i]);
    if (bind(repo, o, l, m, e) != 0 || baseline_put(repo, l, m, e) != 0)
        goto out;
    rc = o->json || !options_quiet(o) ? tell_one(l, m, o->json, e) : 0;
out:
    label_free(l);
    manifest_free(m);
    repo_close(repo);
    return rc == 0 ? EXIT_GOOD : -1;
}

/* ---- list, show, rm ---- */

int
baseline_verb_list(struct options *o, struct err *e)
{
    struct repo         *repo = repo_open(&o->place, e);
    struct baseline_list list = {0};
    int                  rc = -1;

    if (repo != NULL && baseline_list_load(repo, o->database, &list, e) == 0)
        rc = tell_list(o->database, &list, o->json, e);
    baseline_list_free(&list);
    repo_close(repo);
    return rc == 0 ? EXIT_GOOD : -1;
}

/* Without a key its label can be read all the same. */
static int
load_manifest(struct repo *repo, const struct label *l, struct manifest **m, struct err *e)
{
    *m = manifest_load(repo, l, e);
    if (*m == NULL && e->kind == ERR_AUTH) {
        err_clear(e);
        return 0;
    }
    return *m != NULL ? 0 : -1;
}

/* Every backup is a baseline: one that is named as elsewhere is shown as one. */
static struct label *
find_to_show(struct repo *repo, const struct options *o, struct err *e)
{
    const char *name = word(o, 0);

    if (o->backup == NULL && o->at == NULL)
        return baseline_find(repo, o->database, name, e);
    if (name == NULL)
        return backup_find(repo, o->database, o->backup, o->at_time, e);
    err_set(e, ERR_USAGE, "\"%s\", a baseline, excludes --backup and --at", name);
    return NULL;
}

int
baseline_verb_show(struct options *o, struct err *e)
{
    struct repo     *repo = repo_open(&o->place, e);
    struct label    *l = repo == NULL ? NULL : find_to_show(repo, o, e);
    struct manifest *m = NULL;
    int              rc = -1;

    if (l != NULL && load_manifest(repo, l, &m, e) == 0)
        rc = tell_one(l, m, o->json, e);
    label_free(l);
    manifest_free(m);
    repo_close(repo);
    return rc == 0 ? EXIT_GOOD : -1;
}

/* By its name only if no other has it: what is removed is not to be guessed.  An id need not be
 * readable. */
static int
find_to_remove(struct repo *repo, const char *db, const char *which, char id[BACKUP_ID_MAX],
               struct err *e)
{
    struct baseline_list list;
    size_t               found = 0;

    (void)snprintf(id, BACKUP_ID_MAX, "%s", which);
    if (backup_id_valid(which))
        return 0;
    if (baseline_list_load(repo, db, &list, e) != 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const struct label *l = list.v[i].label;

        if (l != NULL && l->note != NULL && strcmp(l->note, which) == 0) {
            (void)snprintf(id, BACKUP_ID_MAX, "%s", l->id);
            found++;
        }
    }
    baseline_list_free(&list);
    if (found == 1)
        return 0;
    if (found == 0)
        return err_set(e, ERR_NOT_FOUND, "no baseline of \"%s\" is called \"%s\"", db, which);
    err_set(e, ERR_USAGE, "%zu baselines of \"%s\" are called \"%s\"", found, db, which);
    return quote_hint(e, "name one by its id: ", "pgassay", "verify", "baseline", "list",
                      QUOTE_ARG(db));
}

int
baseline_verb_rm(struct options *o, struct err *e)
{
    struct repo *repo = repo_open(&o->place, e);
    char         id[BACKUP_ID_MAX];
    int          rc = -1;

    if (repo != NULL && find_to_remove(repo, o->database, word(o, 0), id, e) == 0)
        rc = baseline_remove(repo, o->database, id, e);
    if (rc == 0 && o->json)
        rc = json_print(json_pack("{s:s, s:s}", "database", o->database, "removed", id), e);
    else if (rc == 0 && !options_quiet(o))
        print_out("removed baseline %s of %s\n", id, o->database);
    repo_close(repo);
    return rc == 0 ? EXIT_GOOD : -1;
}

/* ---- diff ---- */

struct side {
    struct label    *label;
    struct manifest *man;
};

/* A baseline, if one is called so; else a backup, as --backup names it. */
static int
side_open(struct repo *repo, const char *db, const char *which, struct side *s, struct err *e)
{
    if (strcmp(which, "latest") != 0) {
        s->label = baseline_find(repo, db, which, e);
        if (s->label == NULL && e->kind != ERR_NOT_FOUND)
            return -1;
        err_clear(e);
    }
    if (s->label == NULL)
        s->label = backup_find(repo, db, which, 0, e);
    if (s->label == NULL)
        return err_wrap(e, "\"%s\" is no baseline", which);
    s->man = manifest_load(repo, s->label, e);
    return s->man != NULL ? 0 : -1;
}

static void
side_close(struct side *s)
{
    label_free(s->label);
    manifest_free(s->man);
}

int
baseline_verb_diff(struct options *o, struct err *e)
{
    struct repo    *repo = repo_open(&o->place, e);
    struct side     a = {0}, b = {0};
    struct findings findings = FINDINGS_INIT;
    int             rc = -1;

    if (repo != NULL && side_open(repo, o->database, word(o, 0), &a, e) == 0 &&
        side_open(repo, o->database, word(o, 1), &b, e) == 0) {
        struct difference d = {
            .from = {a.label, a.man}, .to = {b.label, b.man}, .findings = &findings};

        difference_find(&d);
        rc = tell_difference(&d, o->json, options_quiet(o), e);
    }
    findings_free(&findings);
    side_close(&a);
    side_close(&b);
    repo_close(repo);
    return rc;
}
