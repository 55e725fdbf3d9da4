#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cli/texttable.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/quote.h"
#include "core/when.h"
#include "storage/commands/list.h"
#include "storage/format/object.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "storage/read/missing.h"
#include "storage/repo/annotations.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/settings.h"
#include "storage/repo/source.h"

struct list_options {
    struct cmd cmd;
    bool       check, names;
};

/* ---- for machines ---- */

static int
add_json(json_t *list, const struct backup_entry *b, const struct annotation *s, struct err *e)
{
    json_t *o = b->label != NULL ? label_json(b->label, e) : json_pack("{s:s}", "backup", b->id);

    if (o == NULL) {
        return -1;
    }
    (void)json_object_set_new(o, "state", json_string(backup_state_text(b->state)));
    if (b->label != NULL) {
        (void)json_object_set_new(o, "partial", json_boolean(label_is_partial(b->label)));
    }
    object_set_text(o, "problem", b->problem);
    object_set_text(o, "doubt", b->doubt);
    if (b->lost_chunks > 0) {
        (void)json_object_set_new(o, "lost_chunks", json_integer((json_int_t)b->lost_chunks));
    }
    annotation_json(s, o);
    (void)json_array_append_new(list, o);
    return 0;
}

static json_t *
id_list(const struct strlist *ids)
{
    json_t *a = json_array();

    for (size_t i = 0; i < ids->n; i++) {
        (void)json_array_append_new(a, json_string(ids->v[i]));
    }
    return a;
}

static json_t *
source_json(const struct repo_source *s)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "system_identifier", json_hex64(s->system_identifier));
    (void)json_object_set_new(o, "database_oid", json_integer(s->database_oid));
    object_set_text(o, "dbname", s->dbname);
    return o;
}

static int
database_json(const char *db, const struct backup_list *list, const struct annotations *known,
              const struct strlist *missing, const struct repo_source *source, json_t *databases,
              struct err *e)
{
    json_t *o = json_object();
    json_t *backups = json_array();

    object_set_text(o, "db", db);
    (void)json_object_set_new(o, "backups", backups);
    (void)json_array_append_new(databases, o);
    if (source->dbname != NULL) {
        (void)json_object_set_new(o, "source", source_json(source));
    }
    (void)json_object_set_new(o, "unlabelled", id_list(&list->unlabelled));
    (void)json_object_set_new(o, "missing", id_list(missing));
    for (size_t i = 0; i < list->n; i++) {
        if (add_json(backups, &list->v[i], &known->v[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- for people ---- */

static const char *
state_text(const struct backup_entry *b, const struct annotation *s)
{
    bool whole = b->label != NULL && !label_is_partial(b->label);

    if (b->state != BACKUP_COMMITTED) {
        return b->untrusted ? "untrusted" : backup_state_text(b->state);
    }
    if (s->drill != NULL && !s->proven) {
        return whole ? "drill failed" : "partial, drill failed";
    }
    return s->proven ? (whole ? "proven" : "partial, proven") : whole ? "good" : "partial";
}

static bool
encrypts(const struct repo *r)
{
    struct err          e = ERR_INIT;
    const struct epoch *now = keyring_epoch(r->keys, r->epoch, &e);

    return now != NULL && now->sealed;
}

/* Its description; of a partial backup, which part. */
static char *
note_text(const struct backup_entry *b, const struct annotation *s)
{
    const struct label *l = b->label;
    char               *part, *note;

    if (b->state != BACKUP_COMMITTED || l->selection == NULL) {
        return annotation_note(s, b->state != BACKUP_COMMITTED ? b->problem : l->note);
    }
    part = xasprintf("%s%s%s", l->selection, l->note != NULL ? "; " : "",
                     l->note != NULL ? l->note : "");
    note = annotation_note(s, part);
    free(part);
    return note;
}

/* What it lacks: globals that the server did not allow to read; encryption, if stored before the
 * repository was encrypted. */
static void
add_state(struct texttable *t, const struct backup_entry *b, const struct annotation *s,
          bool encrypted)
{
    const struct label *l = b->label;
    bool                plain = encrypted && l != NULL && !l->encrypted;
    bool                roleless = b->state == BACKUP_COMMITTED && l != NULL && !l->globals;

    strlist_take(&t->cells,
                 xasprintf("%s%s%s%s%s", state_text(b, s),
                           l != NULL && label_is_safety(l) ? ", safety" : "",
                           l != NULL && label_is_imported(l) ? ", imported" : "",
                           roleless ? ", no globals" : "", plain ? ", not encrypted" : ""));
}

static void
add_row(struct texttable *t, const struct backup_entry *b, const struct annotation *s, time_t now,
        bool encrypted)
{
    const struct label *l = b->label;
    char                taken[32];
    char               *note;

    texttable_add(t, b->id);
    if (l == NULL) {
        for (int i = 0; i < 4; i++) {
            texttable_add(t, "");
        }
    } else {
        texttable_add(t,
                      now < l->snapshot ? "in the future"
                                        : when_local(l->snapshot, now, taken, sizeof taken));
        texttable_count(t, l->rows);
        texttable_size(t, l->raw_bytes);
        texttable_size(t, l->new_bytes);
    }
    add_state(t, b, s, encrypted);
    note = note_text(b, s);
    texttable_add(t, note);
    free(note);
}

static void
print_database(const char *db, const struct backup_list *list, const struct annotations *known,
               bool first, bool encrypted)
{
    struct texttable t = {.heads = "backup (UTC)|>taken|>rows|>data|>new|state|note", .fold = true};
    time_t           now = time(NULL);

    if (!first) {
        print_out("\n");
    }
    print_out("%s\n", db);
    if (list->n == 0) {
        print_out("no backup yet\n");
    } else {
        for (size_t i = 0; i < list->n; i++) {
            add_row(&t, &list->v[i], &known->v[i], now, encrypted);
        }
        texttable_print(&t, stdout);
        texttable_free(&t);
    }
    for (size_t i = 0; i < list->unlabelled.n; i++) {
        print_out(
            "%s has no label: it is being written, was never finished, or its label was lost\n",
            list->unlabelled.v[i]);
    }
}

static bool
any_damaged(const struct backup_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].state == BACKUP_DAMAGED || list->v[i].doubt != NULL ||
            (list->v[i].state != BACKUP_VOID && backup_is_future(&list->v[i]))) {
            return true;
        }
    }
    return false;
}

static void
warn_doubts(const struct backup_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].doubt != NULL) {
            log_warn("backup %s: %s: no rule of retention counts it", list->v[i].id,
                     list->v[i].doubt);
        }
    }
}

static void
warn_missing(const struct repo *r, const char *db, const struct strlist *missing)
{
    char *chain = quote_command("pgassay", "verify", "chain", QUOTE_ARG(db));

    for (size_t i = 0; i < missing->n; i++) {
        log_warn("\"%s\" in repository \"%s\": %s; %s tells more", db, r->st->location,
                 missing->v[i], chain);
    }
    free(chain);
}

/* *damaged: some backup is. */
static int
list_all(const struct cmd *c, struct repo *r, const struct strlist *names, json_t *databases,
         bool *damaged, struct err *e)
{
    bool check = CMD_OPTIONS(c, list_options)->check;

    for (size_t i = 0; i < names->n; i++) {
        struct backup_list list;
        struct annotations known = {0};
        struct strlist     missing = {0};
        struct repo_source source = {0};
        int                rc = -1;

        if ((check ? backup_list_load(r, names->v[i], &list, e)
                   : backup_list_look(r, names->v[i], &list, e)) != 0) {
            return -1;
        }
        if (backup_list_check(r, names->v[i], &list, check, e) == 0 &&
            annotations_load(r, names->v[i], &list, &known, e) == 0 &&
            missing_find(r, names->v[i], &list, &missing, e) == 0 &&
            source_look(r, names->v[i], &source, &missing, e) == 0) {
            rc = 0;
        }
        if (rc == 0 && c->json) {
            rc = database_json(names->v[i], &list, &known, &missing, &source, databases, e);
        } else if (rc == 0) {
            print_database(names->v[i], &list, &known, i == 0, encrypts(r));
        }
        if (rc == 0) {
            warn_missing(r, names->v[i], &missing);
            warn_doubts(&list);
            lastseen_remember_list(r, names->v[i], &list);
        }
        *damaged |= any_damaged(&list) || missing.n > 0;
        source_free(&source);
        strlist_free(&missing);
        annotations_free(&known);
        backup_list_free(&list);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

static int
list(const struct cmd *c, struct err *e)
{
    const char    *db = c->n_args == 1 ? c->args[0] : NULL;
    struct repo   *r = cmd_open(c, db, e);
    struct strlist names = {0};
    json_t        *databases = json_array();
    bool           damaged = false;
    bool           check = CMD_OPTIONS(c, list_options)->check;
    struct strlist older = {0};
    char          *behind = NULL;
    int            rc = -1;

    if (r == NULL || cmd_databases(r, db, &names, e) != 0 ||
        list_all(c, r, &names, databases, &damaged, e) != 0 ||
        (check && settings_look_keys(r, &older, e) != 0)) {
        goto out;
    }
    behind = settings_behind(r); /* said when it was opened */
    for (size_t i = 0; i < older.n; i++) {
        log_warn("repository \"%s\": %s", r->st->location, older.v[i]);
    }
    rc = check && (damaged || behind != NULL || older.n > 0) ? EXIT_DIFFERENT : EXIT_GOOD;
    if (c->json &&
        json_print(json_pack("{s:s,s:s,s:O}", "repository", r->st->location, "repo_id", r->id,
                             "databases", databases),
                   e) != 0) {
        rc = -1;
    } else if (!c->json && names.n == 0) {
        print_out("repository %s is empty\n", r->st->location);
    }
out:
    free(behind);
    strlist_free(&older);
    json_decref(databases);
    strlist_free(&names);
    repo_close(r);
    return rc;
}

static int
run(const struct cmd *c, struct err *e)
{
    const struct list_options *o = CMD_OPTIONS(c, list_options);

    if (!o->names) {
        return list(c, e);
    }
    if (c->json || o->check) {
        return err_set(e, ERR_USAGE, "--names does not go with --json and --check");
    }
    return list_names(c, c->n_args == 1 ? c->args[0] : NULL, e);
}

static const struct opt options[] = {
    {OPT_FLAG, "check", 0, NULL, "also look whether every chunk is there, in its size",
     offsetof(struct list_options, check), 0, 0, NULL, NULL},
    {OPT_FLAG, "names", 0, NULL,
     "one a line: the databases, or the ids of DB's backups, in any state",
     offsetof(struct list_options, names), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_list = {
    .cli = {.name = "list",
            .args = "[DB]",
            .summary = "name every backup: when, how large, whether it is whole",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_as_of_options, cmd_key_options,
                                 cmd_general_options)},
    .size = sizeof(struct list_options),
    .run = run,
};
