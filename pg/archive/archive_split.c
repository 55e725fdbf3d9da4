#include "pg/archive/archive_split.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_fields.h"
#include "pg/archive/archive_kind.h"

#define HEADER  "--\n-- TOC entry "
#define CLOSING "--\n-- PostgreSQL database dump complete\n--\n\n"

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

/* The text between "N", its middle and the end of an entry's identification, in list and
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

/* The settings that pg_restore prints only on a change, between two entries. */
enum { TABLESPACE, ACCESS_METHOD, N_CONTEXT };

enum { HEAD_TOKENS = 5 };

/* A piece of the text: one entry. */
struct piece {
    size_t           index;          /* of the entry */
    const char      *name, *depends; /* after "-- Name: " and "-- Dependencies:" (or NULL) */
    struct sql_span  sql;
    struct sql_span  context[N_CONTEXT]; /* in force; from NULL: none */
    struct sql_token first[HEAD_TOKENS]; /* of its first statement */
    size_t           n_first;
};

struct pieces {
    struct piece *v;
    size_t        n, cap;
};

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

struct walk {
    const struct archive_split *s;
    struct sql_reader           r;
    struct pieces              *out;
    struct sql_token            head[HEAD_TOKENS]; /* the statement's first tokens */
    size_t                      n_head;            /* all of its tokens, with the semicolon */
    struct sql_span             context[N_CONTEXT];
    bool                        context_last; /* no statement of the piece follows a context */
    const char *completed; /* where the piece ended before "-- Completed on", the last comment */
    bool        closed;    /* the dump's closing comment has been */
};

static struct piece *
open_piece(const struct walk *w)
{
    return w->out->n == 0 || w->closed ? NULL : &w->out->v[w->out->n - 1];
}

/* Reads the lines after "-- TOC entry …", up to the closing "--"; the first byte after it, or NULL:
 * not a header of pg_restore's.  A carriage return would end the comment for a server. */
static const char *
read_header(const char *p, struct piece *piece)
{
    while (literal(p, "--\n\n") == NULL) {
        const char *q;

        if (p[strcspn(p, "\r\n")] != '\n') {
            return NULL;
        }
        if ((q = literal(p, "-- Dependencies:")) != NULL) {
            piece->depends = q;
        } else if ((q = literal(p, "-- Name: ")) != NULL ||
                   (q = literal(p, "-- Data for Name: ")) != NULL) {
            piece->name = q;
        } else if (literal(p, "-- ") == NULL) {
            return NULL;
        }
        p = next_line(p);
    }
    return piece->name == NULL ? NULL : p + 3;
}

/* At "--\n-- TOC entry ".  -1: it belongs to no entry. */
static int
begin_piece(struct walk *w, const char *header)
{
    const struct archive_entry *entry;
    struct piece                piece = {0};
    uint32_t                    class_oid, oid;
    int                         id;
    const char *p = identification(header + strlen(HEADER), " (class ", " OID ", ")\n", &id,
                                   &class_oid, &oid);

    entry = p == NULL ? NULL : find_entry(w->s, id, &piece.index);
    if (entry == NULL || entry->class_oid != class_oid || entry->oid != oid ||
        (p = read_header(p, &piece)) == NULL) {
        return -1;
    }
    piece.sql = (struct sql_span){p, p};
    memcpy(piece.context, w->context, sizeof piece.context);
    VEC_GROW(w->out->v, w->out->n, w->out->cap);
    w->out->v[w->out->n++] = piece;
    w->context_last = false;
    w->completed = NULL;
    sql_continue(&w->r, p);
    return 0;
}

static void
end_text(struct walk *w, const char *closing)
{
    struct piece *piece = open_piece(w);

    if (piece != NULL && w->completed != NULL) {
        piece->sql.to = w->completed;
    }
    w->closed = true;
    sql_continue(&w->r, closing + strlen(CLOSING));
}

/* A comment, or a line for psql, between two statements. */
static int
take_comment(struct walk *w, const struct sql_token *t)
{
    struct piece *piece = open_piece(w);
    bool          line = t->kind == SQL_COMMENT && (t->at == w->r.text || t->at[-1] == '\n');

    if (w->closed) {
        return t->kind == SQL_PSQL ? 0 : -1;
    }
    if (line && literal(t->at, HEADER) != NULL) {
        return begin_piece(w, t->at);
    }
    if (line && literal(t->at, CLOSING) != NULL) {
        end_text(w, t->at);
        return 0;
    }
    if (piece == NULL) {
        return 0;
    }
    if (w->context_last || t->kind == SQL_PSQL) {
        return -1;
    }
    w->completed = literal(t->at, "-- Completed on ") != NULL ? piece->sql.to : NULL;
    piece->sql.to = t->at + t->n;
    return 0;
}

/* Which setting the statement is, or N_CONTEXT. */
static int
context_of(const struct sql_statement *s, size_t n_tokens)
{
    static const char *const words[N_CONTEXT] = {"SET default_tablespace",
                                                 "SET default_table_access_method"};
    struct sql_cursor        c = sql_cursor(s);

    for (int i = 0; n_tokens == HEAD_TOKENS && i < N_CONTEXT; i++) {
        if (sql_words(&c, words[i])) {
            return sql_sign(&c, '=') ? i : N_CONTEXT;
        }
    }
    return N_CONTEXT;
}

/* t is the semicolon of the statement that begins with w->head. */
static int
take_statement(struct walk *w, const struct sql_token *t)
{
    struct piece        *piece = open_piece(w);
    struct sql_statement s = {.v = w->head, .n = w->n_head < HEAD_TOKENS ? w->n_head : HEAD_TOKENS};
    int                  context = context_of(&s, w->n_head);
    bool                 backslash = w->r.backslash;

    w->completed = NULL;
    sql_set_conforming(&s, &backslash);
    if (context != N_CONTEXT) {
        w->context[context] = (struct sql_span){w->head[0].at, t->at + t->n};
        w->context_last = true;
    } else if (piece == NULL) {
        w->r.backslash = backslash;
    } else if (w->context_last || backslash != w->r.backslash) {
        return -1;
    } else {
        if (piece->n_first == 0) {
            memcpy(piece->first, w->head, sizeof piece->first);
            piece->n_first = s.n;
        }
        piece->sql.to = t->at + t->n;
    }
    w->n_head = 0;
    return 0;
}

static int
take_token(struct walk *w, const struct sql_token *t)
{
    bool between = w->n_head == 0;

    if (t->kind == SQL_UNCLOSED) {
        return -1;
    }
    if (t->kind == SQL_COMMENT || t->kind == SQL_PSQL) {
        return between ? take_comment(w, t) : 0;
    }
    if (w->closed) {
        return -1; /* nothing follows the end */
    }
    if (w->n_head < HEAD_TOKENS) {
        w->head[w->n_head] = *t;
    }
    w->n_head++;
    return t->kind == SQL_STOP ? take_statement(w, t) : 0;
}

/* The pieces of text; -1 when it is not in pg_restore's form. */
static int
find_pieces(struct walk *w, const char *text)
{
    struct sql_token t;

    w->r = sql_reader(text);
    while ((t = sql_next(&w->r)).kind != SQL_END) {
        if (take_token(w, &t) != 0) {
            return -1;
        }
    }
    return w->n_head == 0 && w->closed ? 0 : -1;
}

static bool
uses_context(const char *desc, int context)
{
    bool table = strcmp(desc, "TABLE") == 0 || strcmp(desc, "MATERIALIZED VIEW") == 0;

    return table ||
        (context == TABLESPACE && (strcmp(desc, "INDEX") == 0 || strcmp(desc, "CONSTRAINT") == 0));
}

/* The settings that the entry needs, and its statements. */
static char *
entry_text(const char *desc, const struct piece *piece)
{
    char *line[N_CONTEXT], *text;

    for (int i = 0; i < N_CONTEXT; i++) {
        const struct sql_span *set = &piece->context[i];

        line[i] = set->from == NULL || !uses_context(desc, i)
            ? xstrdup("")
            : xasprintf("%.*s\n", (int)(set->to - set->from), set->from);
    }
    text = xasprintf("%s%s%.*s", line[TABLESPACE], line[ACCESS_METHOD],
                     (int)(piece->sql.to - piece->sql.from), piece->sql.from);
    for (int i = 0; i < N_CONTEXT; i++) {
        free(line[i]);
    }
    return text;
}

static bool
take_piece(struct archive_split *s, struct piece *piece, bool backslash)
{
    struct archive_entry *entry = &s->archive->v[piece->index];
    struct sql_statement  first = {.v = piece->first, .n = piece->n_first};

    free(entry->sql);
    entry->sql = NULL;
    if (!archive_fields_read(entry, s->lines.v[piece->index], piece->name,
                             piece->n_first == 0 ? NULL : &first)) {
        return false;
    }
    parse_depends(entry, piece->depends == NULL ? "" : piece->depends);
    while (piece->sql.from < piece->sql.to && *piece->sql.from == '\n') {
        piece->sql.from++;
    }
    entry->sql = entry_text(entry->desc, piece);
    if (backslash) {
        char *text = sql_conforming(entry->sql, entry->sql + strlen(entry->sql));

        free(entry->sql);
        entry->sql = text;
    }
    return true;
}

bool
archive_split_text(struct archive_split *s, const size_t *entries, size_t n, const char *text)
{
    struct pieces pieces = {0};
    struct walk   w = {.s = s, .out = &pieces};
    bool          ok = find_pieces(&w, text) == 0 && same_entries(&pieces, entries, n);

    for (size_t i = 0; ok && i < n; i++) {
        ok = take_piece(s, &pieces.v[i], w.r.backslash);
    }
    free(pieces.v);
    return ok;
}

void
archive_split_sections(struct archive *a)
{
    enum archive_section current = SECTION_PRE_DATA;

    /* Comments, labels and grants belong to the section that they are in. */
    for (size_t i = 0; i < a->n; i++) {
        enum archive_section own = archive_kind_section(a->v[i].desc);
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
