#include "pg/archive/archive_split.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "--\n-- TOC entry "

/* A decimal number of at most max; NULL when there is none. */
static const char *
number(const char *p, unsigned long max, unsigned long *out)
{
    *out = 0;
    if (!isdigit((unsigned char)*p)) {
        return NULL;
    }
    for (; isdigit((unsigned char)*p); p++) {
        *out = *out * 10 + (unsigned long)(*p - '0');
        if (*out > max) {
            return NULL;
        }
    }
    return p;
}

static const char *
literal(const char *p, const char *text)
{
    size_t n = strlen(text);

    return p != NULL && strncmp(p, text, n) == 0 ? p + n : NULL;
}

static const char *
next_line(const char *p)
{
    const char *nl = strchr(p, '\n');

    return nl == NULL ? p + strlen(p) : nl + 1;
}

/* What stands between "N", its middle and the end of an entry's identification, in list and
 * header alike. */
static const char *
identification(const char *p, const char *before_class, const char *before_oid, const char *behind,
               int *id, uint32_t *class_oid, uint32_t *oid)
{
    unsigned long n = 0, c = 0, o = 0;

    p = number(p, INT_MAX, &n);
    p = literal(p, before_class);
    p = p == NULL ? NULL : number(p, UINT32_MAX, &c);
    p = literal(p, before_oid);
    p = p == NULL ? NULL : number(p, UINT32_MAX, &o);
    p = literal(p, behind);
    *id = (int)n;
    *class_oid = (uint32_t)c;
    *oid = (uint32_t)o;
    return p;
}

static int
by_id_cmp(const void *a, const void *b, void *ctx)
{
    const struct archive_entry *v = ctx;
    int x = v[*(const size_t *)a].dump_id, y = v[*(const size_t *)b].dump_id;

    return x < y ? -1 : x > y;
}

int
archive_split_begin(struct archive_split *s, struct archive *a, const char *list, struct err *e)
{
    *s = (struct archive_split){.archive = a};
    for (const char *p = list; *p != '\0'; p = next_line(p)) {
        struct archive_entry entry = {0};
        const char *rest = identification(p, "; ", " ", " ", &entry.dump_id, &entry.class_oid,
                                          &entry.oid);

        if (rest != NULL) {
            VEC_GROW(a->v, a->n, a->cap);
            a->v[a->n++] = entry;
            strlist_take(&s->lines, xstrndup(rest, strcspn(rest, "\n")));
        }
    }
    s->by_id = xcalloc(a->n + 1, sizeof *s->by_id);
    for (size_t i = 0; i < a->n; i++) {
        s->by_id[i] = i;
    }
    qsort_r(s->by_id, a->n, sizeof *s->by_id, by_id_cmp, a->v);
    for (size_t i = 1; i < a->n; i++) {
        if (a->v[s->by_id[i - 1]].dump_id == a->v[s->by_id[i]].dump_id) {
            return err_set(e, ERR_CORRUPT, "archive \"%s\": entry %d is listed twice",
                           a->path == NULL ? "" : a->path, a->v[s->by_id[i]].dump_id);
        }
    }
    return 0;
}

static struct archive_entry *
find_entry(const struct archive_split *s, int id, size_t *index)
{
    size_t low = 0, high = s->archive->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2, i = s->by_id[mid];
        if (s->archive->v[i].dump_id == id) {
            *index = i;
            return &s->archive->v[i];
        }
        if (s->archive->v[i].dump_id < id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

/* A piece of the text: one entry, from its header to the next. */
struct piece {
    size_t      index;  /* of the entry */
    const char *header; /* at "--\n-- TOC entry" */
    const char *end;
};

struct pieces {
    struct piece *v;
    size_t        n, cap;
};

/* Every header in text; -1 when one is no entry's. */
static int
find_headers(const struct archive_split *s, const char *text, bool alone, struct pieces *out)
{
    for (const char *p = text; (p = strstr(p, HEADER)) != NULL; p++) {
        const struct archive_entry *entry;
        struct piece                piece = {.header = p};
        uint32_t                    class_oid, oid;
        int                         id;

        if (p != text && p[-1] != '\n') {
            continue;
        }
        if (identification(p + strlen(HEADER), " (class ", " OID ", ")\n", &id, &class_oid, &oid) ==
            NULL) {
            continue;
        }
        entry = find_entry(s, id, &piece.index);
        if (entry == NULL || entry->class_oid != class_oid || entry->oid != oid) {
            return -1;
        }
        VEC_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = piece;
        if (alone) {
            break;
        }
    }
    for (size_t i = 0; i < out->n; i++) {
        out->v[i].end = i + 1 < out->n ? out->v[i + 1].header : text + strlen(text);
    }
    return 0;
}

static int
size_cmp(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

/* Whether the pieces are exactly the wanted entries, each once. */
static bool
same_entries(const struct pieces *pieces, const size_t *entries, size_t n)
{
    size_t *have, *want;
    bool    same;

    if (pieces->n != n) {
        return false;
    }
    have = xcalloc(n + 1, sizeof *have);
    want = xcalloc(n + 1, sizeof *want);
    for (size_t i = 0; i < n; i++) {
        have[i] = pieces->v[i].index;
        want[i] = entries[i];
    }
    qsort(have, n, sizeof *have, size_cmp);
    qsort(want, n, sizeof *want, size_cmp);
    same = memcmp(have, want, n * sizeof *have) == 0;
    free(have);
    free(want);
    return same;
}

static void
parse_depends(struct archive_entry *entry, const char *p)
{
    size_t        cap = 0;
    unsigned long id;

    free(entry->depends);
    entry->depends = NULL;
    entry->n_depends = 0;
    while (*p == ' ' && (p = number(p + 1, INT_MAX, &id)) != NULL) {
        VEC_GROW(entry->depends, entry->n_depends, cap);
        entry->depends[entry->n_depends++] = (int)id;
    }
}

static bool
starts_with(const char *s, const char *prefix, size_t n)
{
    return strncmp(s, prefix, n) == 0;
}

/* Whether line (of the list) is "DESC SCHEMA TAG OWNER" for one way to cut the header; then
 * takes the fields. */
static bool
take_fields(struct archive_entry *entry, const char *line, const char *tag, size_t n_tag,
            const char *desc, size_t n_desc, const char *schema, size_t n_schema)
{
    const char *p = line;

    if (!starts_with(p, desc, n_desc) || p[n_desc] != ' ') {
        return false;
    }
    p += n_desc + 1;
    if (!starts_with(p, schema, n_schema) || p[n_schema] != ' ') {
        return false;
    }
    p += n_schema + 1;
    if (!starts_with(p, tag, n_tag) || p[n_tag] != ' ') {
        return false;
    }
    entry->desc = xstrndup(desc, n_desc);
    entry->schema = n_schema == 1 && *schema == '-' ? NULL : xstrndup(schema, n_schema);
    entry->tag = xstrndup(tag, n_tag);
    entry->owner = xstrdup(p + n_tag + 1);
    return true;
}

/*
 * Neither text can be cut for certain alone (a name may hold blanks, or "; Type: "), but
 * both together can: of the ways to cut the header, one gives the list's line.
 */
static bool
parse_fields(struct archive_entry *entry, const char *line, const char *name)
{
    char       *header = xstrndup(name, strcspn(name, "\n"));
    const char *type, *schema, *owner;
    bool        found = false;

    for (type = header; !found && (type = strstr(type, "; Type: ")) != NULL; type++) {
        for (schema = type; !found && (schema = strstr(schema, "; Schema: ")) != NULL; schema++) {
            for (owner = schema; !found && (owner = strstr(owner, "; Owner: ")) != NULL; owner++) {
                const char *t = type + strlen("; Type: "), *s = schema + strlen("; Schema: ");
                if (t <= schema && s <= owner) {
                    found = take_fields(entry, line, header, (size_t)(type - header), t,
                                        (size_t)(schema - t), s, (size_t)(owner - s));
                }
            }
        }
    }
    free(header);
    return found;
}

static void
forget_fields(struct archive_entry *entry)
{
    free(entry->desc);
    free(entry->schema);
    free(entry->tag);
    free(entry->owner);
    free(entry->sql);
    entry->desc = entry->schema = entry->tag = entry->owner = entry->sql = NULL;
}

/* Context that pg_restore prints only when it changes: it stands at the end of the piece before. */
struct context {
    char *tablespace, *access_method; /* whole SET statements, or NULL */
};

/* When [start, end) closes with the statement that begins with what: its beginning. */
static const char *
trailing_set(const char *start, const char *end, const char *what)
{
    size_t n = strlen(what);

    if (end - start < 3 || memcmp(end - 3, ";\n\n", 3) != 0) {
        return NULL;
    }
    for (const char *p = end - 3; p > start; p--) {
        if (p[-1] != '\n' || (size_t)(end - p) <= n || memcmp(p, what, n) != 0) {
            continue;
        }
        return memmem(p, (size_t)(end - 3 - p), ";\n", 2) == NULL ? p : NULL;
    }
    return NULL;
}

static void
set_context(char **slot, const char *from, const char *end)
{
    free(*slot);
    *slot = xstrndup(from, (size_t)(end - 3 - from) + 1);
}

/* Cuts the SET statements off the end of [start, end), into *c; returns the new end. */
static const char *
cut_context(const char *start, const char *end, struct context *c)
{
    for (;;) {
        const char *ts = trailing_set(start, end, "SET default_tablespace = ");
        const char *am = trailing_set(start, end, "SET default_table_access_method = ");

        if (ts == NULL && am == NULL) {
            return end;
        }
        set_context(ts != NULL ? &c->tablespace : &c->access_method, ts != NULL ? ts : am, end);
        end = ts != NULL ? ts : am;
    }
}

static bool
uses_tablespace(const char *desc)
{
    return strcmp(desc, "TABLE") == 0 || strcmp(desc, "MATERIALIZED VIEW") == 0 ||
        strcmp(desc, "INDEX") == 0 || strcmp(desc, "CONSTRAINT") == 0;
}

static char *
with_context(const struct archive_entry *entry, const struct context *c, const char *body, size_t n)
{
    bool table = strcmp(entry->desc, "TABLE") == 0 || strcmp(entry->desc, "MATERIALIZED VIEW") == 0;
    const char *ts = c->tablespace != NULL && uses_tablespace(entry->desc) ? c->tablespace : "";
    const char *am = c->access_method != NULL && table ? c->access_method : "";

    return xasprintf("%s%s%s%s%.*s", ts, *ts == '\0' ? "" : "\n", am, *am == '\0' ? "" : "\n",
                     (int)n, body);
}

/* The first byte of SQL behind a header; *name is where "-- Name: " text begins, *depends the
 * list, or NULL. */
static const char *
skip_header(const char *p, const char *end, const char **name, const char **depends)
{
    *name = *depends = NULL;
    p = next_line(next_line(p));
    while (p < end && strncmp(p, "--\n", 3) != 0) {
        const char *q;
        if ((q = literal(p, "-- Dependencies:")) != NULL) {
            *depends = q;
        } else if ((q = literal(p, "-- Name: ")) != NULL ||
                   (q = literal(p, "-- Data for Name: ")) != NULL) {
            *name = q;
        } else if (literal(p, "-- ") == NULL) {
            return NULL;
        }
        p = next_line(p);
    }
    return p < end && *name != NULL ? p + 3 : NULL;
}

static bool
take_piece(struct archive_split *s, const struct piece *piece, struct context *before)
{
    struct archive_entry *entry = &s->archive->v[piece->index];
    struct context        own = *before;
    const char           *end, *name, *depends,
        *start = skip_header(piece->header, piece->end, &name, &depends);
    static const char last[] = "\n--\n-- PostgreSQL database dump complete\n";

    forget_fields(entry);
    if (start == NULL || !parse_fields(entry, s->lines.v[piece->index], name)) {
        return false;
    }
    parse_depends(entry, depends == NULL ? "" : depends);
    end = piece->end;
    if (*end == '\0') {
        /* The last piece: the dump's own closing comments, which are the last such lines. */
        for (const char *p = start - 1; (p = strstr(p, last)) != NULL; p++) {
            end = p + 1;
        }
        for (const char *p = start - 1; (p = strstr(p, "\n-- Completed on ")) != NULL && p < end;
             p++) {
            if (next_line(p + 1) + 1 == end || next_line(p + 1) == end) {
                end = p + 1;
                break;
            }
        }
    }
    if (end < start) {
        end = start;
    }
    own.tablespace = before->tablespace == NULL ? NULL : xstrdup(before->tablespace);
    own.access_method = before->access_method == NULL ? NULL : xstrdup(before->access_method);
    end = cut_context(start, end, before);
    while (start < end && *start == '\n') {
        start++;
    }
    while (end > start && end[-1] == '\n') {
        end--;
    }
    entry->sql = with_context(entry, &own, start, (size_t)(end - start));
    free(own.tablespace);
    free(own.access_method);
    return true;
}

bool
archive_split_text(struct archive_split *s, const size_t *entries, size_t n, const char *text,
                   bool alone)
{
    struct pieces  pieces = {0};
    struct context context = {0};
    bool ok = find_headers(s, text, alone, &pieces) == 0 && same_entries(&pieces, entries, n);

    if (ok && n > 0) {
        /* Behind the preamble there may already be settings for the first entry. */
        (void)cut_context(text, pieces.v[0].header, &context);
    }
    for (size_t i = 0; ok && i < n; i++) {
        ok = take_piece(s, &pieces.v[i], &context);
    }
    free(context.tablespace);
    free(context.access_method);
    free(pieces.v);
    return ok;
}

static enum archive_section
section_of(const char *desc)
{
    static const char *const none[] = {
        "COMMENT", "ACL", "SECURITY LABEL", "ENCODING", "STDSTRINGS", "SEARCHPATH", NULL};
    static const char *const data[] = {"TABLE DATA",   "SEQUENCE SET",    "BLOB",
                                       "BLOBS",        "BLOB DATA",       "BLOB METADATA",
                                       "LARGE OBJECT", "STATISTICS DATA", NULL};
    static const char *const post[] = {"INDEX",
                                       "INDEX ATTACH",
                                       "STATISTICS",
                                       "CONSTRAINT",
                                       "FK CONSTRAINT",
                                       "CHECK CONSTRAINT",
                                       "TRIGGER",
                                       "EVENT TRIGGER",
                                       "RULE",
                                       "POLICY",
                                       "ROW SECURITY",
                                       "PUBLICATION",
                                       "PUBLICATION TABLE",
                                       "PUBLICATION TABLES IN SCHEMA",
                                       "SUBSCRIPTION",
                                       "SUBSCRIPTION TABLE",
                                       "MATERIALIZED VIEW DATA",
                                       "DEFAULT ACL",
                                       NULL};
    const struct {
        const char *const   *v;
        enum archive_section section;
    } kinds[] = {{none, SECTION_NONE}, {data, SECTION_DATA}, {post, SECTION_POST_DATA}};

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t i = 0; kinds[k].v[i] != NULL; i++) {
            if (strcmp(kinds[k].v[i], desc) == 0) {
                return kinds[k].section;
            }
        }
    }
    return SECTION_PRE_DATA;
}

void
archive_split_sections(struct archive *a)
{
    enum archive_section current = SECTION_PRE_DATA;

    /* Comments, labels and grants belong to the section they stand in. */
    for (size_t i = 0; i < a->n; i++) {
        enum archive_section own = section_of(a->v[i].desc);
        if (own != SECTION_NONE) {
            current = own;
        }
        a->v[i].section = current;
    }
}

void
archive_split_end(struct archive_split *s)
{
    strlist_free(&s->lines);
    free(s->by_id);
}
