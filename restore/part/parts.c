#include "restore/part/parts.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/conn/name_match.h"
#include "restore/part/live.h"
#include "restore/part/partitions.h"
#include "restore/part/parts_impl.h"
#include "restore/part/use_list.h"

static const char *const schema[] = {"SCHEMA", NULL};
static const char *const extension[] = {"EXTENSION", NULL};
static const char *const sequence[] = {"SEQUENCE", NULL};
static const char *const matview[] = {"MATERIALIZED VIEW", NULL};
static const char *const rows[] = {"TABLE", NULL};
static const char *const view[] = {"VIEW", NULL};
static const char *const rule[] = {"RULE", NULL};

enum { PG_CLASS = 1259 };

struct patterns {
    struct name_patterns tables, not_tables, schemas, not_schemas;
};

/* Whether only named objects are restored (-t, -n), not all but the named ones. */
static bool
only_named(const struct options *o)
{
    return o->use_list != NULL || o->tables.n + o->schemas.n > 0;
}

static void
patterns_free(struct patterns *p)
{
    name_patterns_free(&p->tables);
    name_patterns_free(&p->not_tables);
    name_patterns_free(&p->schemas);
    name_patterns_free(&p->not_schemas);
}

static int
patterns_read(const struct options *o, struct patterns *p, struct err *e)
{
    *p = (struct patterns){0};
    return name_patterns_read(&o->tables, false, &p->tables, e) == 0 &&
            name_patterns_read(&o->exclude_tables, false, &p->not_tables, e) == 0 &&
            name_patterns_read(&o->schemas, true, &p->schemas, e) == 0 &&
            name_patterns_read(&o->exclude_schemas, true, &p->not_schemas, e) == 0
        ? 0
        : -1;
}

static int
check_patterns(const struct restore *r, const struct patterns *p, struct err *e)
{
    const char *idle = name_patterns_idle(&p->tables);

    idle = idle != NULL ? idle : name_patterns_idle(&p->schemas);
    if (idle == NULL) {
        return 0;
    }
    err_set(e, ERR_USAGE, "nothing in backup %s of \"%s\" matches \"%s\"", r->label->id,
            r->o->database, idle);
    return err_hint(e, "--list shows what it holds");
}

/* The patterns' result for an object with a name in a schema (either may be NULL). */
struct verdict {
    bool named, schema_named, excluded;
};

static struct verdict
judge(struct patterns *p, const char *in, const char *name)
{
    struct verdict v = {0};

    v.schema_named = in != NULL && name_patterns_match(&p->schemas, NULL, in);
    v.named = name != NULL && name_patterns_match(&p->tables, in, name) &&
        (p->schemas.n == 0 || v.schema_named);
    v.excluded = (in != NULL && name_patterns_match(&p->not_schemas, NULL, in)) ||
        (name != NULL && name_patterns_match(&p->not_tables, in, name));
    return v;
}

static bool
asks_for(const struct patterns *p, const struct verdict *v)
{
    return !v->excluded && (p->tables.n > 0 ? v->named : p->schemas.n == 0 || v->schema_named);
}

/* Tables of the manifest by oid: an entry's own name has blanks for line ends. */
static int
by_oid(const void *a, const void *b)
{
    uint32_t x = (*(const struct manifest_table *const *)a)->oid,
             y = (*(const struct manifest_table *const *)b)->oid;

    return x < y ? -1 : x > y;
}

struct tables {
    const struct manifest_table **v;
    size_t                        n;
};

static struct tables
tables_by_oid(const struct manifest *m)
{
    struct tables t = {.v = xcalloc(m->n_tables + 1, sizeof *t.v), .n = m->n_tables};

    for (size_t i = 0; i < t.n; i++) {
        t.v[i] = &m->tables[i];
    }
    qsort(t.v, t.n, sizeof *t.v, by_oid);
    return t;
}

static const struct manifest_table *
table_of(const struct tables *t, const struct archive_entry *entry)
{
    const struct manifest_table   key = {.oid = entry->oid}, *k = &key;
    const struct manifest_table **found = entry->class_oid == PG_CLASS
        ? bsearch(&k, t->v, t->n, sizeof *t->v, by_oid)
        : NULL;

    return found == NULL ? NULL : *found;
}

static void
ask(struct parts *p, struct patterns *patterns, const struct tables *tables, size_t i)
{
    const struct archive_entry  *entry = &p->a->v[i];
    const struct manifest_table *t = table_of(tables, entry);
    bool                         relation = entry_is(entry, parts_relations);
    const char                  *in = entry_is(entry, schema) ? entry->tag : entry->schema;
    struct verdict               v = judge(patterns, t != NULL ? t->schema : in,
                             !relation       ? NULL
                                               : t != NULL ? t->name
                                                           : entry->tag);

    p->excluded[i] = relation && v.excluded;
    if (asks_for(patterns, &v) && (patterns->tables.n > 0 || !parts_follows(p, i))) {
        p->of[i] = PART_WANTED;
    }
}

/* A partitioned table includes its partitions, too, and theirs. */
static void
ask_for_partitions(struct parts *p)
{
    size_t *parents = partitions_parents(p->a, &p->ids);
    bool    more = true;

    while (more) {
        more = false;
        for (size_t part = 0; part < p->a->n; part++) {
            size_t to = parents[part];

            if (to == SIZE_MAX || p->excluded[part]) {
                continue;
            }
            if (p->excluded[to]) {
                p->excluded[part] = more = true;
                p->of[part] = PART_NONE;
            } else if (p->of[to] == PART_WANTED && p->of[part] != PART_WANTED) {
                p->of[part] = PART_WANTED;
                more = true;
            }
        }
    }
    free(parents);
}

/* Tables of extensions have no entries: selecting one selects the extension. */
static void
ask_for_extensions(struct parts *p, struct patterns *patterns)
{
    const struct manifest *m = p->r->manifest;

    for (size_t i = 0; patterns->tables.n > 0 && i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->extension == NULL || !judge(patterns, t->schema, t->name).named) {
            continue;
        }
        for (size_t k = 0; k < p->a->n; k++) {
            if (entry_is(&p->a->v[k], extension) && strcmp(p->a->v[k].tag, t->extension) == 0) {
                p->of[k] = PART_WANTED;
            }
        }
    }
}

/* Names of entries of a kind, to look for those of the manifest: line ends are blanks in both. */
static char *
name_key(const char *in, const char *name)
{
    char *key = xasprintf("%s\001%s", in == NULL ? "" : in, name);

    for (char *c = key; *c != '\0'; c++) {
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    }
    return key;
}

struct keeping {
    const struct parts *p;
    struct patterns    *patterns;
    struct strlist      all, kept; /* names of one kind; sorted */
    struct strlist      oids;      /* of wanted tables; sorted */
};

static void
keep_kind(struct keeping *k, const char *const *kind)
{
    strlist_free(&k->all);
    strlist_free(&k->kept);
    for (size_t i = 0; i < k->p->a->n; i++) {
        const struct archive_entry *entry = &k->p->a->v[i];

        if (entry_is(entry, kind)) {
            strlist_take(&k->all, name_key(entry->schema, entry->tag));
            if (k->p->of[i] != PART_NONE) {
                strlist_take(&k->kept, name_key(entry->schema, entry->tag));
            }
        }
    }
    strlist_sort(&k->all);
    strlist_sort(&k->kept);
}

/* Objects without an entry belong to an extension. */
static bool
keeps_name(const struct keeping *k, const char *in, const char *name)
{
    char *key = name_key(in, name);
    bool  kept = strlist_find(&k->kept, key) ||
        (!only_named(k->p->r->o) && !strlist_find(&k->all, key));

    free(key);
    return kept;
}

static bool
keeps_sequence(const void *ctx, const void *element)
{
    const struct manifest_sequence *s = element;

    return keeps_name(ctx, s->schema, s->name);
}

static bool
keeps_matview(const void *ctx, const void *element)
{
    const struct manifest_matview *v = element;

    return keeps_name(ctx, v->schema, v->name);
}

static bool
keeps_table(const void *ctx, const void *element)
{
    const struct keeping        *k = ctx;
    const struct manifest_table *t = element;
    char                         oid[16];

    if (t->extension != NULL || k->p->a->n == 0) {
        struct verdict v = judge(k->patterns, t->schema, t->name);

        return k->p->a->n == 0 ? asks_for(k->patterns, &v)
                               : !v.excluded && strlist_find(&k->kept, t->extension);
    }
    (void)snprintf(oid, sizeof oid, "%010u", t->oid);
    return strlist_find(&k->oids, oid);
}

static void
narrow_manifest(struct parts *p, struct patterns *patterns)
{
    struct manifest *m = p->r->manifest;
    struct keeping   k = {.p = p, .patterns = patterns};

    keep_kind(&k, sequence);
    manifest_keep(m, "sequences", keeps_sequence, &k);
    keep_kind(&k, matview);
    manifest_keep(m, "matviews", keeps_matview, &k);
    strlist_free(&k.kept);
    for (size_t i = 0; i < p->a->n; i++) {
        const struct archive_entry *entry = &p->a->v[i];

        if (entry_is(entry, extension) && p->of[i] != PART_NONE) {
            strlist_add(&k.kept, entry->tag);
        }
        if (entry->class_oid == PG_CLASS && p->of[i] == PART_WANTED) {
            strlist_take(&k.oids, xasprintf("%010u", entry->oid));
        }
    }
    strlist_sort(&k.kept);
    strlist_sort(&k.oids);
    manifest_keep(m, "tables", keeps_table, &k);
    strlist_free(&k.all);
    strlist_free(&k.kept);
    strlist_free(&k.oids);
    if (only_named(p->r->o)) {
        m->lo_count = 0;
    }
}

/* A view whose query comes later, as its rule. */
static bool
is_rule_of_view(const struct archive_entry *entry, const struct archive_entry *of)
{
    size_t n = strlen(of->tag);

    return entry_is(entry, rule) && entry->schema != NULL && of->schema != NULL &&
        strcmp(entry->schema, of->schema) == 0 && strncmp(entry->tag, of->tag, n) == 0 &&
        strcmp(entry->tag + n, " _RETURN") == 0;
}

/* Whether an entry reads, directly or through views, a table that comes without its rows. */
static bool
reads_empty(const struct parts *p, size_t i, bool *seen)
{
    const struct archive_entry *entry = &p->a->v[i];

    if (seen[i]) {
        return false;
    }
    seen[i] = true;
    if (entry_is(entry, rows) && p->of[i] != PART_WANTED) {
        return true;
    }
    for (size_t k = 0; !entry_is(entry, rows) && k < entry->n_depends; k++) {
        size_t other = parts_index(p, entry->depends[k]);

        if (other != SIZE_MAX && reads_empty(p, other, seen)) {
            return true;
        }
    }
    for (size_t k = 0; entry_is(entry, view) && k < p->a->n; k++) {
        if (is_rule_of_view(&p->a->v[k], entry) && reads_empty(p, k, seen)) {
            return true;
        }
    }
    return false;
}

/* It would be filled from rows that are not restored. */
static void
leave_unpopulated(struct parts *p)
{
    struct manifest *m = p->r->manifest;

    for (size_t i = 0; i < p->a->n; i++) {
        const struct archive_entry *entry = &p->a->v[i];
        bool                       *seen;
        bool                        empty;

        if (!entry_is(entry, matview) || p->of[i] == PART_NONE) {
            continue;
        }
        seen = xcalloc(p->a->n, sizeof *seen);
        empty = reads_empty(p, i, seen);
        free(seen);
        for (size_t k = 0; empty && k < m->n_matviews; k++) {
            char *have = name_key(m->matviews[k].schema, m->matviews[k].name);
            char *want = name_key(entry->schema, entry->tag);

            if (m->matviews[k].populated && strcmp(have, want) == 0) {
                m->matviews[k].populated = false;
                restore_warn(p->r,
                             xasprintf("materialized view %s.%s is not filled: it reads tables "
                                       "whose rows are not restored",
                                       entry->schema, entry->tag));
            }
            free(have);
            free(want);
        }
    }
}

static int
ask_as_listed(struct parts *p, bool *large_objects, struct err *e)
{
    struct use_list l;
    int             rc = use_list_read(p->r, &l, e);

    for (size_t i = 0; rc == 0 && i < p->a->n; i++) {
        p->of[i] = l.kept[i] ? PART_WANTED : PART_NONE;
    }
    *large_objects = l.large_objects;
    p->listed = true;
    use_list_free(&l);
    return rc;
}

static void
narrow_archive(struct parts *p)
{
    bool *keep = xcalloc(p->a->n + 1, sizeof *keep);

    for (size_t i = 0; i < p->a->n; i++) {
        const struct archive_entry *entry = &p->a->v[i];

        keep[i] = p->of[i] != PART_NONE;
        if (p->of[i] == PART_NEEDED && !parts_follows(p, i)) {
            strlist_take(&p->r->needed,
                         xasprintf("%s %s%s%s", entry->desc,
                                   entry->schema == NULL ? "" : entry->schema,
                                   entry->schema == NULL ? "" : ".", entry->tag));
        }
    }
    archive_keep(&p->r->archive, keep);
    free(keep);
}

int
parts_select(struct restore *r, struct err *e)
{
    struct parts    p = {.r = r, .a = &r->archive};
    struct patterns patterns;
    struct tables   tables = {0};
    const uint64_t  lo_count = r->manifest->lo_count;
    bool            large_objects = false;
    int             rc = -1;

    /* Without definitions there is no new database: preflight.c refuses. */
    if (!parts_asked(r->o) || (!r->has_archive && !live_asked(r->o))) {
        return 0;
    }
    r->is_part = true;
    p.ids = entry_ids_new(p.a);
    p.of = xcalloc(p.a->n + 1, sizeof *p.of);
    p.excluded = xcalloc(p.a->n + 1, sizeof *p.excluded);
    p.owned = xcalloc(p.a->n + 1, sizeof *p.owned);
    if (patterns_read(r->o, &patterns, e) != 0) {
        goto out;
    }
    tables = tables_by_oid(r->manifest);
    if (r->o->use_list != NULL) {
        if (ask_as_listed(&p, &large_objects, e) != 0) {
            goto out;
        }
    } else {
        for (size_t i = 0; i < p.a->n; i++) {
            ask(&p, &patterns, &tables, i);
        }
        ask_for_partitions(&p);
        ask_for_extensions(&p, &patterns);
    }
    for (size_t i = 0; !r->has_archive && i < r->manifest->n_tables; i++) {
        (void)judge(&patterns, r->manifest->tables[i].schema, r->manifest->tables[i].name);
    }
    if (check_patterns(r, &patterns, e) != 0) {
        goto out;
    }
    parts_close(&p);
    narrow_manifest(&p, &patterns);
    if (large_objects) {
        r->manifest->lo_count = lo_count;
    }
    leave_unpopulated(&p);
    narrow_archive(&p);
    rc = 0;
out:
    patterns_free(&patterns);
    free(tables.v);
    entry_ids_free(&p.ids);
    free(p.of);
    free(p.excluded);
    free(p.owned);
    return rc;
}
