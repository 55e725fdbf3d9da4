#include "verify/baseline/tell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/texttable.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/print.h"

enum { NAMED_MAX = 10 };

char *
tell_name(const struct label *l)
{
    return l->note == NULL ? xstrdup(l->id) : xasprintf("%s (%s)", l->id, l->note);
}

/* ---- list ---- */

static json_t *
entry_json(const struct baseline_entry *b, struct err *e)
{
    if (b->label != NULL)
        return label_json(b->label, e);
    return json_pack("{s:s, s:s}", "baseline", b->id, "problem", b->problem);
}

static json_t *
list_json(const char *db, const struct baseline_list *list, struct err *e)
{
    json_t *all = json_array();

    for (size_t i = 0; i < list->n; i++) {
        const struct baseline_entry *b = &list->v[i];
        json_t                      *o = entry_json(b, e);

        if (o == NULL) {
            json_decref(all);
            return NULL;
        }
        (void)json_array_append_new(all, o);
    }
    return json_pack("{s:s, s:o}", "database", db, "baselines", all);
}

static void
add_row(struct texttable *t, const struct baseline_entry *b)
{
    const struct label *l = b->label;
    char                text[48];

    texttable_add(t, b->id);
    if (l == NULL) {
        for (int i = 0; i < 5; i++)
            texttable_add(t, NULL);
        texttable_add(t, b->problem);
        return;
    }
    texttable_add(t, duration_human(difftime(time(NULL), l->snapshot), text, sizeof text));
    texttable_count(t, l->tables);
    texttable_count(t, l->rows);
    texttable_size(t, l->database_bytes);
    texttable_count(t, l->xid_age);
    texttable_add(t, l->note);
}

int
tell_list(const char *db, const struct baseline_list *list, bool json, struct err *e)
{
    struct texttable t = {.heads = "baseline|age|>tables|>rows|>size|>XID age|name", .fold = true};
    json_t          *o;

    if (json)
        return (o = list_json(db, list, e)) == NULL ? -1 : json_print(o, e);
    for (size_t i = 0; i < list->n; i++)
        add_row(&t, &list->v[i]);
    if (list->n > 0)
        texttable_print(&t, stdout);
    else
        print_out("no baseline of %s\n", db);
    texttable_free(&t);
    return 0;
}

/* ---- show ---- */

static json_t *
table_json(const struct manifest_table *t)
{
    json_t *o = json_pack("{s:s, s:s, s:o, s:I, s:I, s:s}", "schema", t->schema, "name", t->name,
                          "kind", json_bytes(&t->kind, 1), "rows", (json_int_t)t->rows,
                          "relation_bytes", (json_int_t)t->relation_bytes, "known_by",
                          t->estimated     ? "estimate"
                              : t->counted ? "count"
                                           : "contents");

    if (t->skipped != NULL)
        (void)json_object_set_new(o, "skipped", json_text(t->skipped));
    return o;
}

static void
set_section(json_t *o, const char *key, json_t *section)
{
    (void)json_object_set(o, key, section != NULL ? section : json_null());
}

static json_t *
one_json(const struct label *l, const struct manifest *m, struct err *e)
{
    json_t *o = label_json(l, e), *tables = json_array();

    if (o == NULL || m == NULL) {
        json_decref(tables);
        return o;
    }
    for (size_t i = 0; i < m->n_tables; i++)
        (void)json_array_append_new(tables, table_json(&m->tables[i]));
    set_section(o, "server", m->server);
    set_section(o, "database", m->database);
    set_section(o, "xid", m->xid);
    set_section(o, "extensions", m->extensions);
    (void)json_object_set_new(o, "sequences", json_integer((json_int_t)m->n_sequences));
    (void)json_object_set_new(o, "matviews", json_integer((json_int_t)m->n_matviews));
    (void)json_object_set_new(o, "objects", json_integer((json_int_t)m->n_objects));
    (void)json_object_set_new(o, "large_objects", json_integer((json_int_t)m->lo_count));
    (void)json_object_set_new(o, "table_list", tables);
    return o;
}

/* Which tables are estimated: the first, and how many more. */
static void
print_estimated(const struct manifest *m, uint64_t n)
{
    uint64_t named = 0;

    if (n == 0)
        return;
    print_out("%-17s", "estimated");
    for (size_t i = 0; i < m->n_tables && named < NAMED_MAX; i++) {
        if (!m->tables[i].estimated)
            continue;
        print_out("%s%s.%s", named > 0 ? ", " : "", m->tables[i].schema, m->tables[i].name);
        named++;
    }
    if (n > named)
        print_out(" and %" PRIu64 " more", n - named);
    print_out("\n");
}

static void
print_contents(const struct label *l, const struct manifest *m)
{
    char   a[48], b[48], c[48], d[48];
    size_t contents = 0;

    for (size_t i = 0; i < m->n_tables; i++)
        contents += m->tables[i].kind == 'r' && m->tables[i].skipped == NULL &&
            !m->tables[i].counted && !m->tables[i].estimated;
    print_out("%-17s%s, %s; the contents of %s\n", "tables",
              count_human(l->tables, NULL, a, sizeof a), count_human(l->rows, "row", b, sizeof b),
              count_human(contents, NULL, c, sizeof c));
    print_estimated(m, l->estimated);
    print_out("%-17s%s, %s, %s, %s\n", "besides", count_human(m->n_objects, "object", a, sizeof a),
              count_human(m->n_sequences, "sequence", b, sizeof b),
              count_human(json_array_size(m->extensions), "extension", c, sizeof c),
              count_human(m->lo_count, "large object", d, sizeof d));
}

static void
print_one(const struct label *l, const struct manifest *m)
{
    char *name = tell_name(l);
    char  a[48], b[48], c[48];

    print_out("%-17s%s of %s\n", label_kind(l), name, l->db);
    print_out("%-17s%s on %s, PostgreSQL %s%s\n", "database", l->dbname,
              l->host != NULL ? l->host : "a local socket", l->server_version,
              l->standby ? ", a standby" : "");
    print_out("%-17s%s (%s ago), in %s, by %s%s%s\n", "taken",
              time_rfc3339(l->snapshot, a, sizeof a),
              duration_human(difftime(time(NULL), l->snapshot), b, sizeof b),
              duration_human(l->seconds, c, sizeof c), l->tool,
              l->signed_by[0] != '\0' ? ", signer " : "", l->signed_by);
    print_out("%-17s%s\n", "size", size_human(l->database_bytes, a, sizeof a));
    if (m != NULL)
        print_contents(l, m);
    else
        print_out("%-17s%s, %s; the rest is encrypted: no key to read it (--identity)\n", "tables",
                  count_human(l->tables, NULL, a, sizeof a),
                  count_human(l->rows, "row", b, sizeof b));
    print_out("%-17s%s transactions, %s multixacts\n", "XID age",
              count_human(l->xid_age, NULL, a, sizeof a),
              count_human(l->multixact_age, NULL, b, sizeof b));
    for (size_t i = 0; i < l->warnings.n; i++)
        print_out("%-17s%s\n", i == 0 ? "warnings" : "", l->warnings.v[i]);
    free(name);
}

int
tell_one(const struct label *l, const struct manifest *m, bool json, struct err *e)
{
    json_t *o;

    if (json)
        return (o = one_json(l, m, e)) == NULL ? -1 : json_print_stored(o, e);
    print_one(l, m);
    return 0;
}

/* ---- diff ---- */

static json_t *
side_json(const struct difference_side *s)
{
    char at[32];

    return json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "kind", label_kind(s->label),
                     "id", s->label->id, "name", json_text(s->label->note), "snapshot",
                     time_rfc3339(s->label->snapshot, at, sizeof at), "tables",
                     (json_int_t)s->label->tables, "rows", (json_int_t)s->label->rows,
                     "database_bytes", (json_int_t)s->label->database_bytes, "xid_age",
                     (json_int_t)s->label->xid_age, "multixact_age",
                     (json_int_t)s->label->multixact_age);
}

static json_t *
difference_json(const struct difference *d, bool equal)
{
    return json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:o}", "verb", "baseline diff", "equal",
                     (int)equal, "database", d->to.label->db, "from", side_json(&d->from), "to",
                     side_json(&d->to), "compared",
                     json_pack("{s:I, s:I, s:I, s:I}", "tables", (json_int_t)d->tables, "contents",
                               (json_int_t)d->contents, "objects", (json_int_t)d->objects,
                               "sequences", (json_int_t)d->sequences),
                     "findings", findings_json(d->findings));
}

static void
print_side(const char *word, const struct difference_side *s)
{
    char *name = tell_name(s->label);
    char  rows[48], size[16], age[48], at[32];

    print_out("%-17s%s %s of %s: %s, %s, XID age %s\n", word, label_kind(s->label), name,
              time_rfc3339(s->label->snapshot, at, sizeof at),
              count_human(s->label->rows, "row", rows, sizeof rows),
              size_human(s->label->database_bytes, size, sizeof size),
              count_human(s->label->xid_age, NULL, age, sizeof age));
    free(name);
}

static void
print_difference(const struct difference *d, size_t different, size_t uncompared)
{
    char a[48], b[48], c[48];

    findings_print(d->findings, stdout);
    if (d->findings->n > 0)
        print_out("\n");
    print_side("from", &d->from);
    print_side("to", &d->to);
    print_out("%-17s%s (%s by contents), %s, %s\n", "compared",
              count_human(d->tables, "table", a, sizeof a),
              count_human(d->contents, NULL, b, sizeof b),
              count_human(d->objects, "object", c, sizeof c), "database, server settings");
    if (different + uncompared == 0)
        print_out("%-17sequal\n", "verdict");
    else
        print_out("%-17s%s: %zu different, %zu not compared\n", "verdict",
                  different > 0 ? "DIFFERENT" : "NOT PROVEN", different, uncompared);
}

int
tell_difference(const struct difference *d, bool json, bool quiet, struct err *e)
{
    size_t different = findings_count(d->findings, FINDING_DIFFERENT),
           uncompared = findings_count(d->findings, FINDING_UNCOMPARED);
    bool equal = different + uncompared == 0;

    if (json && json_print(difference_json(d, equal), e) != 0)
        return -1;
    if (!json && !(quiet && equal))
        print_difference(d, different, uncompared);
    return equal ? EXIT_GOOD : EXIT_DIFFERENT;
}
