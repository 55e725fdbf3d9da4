/*
 * test_pg_archive_random.c - archives with hostile names, comments and bodies, made at random and
 * printed as pg_restore prints them.  The maker knows every token and what belongs to which entry,
 * and shares nothing with what it judges.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_owner.h"
#include "pg/archive/archive_split.h"
#include "pg/archive/index_sql.h"
#include "pg/archive/isolate.h"
#include "tests/support/cmocka.h"
#include "tests/support/sql_kept.h"

enum { ROUNDS = 4000, ENTRIES_MAX = 9, NAME_MAX_BYTES = 63 };

static uint64_t random_state;

static size_t
below(size_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % n);
}

/* What any code that cuts text may look for. */
static const char *const fragments[] = {
    "\n\n\nALTER ",
    "ALTER ROLE mallory SUPERUSER;--",
    " OWNER TO ",
    ";\n",
    "\nSET default_tablespace = '';",
    "SET default_table_access_method = heap;\n\n",
    "--\n-- TOC entry 5 (class 1259 OID 16385)\n",
    "-- Name: t; Type: TABLE; Schema: public; Owner: joe\n--\n\n",
    "\n--\n-- PostgreSQL database dump complete\n--\n\n",
    "\n-- Completed on 2026-11-21\n\n",
    "; Type: ",
    "; Schema: ",
    "; Owner: ",
    "; Tablespace: ",
    "SERVER -",
    "TABLE DATA",
    "\n\\restrict x\n",
    "\\.\n",
    "$$",
    "$_$",
    "$",
    "'",
    "''",
    "\"",
    "E'",
    "U&\"",
    "\\",
    "\\'",
    "/*",
    "*/",
    "--",
    "(",
    ")",
    "\r",
    "\n",
    " ",
    "BEGIN ATOMIC",
    " END ",
    "begin",
    "standard_conforming_strings",
    "OPTIONS (",
    "\xc3\xa9",
    "x",
};

/* At most max bytes, at least one. */
static char *
hostile(size_t max)
{
    char  *text = xcalloc(max + 1, 1);
    size_t n = 0, wanted = 1 + below(max);

    while (n < wanted) {
        const char *f = fragments[below(sizeof fragments / sizeof fragments[0])];
        size_t      more = strlen(f) > max - n ? max - n : strlen(f);

        memcpy(text + n, f, more);
        n += more;
    }
    /* No half character at the end. */
    if ((unsigned char)text[n - 1] == 0xc3) {
        text[n - 1] = 'x';
    }
    return text;
}

/* As pg_dump's fmtId(). */
static char *
identifier(const char *name)
{
    char *text = xmalloc(2 * strlen(name) + 3), *to = text;

    *to++ = '"';
    for (; *name != '\0'; name++) {
        if (*name == '"') {
            *to++ = '"';
        }
        *to++ = *name;
    }
    *to++ = '"';
    *to = '\0';
    return text;
}

/* As pg_dump's appendStringLiteral(). */
static char *
literal(const char *value, bool backslash)
{
    char *text = xmalloc(2 * strlen(value) + 3), *to = text;

    *to++ = '\'';
    for (; *value != '\0'; value++) {
        if (*value == '\'' || (backslash && *value == '\\')) {
            *to++ = *value;
        }
        *to++ = *value;
    }
    *to++ = '\'';
    *to = '\0';
    return text;
}

/* As pg_dump's appendStringLiteralDQ(). */
static char *
dollars(const char *body)
{
    static const char suffixes[] = "_XXXXXXX";
    char              tag[64] = "$";
    size_t            n = 1;

    for (size_t next = 0; strstr(body, tag) != NULL; next = (next + 1) % 8) {
        tag[n++] = suffixes[next];
        tag[n] = '\0';
    }
    tag[n++] = '$';
    tag[n] = '\0';
    return xasprintf("%s%s%s", tag, body, tag);
}

/* As pg_restore's sanitize_line(). */
static char *
sanitized(const char *name)
{
    char *text = xstrdup(name);

    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '\n' || *p == '\r' ? ' ' : *p;
    }
    return text;
}

/* One entry: what is printed for it, and which tokens that is. */
struct made {
    const char    *desc;
    char          *schema, *name, *owner; /* as they are */
    char          *q_schema, *q_name, *q_owner;
    int            id;
    bool           owned; /* ends with ALTER … OWNER TO */
    struct strlist tokens;
    size_t         owner_at; /* the first token of that statement */
    char          *text;
    size_t         len;
    FILE          *out; /* into text */
};

struct maker {
    struct made v[ENTRIES_MAX];
    size_t      n;
    bool        backslash;
    char       *text, *list;
};

static void
token(struct made *m, const char *before, const char *text)
{
    fprintf(m->out, "%s%s", before, text);
    strlist_add(&m->tokens, text);
}

/* Words and signs with blanks between them. */
static void
words(struct made *m, const char *text)
{
    char *copy = xstrdup(text), *save = NULL;

    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
        token(m, m->tokens.n == 0 ? "" : " ", w);
    }
    free(copy);
}

static void
qualified(struct made *m)
{
    token(m, " ", m->q_schema);
    token(m, "", ".");
    token(m, "", m->q_name);
}

static void
quoted_name(struct made *m)
{
    char *name = hostile(NAME_MAX_BYTES), *quoted = identifier(name);

    token(m, " ", quoted);
    free(name);
    free(quoted);
}

static void
quoted_value(struct made *m, bool backslash)
{
    char *value = hostile(300), *printed = literal(value, backslash);
    char *read = backslash && strchr(printed, '\\') != NULL ? xasprintf("E%s", printed)
                                                            : xstrdup(printed);

    fprintf(m->out, " %s", printed);
    strlist_take(&m->tokens, read);
    free(value);
    free(printed);
}

static void
make_table(struct made *m, bool backslash)
{
    (void)backslash;
    words(m, "CREATE TABLE");
    qualified(m);
    words(m, "(");
    quoted_name(m);
    words(m, "integer ,");
    quoted_name(m);
    words(m, "text ) ;");
}

static void
make_function(struct made *m, bool backslash)
{
    char *body = hostile(500), *quoted = dollars(body);

    (void)backslash;
    words(m, "CREATE FUNCTION");
    qualified(m);
    words(m, "( a integer ) RETURNS integer LANGUAGE plpgsql AS");
    token(m, "\n    ", quoted);
    words(m, ";");
    free(body);
    free(quoted);
}

static void
make_atomic(struct made *m, bool backslash)
{
    words(m, "CREATE FUNCTION");
    qualified(m);
    words(m, "( begin atomic ) RETURNS public . begin LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN");
    quoted_name(m);
    words(m, "THEN ( CASE 1 WHEN 2 THEN 3 END ) ELSE");
    quoted_value(m, backslash);
    words(m, "END ; SELECT t . begin ; END ;");
}

static void
make_rule(struct made *m, bool backslash)
{
    words(m, "CREATE RULE r AS ON INSERT TO");
    qualified(m);
    words(m, "DO INSTEAD ( INSERT INTO x VALUES (");
    quoted_value(m, backslash);
    words(m, ") ; NOTIFY");
    quoted_name(m);
    words(m, "; ) ;");
}

static void
make_comment(struct made *m, bool backslash)
{
    words(m, "COMMENT ON TABLE");
    qualified(m);
    words(m, "IS");
    quoted_value(m, backslash);
    words(m, ";");
}

static void
make_index(struct made *m, bool backslash)
{
    words(m, "CREATE INDEX");
    quoted_name(m);
    words(m, "ON");
    qualified(m);
    words(m, "USING btree (");
    quoted_name(m);
    words(m, ") WHERE ( x =");
    quoted_value(m, backslash);
    words(m, ") ; ALTER TABLE");
    qualified(m);
    words(m, "CLUSTER ON i ;");
}

static void
make_foreign_key(struct made *m, bool backslash)
{
    (void)backslash;
    words(m, "ALTER TABLE ONLY");
    qualified(m);
    words(m, "ADD CONSTRAINT");
    quoted_name(m);
    words(m, "FOREIGN KEY (");
    quoted_name(m);
    words(m, ") REFERENCES");
    quoted_name(m);
    words(m, "( a ) ;");
}

static void
make_server(struct made *m, bool backslash)
{
    words(m, "CREATE SERVER");
    token(m, " ", m->q_name);
    words(m, "FOREIGN DATA WRAPPER w OPTIONS ( host");
    quoted_value(m, backslash);
    words(m, ") ;");
}

static void
make_grant(struct made *m, bool backslash)
{
    (void)backslash;
    words(m, "GRANT SELECT ON TABLE");
    qualified(m);
    words(m, "TO");
    quoted_name(m);
    words(m, ";");
}

static const struct kind {
    const char *desc;
    void (*make)(struct made *, bool backslash);
    const char *alter; /* the kind of object that has an owner, or NULL */
    bool        tablespace, access_method;
} kinds[] = {
    {"TABLE", make_table, "TABLE", true, true},
    {"FUNCTION", make_function, "FUNCTION", false, false},
    {"FUNCTION", make_atomic, "FUNCTION", false, false},
    {"RULE", make_rule, NULL, false, false},
    {"COMMENT", make_comment, NULL, false, false},
    {"INDEX", make_index, NULL, true, false},
    {"FK CONSTRAINT", make_foreign_key, NULL, false, false},
    {"SERVER", make_server, "SERVER", false, false},
    {"ACL", make_grant, NULL, false, false},
};

static void
make_entry(struct made *m, const struct kind *kind, int id, bool backslash)
{
    *m = (struct made){.desc = kind->desc,
                       .schema = hostile(NAME_MAX_BYTES),
                       .name = hostile(NAME_MAX_BYTES),
                       .owner = hostile(NAME_MAX_BYTES),
                       .id = id};
    m->q_schema = identifier(m->schema);
    m->q_name = identifier(m->name);
    m->q_owner = identifier(m->owner);
    m->out = open_memstream(&m->text, &m->len);
    kind->make(m, backslash);
    m->owned = kind->alter != NULL;
    if (m->owned) {
        fputs("\n\n\n", m->out);
        m->owner_at = m->tokens.n;
        token(m, "", "ALTER");
        words(m, kind->alter);
        token(m, " ", m->q_name);
        words(m, "OWNER TO");
        token(m, " ", m->q_owner);
        token(m, "", ";");
    }
    fclose(m->out);
}

static void
free_entry(struct made *m)
{
    free(m->schema);
    free(m->name);
    free(m->owner);
    free(m->q_schema);
    free(m->q_name);
    free(m->q_owner);
    free(m->text);
    strlist_free(&m->tokens);
}

/* A setting that changed, before the entry that it acts on; *now is what is in force. */
static void
print_setting(FILE *out, const char *name, char **now)
{
    char *value, *quoted;

    if (*now != NULL && below(3) > 0) {
        return;
    }
    value = below(2) == 0 ? xstrdup("''") : NULL;
    if (value == NULL) {
        char *raw = hostile(20);
        value = identifier(raw);
        free(raw);
    }
    quoted = xasprintf("SET %s = %s;\n", name, value);
    fprintf(out, "%s\n", quoted);
    free(*now);
    *now = quoted;
    free(value);
}

static void
print_heading(FILE *out, const struct made *m, bool with_tablespace)
{
    char *schema = sanitized(m->schema), *name = sanitized(m->name), *owner = sanitized(m->owner);

    fprintf(out,
            "--\n-- TOC entry %d (class 1259 OID %d)\n-- Dependencies: 3 4\n-- Name: %s; Type: %s; "
            "Schema: %s; Owner: %s%s\n-- Data Pos: 0\n--\n\n",
            m->id, 16000 + m->id, name, m->desc, schema, owner,
            with_tablespace ? "; Tablespace: fast" : "");
    free(schema);
    free(name);
    free(owner);
}

/* pg_restore's two texts.  The settings go into what is expected of each entry. */
static void
make_texts(struct maker *mk)
{
    size_t len;
    FILE  *out = open_memstream(&mk->list, &len);
    char  *tablespace = NULL, *access_method = NULL;

    fputs(";\n; Archive created at 2026-11-21\n;\n", out);
    for (size_t i = 0; i < mk->n; i++) {
        char *schema = sanitized(mk->v[i].schema), *name = sanitized(mk->v[i].name),
             *owner = sanitized(mk->v[i].owner);

        fprintf(out, "%d; 1259 %d %s %s %s %s\n", mk->v[i].id, 16000 + mk->v[i].id, mk->v[i].desc,
                schema, name, owner);
        free(schema);
        free(name);
        free(owner);
    }
    fclose(out);
    out = open_memstream(&mk->text, &len);
    fprintf(out,
            "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET statement_timeout = 0;\n"
            "SET standard_conforming_strings = %s;\n"
            "SELECT pg_catalog.set_config('search_path', '', false);\n\n",
            mk->backslash ? "off" : "on");
    for (size_t i = 0; i < mk->n; i++) {
        struct made       *m = &mk->v[i];
        const struct kind *kind = kinds;
        char              *whole;

        while (strcmp(kind->desc, m->desc) != 0) {
            kind++;
        }
        if (kind->tablespace) {
            print_setting(out, "default_tablespace", &tablespace);
        }
        if (kind->access_method) {
            print_setting(out, "default_table_access_method", &access_method);
        }
        print_heading(out, m, kind->tablespace && below(2) == 0);
        fprintf(out, "%s\n\n", m->text);
        if (!m->owned) {
            fputs("\n", out);
        }
        whole = xasprintf("%s%s%s", kind->tablespace ? tablespace : "",
                          kind->access_method ? access_method : "", m->text);
        free(m->text);
        m->text = whole;
    }
    fputs(below(2) == 0 ? "\n" : "\n-- Completed on 2026-11-21\n\n", out);
    fputs("--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n\n", out);
    fclose(out);
    free(tablespace);
    free(access_method);
}

static void
make(struct maker *mk)
{
    *mk = (struct maker){.n = 1 + below(ENTRIES_MAX), .backslash = below(4) == 0};
    for (size_t i = 0; i < mk->n; i++) {
        const struct kind *kind = &kinds[below(sizeof kinds / sizeof kinds[0])];

        make_entry(&mk->v[i], kind, (int)(5 + i), mk->backslash);
    }
    make_texts(mk);
}

static void
unmake(struct maker *mk)
{
    for (size_t i = 0; i < mk->n; i++) {
        free_entry(&mk->v[i]);
    }
    free(mk->text);
    free(mk->list);
}

/* Reading sql gives want from token number from on, behind the settings.  Numbers, operators and
 * names of several parts are printed as one token each here and there. */
static void
has_tokens(const char *sql, const struct strlist *want, size_t from, size_t to)
{
    struct sql_reader r = sql_reader(sql);
    struct sql_token  t = sql_next(&r);

    while (sql_is(&t, "set")) {
        for (int i = 0; i < 5; i++) {
            t = sql_next(&r);
        }
    }
    for (size_t i = from; i < to; i++, t = sql_next(&r)) {
        if (t.n != strlen(want->v[i]) || memcmp(t.at, want->v[i], t.n) != 0) {
            fail_msg("\"%.*s\" where \"%s\" is wanted, in: %s", (int)t.n, t.at, want->v[i], sql);
        }
    }
    assert_int_equal(t.kind, SQL_END);
}

static void
check_fields(const struct made *m, const struct archive_entry *entry)
{
    char *owner = archive_owner_name(entry->sql);

    assert_string_equal(entry->desc, m->desc);
    assert_int_equal(entry->n_depends, 2);
    if (m->owned) {
        assert_non_null(owner);
        assert_string_equal(owner, m->owner);
    } else {
        assert_null(owner);
    }
    free(owner);
}

/* The owner's statement is cut out whole. */
static void
check_owner(const struct made *m, const struct archive_entry *entry)
{
    struct sql_span span;
    char           *rest, *own;

    if (!m->owned) {
        assert_false(archive_owner_statement(entry->sql, &span));
        return;
    }
    assert_true(archive_owner_statement(entry->sql, &span));
    rest = xstrndup(entry->sql, (size_t)(span.from - entry->sql));
    own = xstrndup(span.from, (size_t)(span.to - span.from));
    assert_string_equal(span.to, "");
    has_tokens(rest, &m->tokens, 0, m->owner_at);
    has_tokens(own, &m->tokens, m->owner_at, m->tokens.n);
    free(rest);
    free(own);
}

/* What is built first and what follows are the entry; a foreign key is added NOT VALID. */
static void
check_cuts(const struct made *m, const struct archive_entry *entry)
{
    struct index_sql cut;
    size_t           first = 0;
    char            *changed;

    while (first < m->tokens.n && strcmp(m->tokens.v[first], ";") != 0) {
        first++;
    }
    if (strcmp(m->desc, "INDEX") == 0) {
        index_sql_cut(entry, &cut);
        assert_non_null(cut.build);
        assert_non_null(cut.then);
        has_tokens(cut.build, &m->tokens, 0, first);
        has_tokens(cut.then, &m->tokens, first + 1, m->tokens.n);
        index_sql_free(&cut);
    }
    if (strcmp(m->desc, "FK CONSTRAINT") == 0) {
        assert_true(foreign_key_cut(entry, &cut));
        assert_string_equal(cut.build + strlen(cut.build) - 10, " NOT VALID");
        cut.build[strlen(cut.build) - 10] = '\0';
        has_tokens(cut.build, &m->tokens, 0, first);
        index_sql_free(&cut);
    }
    assert_int_equal(isolate_entry(entry, &changed),
                     strcmp(m->desc, "SERVER") == 0 ? ISOLATE_CHANGED : ISOLATE_NOTHING);
    if (changed != NULL) {
        struct strlist bare = {0};

        for (size_t i = 0; i < m->tokens.n; i++) {
            if (i < first - 5 || i >= first) { /* OPTIONS ( host '…' ) */
                strlist_add(&bare, m->tokens.v[i]);
            }
        }
        has_tokens(changed, &bare, 0, bare.n);
        strlist_free(&bare);
        free(changed);
    }
}

static void
check(const struct maker *mk)
{
    struct archive       a = {0};
    struct archive_split s;
    struct err           e = ERR_INIT;
    size_t               all[ENTRIES_MAX];
    const char          *wrong;

    for (size_t i = 0; i < mk->n; i++) {
        all[i] = i;
    }
    assert_int_equal(archive_split_begin(&s, &a, mk->list, &e), 0);
    assert_int_equal(a.n, mk->n);
    if (!archive_split_text(&s, all, mk->n, mk->text)) {
        fail_msg("not taken apart: %s\n%s", mk->list, mk->text);
    }
    if ((wrong = sql_kept(&a, mk->text)) != NULL) {
        fail_msg("%s: %s", wrong, mk->text);
    }
    for (size_t i = 0; i < mk->n; i++) {
        const struct made *m = &mk->v[i];

        if (!mk->backslash) {
            assert_string_equal(a.v[i].sql, m->text);
        }
        has_tokens(a.v[i].sql, &m->tokens, 0, m->tokens.n);
        check_fields(m, &a.v[i]);
        check_owner(m, &a.v[i]);
        check_cuts(m, &a.v[i]);
    }
    archive_split_end(&s);
    archive_close(&a);
}

static void
every_entry_has_its_own_tokens_whatever_the_names_hold(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        struct maker mk;

        random_state = round * 0x9e3779b97f4a7c15u;
        make(&mk);
        check(&mk);
        unmake(&mk);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_has_its_own_tokens_whatever_the_names_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
