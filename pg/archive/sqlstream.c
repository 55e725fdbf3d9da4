#include "pg/archive/sqlstream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/mem.h"

/*
 * The text that is not read yet lies in one buffer.  Tokens are read from whole lines only, so that
 * none is cut ($tag$, U&'…'); what may reach over lines (a quote, a string that another may
 * continue) and reaches the end of what is there, is read again once there is twice as much: a
 * statement of n bytes costs time in proportion to n.
 */
enum { ROWS_TAIL = 64 << 10, COMPACT_AT = 1 << 20, SET_TOKENS = 8 };

struct sql_stream {
    struct buf       buf;
    size_t           off;   /* read up to here */
    size_t           start; /* of the statement that has begun */
    size_t           wait;  /* not before so many bytes are there from off on */
    size_t           max;
    size_t           lines;            /* the last line that is whole ends here */
    uint64_t         line, start_line; /* of off, of start */
    struct sql_place place;
    bool             backslash, ended, in_rows, line_begins;
    bool             begun;  /* what may be a byte order mark is behind us */
    size_t           cut_at; /* a NUL stands there in place of cut; SIZE_MAX: nowhere */
    char             cut;
};

struct sql_stream *
sql_stream_new(size_t statement_max)
{
    struct sql_stream *s = xcalloc(1, sizeof *s);

    s->buf = (struct buf)BUF_INIT(BUF_NO_LIMIT);
    s->max = statement_max;
    s->line = s->start_line = 1;
    s->cut_at = SIZE_MAX;
    return s;
}

void
sql_stream_free(struct sql_stream *s)
{
    if (s != NULL) {
        buf_free(&s->buf);
        free(s);
    }
}

/* A NUL after the text up to at; sew() puts back what stood there. */
static void
cut(struct sql_stream *s, size_t at)
{
    s->cut_at = at;
    s->cut = (char)s->buf.data[at];
    s->buf.data[at] = '\0';
}

static void
sew(struct sql_stream *s)
{
    if (s->cut_at != SIZE_MAX) {
        s->buf.data[s->cut_at] = (uint8_t)s->cut;
        s->cut_at = SIZE_MAX;
    }
}

static void
compact(struct sql_stream *s)
{
    size_t gone = s->place.inside ? s->start : s->off;

    if (gone >= COMPACT_AT || (gone > 0 && gone == s->buf.len)) {
        memmove(s->buf.data, s->buf.data + gone, s->buf.len - gone);
        s->buf.len -= gone;
        s->off -= gone;
        s->lines -= gone < s->lines ? gone : s->lines;
        s->start -= s->place.inside ? gone : 0;
    }
}

static uint64_t
lines_in(const char *text, size_t n)
{
    uint64_t lines = 0;

    for (const char *p = text, *end = text + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL;
         p++) {
        lines++;
    }
    return lines;
}

/* After the first n bytes of the data. */
static int
zero_byte(const struct sql_stream *s, const char *data, size_t n, struct err *e)
{
    uint64_t line = s->line + lines_in(data, n);

    if (s->buf.len > s->off) {
        line += lines_in((const char *)s->buf.data + s->off, s->buf.len - s->off);
    }
    return err_set(e, ERR_CORRUPT, "line %llu: a zero byte, which no text of PostgreSQL's can hold",
                   (unsigned long long)line);
}

int
sql_stream_feed(struct sql_stream *s, const void *data, size_t n, struct err *e)
{
    const char *zero = memchr(data, '\0', n);
    const char *last = memrchr(data, '\n', n);

    sew(s);
    compact(s);
    if (zero != NULL) {
        return zero_byte(s, data, (size_t)(zero - (const char *)data), e);
    }
    if (last != NULL) {
        s->lines = s->buf.len + (size_t)(last - (const char *)data) + 1;
    }
    /* One more byte: there is always room for a NUL. */
    return buf_reserve(&s->buf, n + 1, e) != 0 ? -1 : buf_append(&s->buf, data, n, e);
}

void
sql_stream_end(struct sql_stream *s)
{
    s->ended = true;
    s->wait = 0;
}

void
sql_stream_set_backslash(struct sql_stream *s, bool off)
{
    s->backslash = off;
}

/* ---- rows ---- */

/* Length of the line that ends rows, at p: 0: it is another; SIZE_MAX: more is needed. */
static size_t
end_line(const struct sql_stream *s, const char *p, size_t n)
{
    static const char *const ends[] = {"\\.\n", "\\.\r\n"};

    for (size_t i = 0; i < 2; i++) {
        size_t whole = strlen(ends[i]), have = n < whole ? n : whole;

        if (memcmp(p, ends[i], have) == 0) {
            if (have == whole) {
                return whole;
            }
            if (!s->ended) {
                return SIZE_MAX;
            }
        }
    }
    return s->ended && n == 2 && memcmp(p, "\\.", 2) == 0 ? 2 : 0;
}

/* So many bytes at p are rows: up to a line that may be the last one.  0: more is needed. */
static size_t
rows_length(const struct sql_stream *s, const char *p, size_t n)
{
    const char *end = p + n, *at = p;
    const char *last;

    while ((at = memmem(at, (size_t)(end - at), "\n\\.", 3)) != NULL) {
        if (end_line(s, at + 1, (size_t)(end - at) - 1) != 0) {
            return (size_t)(at - p) + 1;
        }
        at++;
    }
    last = memrchr(p, '\n', n);
    return s->ended || last == NULL || (size_t)(end - last) > ROWS_TAIL
        ? (last == NULL && !s->ended && n < ROWS_TAIL ? 0 : n)
        : (size_t)(last - p) + 1;
}

static int
next_rows(struct sql_stream *s, struct sql_piece *out, struct err *e)
{
    const char *p = (const char *)s->buf.data + s->off;
    size_t      n = s->buf.len - s->off;
    size_t      last = s->line_begins && n > 0 ? end_line(s, p, n) : 0;

    if (last == SIZE_MAX || (n == 0 && !s->ended)) {
        return 0;
    }
    if (n == 0) {
        return err_set(e, ERR_CORRUPT,
                       "it ends within the rows of the COPY in line %llu: it is not whole",
                       (unsigned long long)s->start_line);
    }
    *out = (struct sql_piece){.kind = SQL_PIECE_ROWS, .text = p, .line = s->line};
    if (last > 0) {
        out->kind = SQL_PIECE_ROWS_END;
        out->n = last;
        s->in_rows = false;
    } else if ((out->n = rows_length(s, p, n)) == 0) {
        return 0;
    }
    s->line_begins = p[out->n - 1] == '\n';
    s->line += lines_in(p, out->n);
    s->off += out->n;
    return 1;
}

/* ---- statements ---- */

/* The string may be continued by what follows: only white space and line comments are after it. */
static bool
may_go_on(const char *p)
{
    for (;; p++) {
        if (p[0] == '-' && p[1] == '-') {
            p += strcspn(p, "\r\n");
        }
        if (*p == '\0') {
            return true;
        }
        if (strchr(" \t\n\v\f\r", *p) == NULL) {
            return false;
        }
    }
}

void
sql_head(const struct sql_piece *piece, size_t max, struct sql_statement *out)
{
    struct sql_reader r = sql_reader(piece->text);
    struct sql_token  t;

    r.backslash = piece->backslash;
    *out = (struct sql_statement){
        .from = piece->text, .to = piece->text + piece->n, .backslash = piece->backslash};
    while (out->n < max && (t = sql_next(&r)).kind != SQL_END && t.kind != SQL_STOP) {
        if (t.kind != SQL_COMMENT) {
            VEC_GROW(out->v, out->n, out->cap);
            out->v[out->n++] = t;
        }
    }
}

void
sql_head_free(struct sql_statement *s)
{
    free(s->v);
    *s = (struct sql_statement){0};
}

/* COPY name (columns) FROM stdin: nothing between, so that "FROM stdin" in a WHERE or in OPTIONS
 * makes no other COPY look like it. */
static bool
is_copy_from_stdin(const struct sql_statement *s)
{
    struct sql_cursor c = sql_cursor(s);
    struct sql_span   span;

    if (!sql_words(&c, "COPY") || !sql_qualified_name(&c, &span)) {
        return false;
    }
    (void)sql_parenthesised(&c, &span);
    (void)sql_words(&c, "WITH OIDS"); /* of 11 and older */
    return sql_words(&c, "FROM stdin");
}

/* COPY … FROM stdin, and what SET says of strings. */
static void
look_at(struct sql_stream *s, struct sql_piece *piece)
{
    struct sql_statement head;

    sql_head(piece, strncasecmp(piece->text, "COPY", 4) == 0 ? SIZE_MAX : SET_TOKENS, &head);
    if (is_copy_from_stdin(&head)) {
        piece->kind = SQL_PIECE_COPY;
    }
    sql_set_conforming(&head, &s->backslash);
    sql_head_free(&head);
}

/* Read up to here. */
static void
advance(struct sql_stream *s, size_t to)
{
    s->line += lines_in((const char *)s->buf.data + s->off, to - s->off);
    s->off = to;
}

/* The rest of the line after COPY … FROM stdin; its rows begin with the next one. */
static int
begin_rows(struct sql_stream *s, struct err *e)
{
    const char *p = (const char *)s->buf.data + s->off, *q = p + strspn(p, " \t\r");

    if (*q == '\0') {
        return err_set(e, ERR_CORRUPT,
                       "it ends after the COPY in line %llu, before its rows: it is not whole",
                       (unsigned long long)s->start_line);
    }
    if (*q != '\n') {
        return err_set(e, ERR_CORRUPT, "line %llu: something follows \"COPY … FROM stdin;\"",
                       (unsigned long long)s->line);
    }
    advance(s, s->off + (size_t)(q - p) + 1);
    s->in_rows = s->line_begins = true;
    return 0;
}

/* The statement from start to off. */
static int
give_statement(struct sql_stream *s, struct sql_piece *out, struct err *e)
{
    const size_t end = s->off;

    *out = (struct sql_piece){.kind = SQL_PIECE_STATEMENT,
                              .text = (const char *)s->buf.data + s->start,
                              .n = end - s->start,
                              .line = s->start_line,
                              .backslash = s->backslash};
    look_at(s, out);
    if (out->kind == SQL_PIECE_COPY && begin_rows(s, e) != 0) {
        return -1;
    }
    sew(s);
    cut(s, end);
    return 1;
}

/* A comment or a line for psql, which has just been read. */
static int
give_line(struct sql_stream *s, const struct sql_token *t, uint64_t line, struct sql_piece *out)
{
    *out = (struct sql_piece){.kind = t->kind == SQL_PSQL ? SQL_PIECE_PSQL : SQL_PIECE_COMMENT,
                              .text = t->at,
                              .n = t->n,
                              .line = line,
                              .backslash = s->backslash};
    sew(s);
    cut(s, s->off);
    return 1;
}

static int
too_long(const struct sql_stream *s, struct err *e)
{
    err_set(e, ERR_CORRUPT, "line %llu: what begins here is longer than %zu bytes",
            (unsigned long long)(s->place.inside ? s->start_line : s->line), s->max);
    return -1;
}

static int
need_more_text(const struct sql_stream *s, struct err *e)
{
    return s->buf.len - (s->place.inside ? s->start : s->off) > s->max ? too_long(s, e) : 0;
}

/* The token at off cannot be told yet. */
static int
need_more(struct sql_stream *s, size_t there, struct err *e)
{
    s->wait = 2 * (there - s->off);
    return need_more_text(s, e);
}

static int
unclosed(const struct sql_stream *s, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "it ends within a quote or comment that begins in line %llu: it is not whole",
                   (unsigned long long)s->line);
}

/* One token: 1: *out is filled; 2: go on; 0: more is needed. */
static int
next_token(struct sql_stream *s, size_t there, struct sql_piece *out, struct err *e)
{
    const char       *base = (const char *)s->buf.data;
    struct sql_reader r = {
        .text = base, .p = base + s->off, .backslash = s->backslash, .place = s->place};
    struct sql_token t = sql_next(&r);
    uint64_t         line;

    advance(s, (size_t)(t.at - base));
    line = s->line;
    if (t.kind == SQL_END) {
        return 0;
    }
    if (t.kind == SQL_UNCLOSED || (t.kind == SQL_STRING && may_go_on(r.p) && !s->ended)) {
        return s->ended ? unclosed(s, e) : need_more(s, there, e);
    }
    if (!s->place.inside) {
        s->start = s->off;
        s->start_line = line;
    }
    advance(s, (size_t)(r.p - base));
    if (t.kind == SQL_PSQL || (t.kind == SQL_COMMENT && !s->place.inside)) {
        return give_line(s, &t, line, out);
    }
    if (t.kind == SQL_STOP) {
        bool empty = !s->place.inside;

        s->place = r.place;
        return empty ? 2 : give_statement(s, out, e);
    }
    s->place = r.place;
    if (t.kind == SQL_SIGN && *t.at == '\\') {
        return err_set(e, ERR_CORRUPT,
                       "line %llu: a backslash within a statement, as psql's commands have it: no "
                       "dump does",
                       (unsigned long long)line);
    }
    return s->off - s->start > s->max ? too_long(s, e) : 2;
}

/* As some editors put one before the text, and psql passes it over.  False: more is needed. */
static bool
pass_byte_order_mark(struct sql_stream *s)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    size_t               n = s->buf.len < sizeof mark ? s->buf.len : sizeof mark;
    bool                 like = n > 0 && memcmp(s->buf.data, mark, n) == 0;

    if (s->begun || (n < sizeof mark && (like || n == 0) && !s->ended)) {
        return s->begun;
    }
    s->begun = true;
    s->off += like && n == sizeof mark ? n : 0;
    return true;
}

int
sql_stream_next(struct sql_stream *s, struct sql_piece *out, struct err *e)
{
    size_t there;
    int    rc = 2;

    sew(s);
    if (!pass_byte_order_mark(s)) {
        return 0;
    }
    if (s->in_rows) {
        return next_rows(s, out, e);
    }
    there = s->ended ? s->buf.len : s->lines > s->off ? s->lines : s->off;
    if (there - s->off <= s->wait && !s->ended) {
        return need_more_text(s, e);
    }
    if (there > s->off) {
        cut(s, there);
        s->wait = 0;
        while (rc == 2) {
            rc = next_token(s, there, out, e);
        }
    } else {
        rc = 0;
    }
    if (rc == 0 && s->ended && s->place.inside) {
        return err_set(e, ERR_CORRUPT,
                       "it ends within the statement that begins in line %llu: it is not whole",
                       (unsigned long long)s->start_line);
    }
    return rc;
}
