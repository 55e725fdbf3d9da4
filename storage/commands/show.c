#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/texttable.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"
#include "storage/format/object.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "storage/read/parts.h"
#include "storage/repo/annotations.h"
#include "storage/repo/backuplist.h"

struct show_options {
    struct cmd cmd;
    bool       tables, check;
};

/* ---- for machines ---- */

static json_t *
table_json(const struct manifest_table *t)
{
    json_t *o = json_object();
    char   *fp = xasprintf("%016" PRIx64 "%016" PRIx64, t->fp.a, t->fp.b);

    object_set_text(o, "schema", t->schema);
    object_set_text(o, "name", t->name);
    object_set_text(o, "skipped", t->skipped);
    (void)json_object_set_new(o, "kind", json_bytes(&t->kind, 1));
    (void)json_object_set_new(o, "format",
                              json_string(t->format == COPY_BINARY ? "binary" : "text"));
    (void)json_object_set_new(o, "rows", json_integer((json_int_t)t->rows));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)t->bytes));
    (void)json_object_set_new(o, "relation_bytes", json_integer((json_int_t)t->relation_bytes));
    (void)json_object_set_new(o, "ranges", json_integer((json_int_t)t->n_ranges));
    (void)json_object_set_new(o, "fp", json_string(fp));
    free(fp);
    return o;
}

static void
set_section(json_t *o, const char *key, json_t *section)
{
    if (section != NULL) {
        (void)json_object_set(o, key, section);
    }
}

static int
show_json(const struct cmd *c, const struct backup_entry *b, const struct annotation *known,
          const struct manifest *m, struct err *e)
{
    json_t *o = label_json(b->label, e);

    if (o == NULL) {
        return -1;
    }
    (void)json_object_set_new(o, "state", json_string(backup_state_text(b->state)));
    (void)json_object_set_new(o, "partial", json_boolean(label_is_partial(b->label)));
    object_set_text(o, "problem", b->problem);
    annotation_json(known, o);
    if (m == NULL) { /* encrypted, and no key to read it */
        return json_print_stored(o, e);
    }
    set_section(o, "server", m->server);
    set_section(o, "database", m->database);
    set_section(o, "extensions", m->extensions);
    (void)json_object_set_new(o, "sequences", json_integer((json_int_t)m->n_sequences));
    (void)json_object_set_new(o, "matviews", json_integer((json_int_t)m->n_matviews));
    (void)json_object_set_new(o, "objects", json_integer((json_int_t)m->n_objects));
    (void)json_object_set_new(o, "large_objects", json_integer((json_int_t)m->lo_count));
    if (CMD_OPTIONS(c, show_options)->tables) {
        json_t *list = json_array();

        for (size_t i = 0; i < m->n_tables; i++) {
            (void)json_array_append_new(list, table_json(&m->tables[i]));
        }
        (void)json_object_set_new(o, "table_list", list);
    }
    return json_print_stored(o, e);
}

/* ---- for people ---- */

static void line(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
line(const char *name, const char *fmt, ...)
{
    va_list ap;

    print_out("%-16s", name);
    va_start(ap, fmt);
    print_vto(stdout, fmt, ap);
    va_end(ap);
    print_out("\n");
}

/* The dump of another tool that it was made of. */
static void
show_imported(const struct label *l)
{
    char at[32];

    line("imported", "%s, %s%s%s%s of PostgreSQL %s", time_rfc3339(l->imported, at, sizeof at),
         l->imported_kind, l->imported_file != NULL ? " dump \"" : " dump",
         l->imported_file != NULL ? l->imported_file : "", l->imported_file != NULL ? "\"" : "",
         l->imported_server_version != NULL ? l->imported_server_version : "(not said)");
    if (l->imported_sha256 != NULL) {
        line("SHA-256", "%s", l->imported_sha256);
    }
}

static void
show_label(const struct label *l, bool closed)
{
    char a[32], b[32], c[48], d[48];

    line("backup", "%s of \"%s\"%s", l->id, l->db, label_is_partial(l) ? " (partial)" : "");
    if (l->selection != NULL) {
        line("selection", "%s", l->selection);
    }
    if (l->note != NULL) {
        line("note", "%s", l->note);
    }
    line("database", "\"%s\" on %s, PostgreSQL %s%s", l->dbname,
         l->host != NULL            ? l->host
             : label_is_imported(l) ? "a scratch server"
             : closed               ? "a server that only a key shows"
                                    : "a local socket",
         l->server_version, l->standby ? " (standby)" : "");
    line("snapshot", "%s, %s ago", time_rfc3339(l->snapshot, a, sizeof a),
         duration_human(difftime(time(NULL), l->snapshot), b, sizeof b));
    if (label_is_imported(l)) {
        show_imported(l);
    }
    line("took", "%s", duration_human(l->seconds, a, sizeof a));
    line("tables", "%s with %s, %s of data (%s on the server)",
         count_human(l->tables, NULL, c, sizeof c), count_human(l->rows, "row", d, sizeof d),
         size_human(l->raw_bytes, a, sizeof a), size_human(l->database_bytes, b, sizeof b));
    line("stored", "%s in %s", size_human(l->stored_bytes, a, sizeof a),
         count_human(l->chunks, "chunk", c, sizeof c));
    line("of it new", "%s in %s", size_human(l->new_bytes, a, sizeof a),
         count_human(l->new_chunks, "chunk", c, sizeof c));
    line("globals", "%s",
         !l->globals        ? "not included"
             : l->passwords ? "with passwords"
                            : "without passwords");
    line("written by", "%s, pg_dump %s", l->tool,
         l->pg_dump_version != NULL ? l->pg_dump_version : "unknown");
}

static void
show_standing(const struct annotation *s)
{
    char at[32], took[32];

    if (s->drill != NULL && s->drill->readable) {
        line("drill", "%s %s, back in %s",
             s->proven             ? "passed"
                 : s->drill->equal ? "passed, but damaged since,"
                                   : "FAILED",
             time_rfc3339(s->drill->finished, at, sizeof at),
             duration_human(s->drill->recovery_seconds, took, sizeof took));
    }
    if (s->pin != NULL) {
        line("pinned", "%s", s->pin->text != NULL ? s->pin->text : "(its note cannot be read)");
    }
    if (s->accepted != NULL) {
        line("accepted", "%s", s->accepted->text);
    }
}

static void
show_manifest(const struct manifest *m)
{
    char a[48], b[48], c[48];

    line("schema", "%s, %s, %s", count_human(m->n_objects, "object", a, sizeof a),
         count_human(m->n_sequences, "sequence", b, sizeof b),
         count_human(m->n_matviews, "materialized view", c, sizeof c));
    if (m->lo_count > 0) {
        line("large objects", "%s", count_human(m->lo_count, NULL, a, sizeof a));
    }
}

static int
by_bytes(const void *a, const void *b)
{
    const struct manifest_table *const *ta = a;
    const struct manifest_table *const *tb = b;

    return ((*ta)->bytes < (*tb)->bytes) - ((*ta)->bytes > (*tb)->bytes);
}

static void
add_name(struct texttable *t, const struct manifest_table *x)
{
    char *name = xasprintf("%s.%s", x->schema, x->name);

    texttable_add(t, name);
    free(name);
}

/* All of them by name, or the largest ten. */
static void
show_tables(const struct manifest *m, bool all)
{
    struct texttable              t = {.heads = "table|>rows|>data|format|fingerprint"};
    const struct manifest_table **v = xcalloc(m->n_tables + 1, sizeof *v);
    size_t                        n = all || m->n_tables < 10 ? m->n_tables : 10;

    for (size_t i = 0; i < m->n_tables; i++) {
        v[i] = &m->tables[i];
    }
    if (!all && m->n_tables > 1) {
        qsort(v, m->n_tables, sizeof *v, by_bytes);
    }
    for (size_t i = 0; i < n; i++) {
        add_name(&t, v[i]);
        texttable_count(&t, v[i]->rows);
        texttable_size(&t, v[i]->bytes);
        texttable_add(&t, v[i]->format == COPY_BINARY ? "binary" : "text");
        strlist_take(&t.cells,
                     v[i]->skipped != NULL
                         ? xasprintf("no data: %s", v[i]->skipped)
                         : xasprintf("%016" PRIx64 "%016" PRIx64, v[i]->fp.a, v[i]->fp.b));
    }
    if (n > 0) {
        print_out("\n%s\n", all || n == m->n_tables ? "tables" : "the largest tables");
        texttable_print(&t, stdout);
    }
    texttable_free(&t);
    free(v);
}

static int
show_text(const struct cmd *c, const struct backup_entry *b, const struct annotation *known,
          const struct manifest *m, struct err *e)
{
    (void)e; /* as show_json() */
    show_label(b->label, m == NULL);
    if (b->state != BACKUP_COMMITTED) {
        line(backup_state_text(b->state), "%s", b->problem);
    }
    show_standing(known);
    if (m == NULL) {
        line("encrypted", "no key here that reads it: --identity FILE shows what is in it");
        return EXIT_GOOD;
    }
    if (b->label->encrypted) {
        line("encrypted", "epoch %u", b->label->epoch);
    }
    show_manifest(m);
    for (size_t i = 0; i < b->label->warnings.n; i++) {
        line("warning", "%s", b->label->warnings.v[i]);
    }
    show_tables(m, CMD_OPTIONS(c, show_options)->tables);
    return EXIT_GOOD;
}

static int
run(const struct cmd *c, struct err *e)
{
    struct repo        *r = cmd_open(c, c->args[0], e);
    struct backup_entry b = {.state = BACKUP_COMMITTED};
    struct backup_list  one = {.v = &b, .n = 1};
    struct annotations  known = {0};
    struct manifest    *m = NULL;
    bool closed; /* there is no key here to read its contents, and they were not requested */
    int  rc = -1;

    b.label = r == NULL ? NULL
                        : backup_find(r, c->args[0], c->n_args == 2 ? c->args[1] : NULL, 0, e);
    if (b.label == NULL) {
        goto out;
    }
    memcpy(b.id, b.label->id, sizeof b.id);
    closed = !CMD_OPTIONS(c, show_options)->tables && !keyring_reads(r->keys, b.label->epoch);
    if (backup_list_check(r, c->args[0], &one, CMD_OPTIONS(c, show_options)->check, e) == 0 &&
        annotations_load(r, c->args[0], &one, &known, e) == 0 &&
        (closed || (m = manifest_load(r, b.label, e)) != NULL)) {
        rc = (c->json ? show_json : show_text)(c, &b, known.v, m, e);
    }
    if (rc == EXIT_GOOD && CMD_OPTIONS(c, show_options)->check && b.state == BACKUP_DAMAGED) {
        rc = EXIT_DIFFERENT;
    }
out:
    manifest_free(m);
    annotations_free(&known);
    label_free(b.label);
    free(b.problem);
    repo_close(r);
    return rc;
}

static const struct opt options[] = {
    {OPT_FLAG, "tables", 0, NULL, "every table with its rows, sizes and fingerprint",
     offsetof(struct show_options, tables), 0, 0, NULL, NULL},
    {OPT_FLAG, "check", 0, NULL, "also look whether every chunk is there, in its size",
     offsetof(struct show_options, check), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_show = {
    .cli = {.name = "show",
            .args = "DB [BACKUP]",
            .summary = "tell what a backup holds",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_as_of_options, cmd_key_options,
                                 cmd_general_options)},
    .size = sizeof(struct show_options),
    .run = run,
};
