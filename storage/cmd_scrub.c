#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/json.h"
#include "storage/cmd_scrub.h"
#include "storage/object.h"

/* ---- for machines ---- */

static json_t *
json_list(const struct strlist *list)
{
    json_t *a = json_array();

    for (size_t i = 0; i < list->n; i++) {
        (void)json_array_append_new(a, json_text(list->v[i]));
    }
    return a;
}

static json_t *
scrub_json(const struct scrub *s)
{
    json_t *o = json_object();
    json_t *bad = json_array();
    json_t *damaged = json_array();

    object_set_text(o, "db", s->db);
    (void)json_object_set_new(o, "objects", json_integer((json_int_t)s->objects.n));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)s->bytes));
    (void)json_object_set_new(o, "condemned", json_integer((json_int_t)s->condemned));
    for (size_t i = 0; i < s->n_bad; i++) {
        char    name[CHUNK_NAME_MAX];
        json_t *b = json_object();

        chunk_name_format(&s->bad[i].name, name);
        (void)json_object_set_new(b, "name", json_string(name));
        (void)json_object_set_new(b, "healed", json_boolean(s->bad[i].healed));
        (void)json_object_set_new(b, "missing", json_boolean(s->bad[i].missing));
        object_set_text(b, "problem", s->bad[i].problem);
        (void)json_object_set_new(b, "backups", json_list(&s->bad[i].backups));
        (void)json_object_set_new(b, "tables", json_list(&s->bad[i].tables));
        (void)json_array_append_new(bad, b);
    }
    for (size_t i = 0; i < s->n_bad_backups; i++) {
        json_t *b = json_object();

        (void)json_object_set_new(b, "backup", json_string(s->bad_backups[i].id));
        object_set_text(b, "problem", s->bad_backups[i].problem);
        (void)json_array_append_new(damaged, b);
    }
    (void)json_object_set_new(o, "bad", bad);
    (void)json_object_set_new(o, "damaged", damaged);
    return o;
}

/* ---- for people ---- */

static void
print_names(const char *what, const struct strlist *names)
{
    if (names->n == 0) {
        return;
    }
    (void)printf("    %s:", what);
    for (size_t i = 0; i < names->n; i++) {
        char *name = cmd_printable(names->v[i]);

        (void)printf("%s %s", i == 0 ? "" : ",", name);
        free(name);
    }
    (void)putchar('\n');
}

/* all: worth a line even when nothing is lost. */
static void
scrub_text(const struct scrub *s, bool all)
{
    char size[16], chunks[48], backups[48], bad[32], damaged[48];

    for (size_t i = 0; i < s->n_bad_backups; i++) {
        (void)printf("%s: backup %s is damaged: %s\n", s->db, s->bad_backups[i].id, s->bad_backups[i].problem);
    }
    for (size_t i = 0; i < s->n_bad; i++) {
        char name[CHUNK_NAME_MAX];

        if (s->bad[i].healed && !all) {
            continue;
        }
        chunk_name_format(&s->bad[i].name, name);
        (void)printf("%s: chunk %s is %s%s\n    %s\n", s->db, name, s->bad[i].missing ? "missing" : "bad",
                     s->bad[i].healed ? ", but another holds the same" : "", s->bad[i].problem);
        print_names("in backups", &s->bad[i].backups);
        print_names("holding rows of", &s->bad[i].tables);
    }
    if (s->condemned > 0) {
        (void)printf("%s: condemned %zu: the next backup stores them anew if the data is still there\n", s->db,
                     s->condemned);
    }
    if (all || !scrub_good(s)) {
        (void)printf("%s: read %s (%s) of %s: %s bad, %s damaged\n", s->db,
                     count_human(s->objects.n, "chunk", chunks, sizeof chunks), size_human(s->bytes, size, sizeof size),
                     count_human(s->backups.n, "backup", backups, sizeof backups),
                     count_human(s->n_bad, NULL, bad, sizeof bad),
                     count_human(s->n_bad_backups, "backup", damaged, sizeof damaged));
    }
}

/* ---- */

struct scrub_all {
    const struct cmd *cmd;
    json_t           *databases;
    bool              found;      /* anything bad */
};

static int
scrub_database(struct scrub_all *all, struct repo *r, const char *db, struct err *e)
{
    struct scrub s = {.repo = r, .db = db};
    bool         show = all->cmd->verbose || isatty(STDOUT_FILENO);
    int          rc = -1;

    if (scrub_run(&s, all->cmd->jobs, all->cmd->quiet || all->cmd->json, e) == 0 && scrub_trace(&s, e) == 0 &&
        scrub_condemn(&s, e) == 0) {
        rc = 0;
        all->found |= !scrub_good(&s);
        (void)json_array_append_new(all->databases, scrub_json(&s));
        if (!all->cmd->json) {
            scrub_text(&s, show && !all->cmd->quiet);
        }
    }
    scrub_free(&s);
    return rc;
}

int
cmd_scrub(const struct cmd *c, struct err *e)
{
    const char      *db = c->n_args == 1 ? c->args[0] : NULL;
    struct repo     *r = cmd_open(c, db, e);
    struct strlist   names = {0};
    struct scrub_all all = {.cmd = c, .databases = json_array()};
    int              rc = -1;

    if (r == NULL || cmd_databases(r, db, &names, e) != 0) {
        goto out;
    }
    for (size_t i = 0; i < names.n; i++) {
        if (scrub_database(&all, r, names.v[i], e) != 0) {
            err_wrap(e, "scrub of \"%s\"", names.v[i]);
            goto out;
        }
    }
    rc = all.found ? EXIT_DIFFERENT : EXIT_GOOD;
    if (c->json && cmd_print_json(json_pack("{s:s,s:s,s:b,s:O}", "repository", r->st->location, "repo_id", r->id,
                                            "good", !all.found, "databases", all.databases),
                                  e) != 0) {
        rc = -1;
    } else if (fflush(stdout) != 0) {
        rc = err_errno(e, "could not write to standard output");
    }
out:
    json_decref(all.databases);
    strlist_free(&names);
    repo_close(r);
    return rc;
}
