/*
 * test_pg_sqlstream.c - a plain dump in pieces: statements, rows, lines for psql; what a file is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "pg/archive/dumpdir.h"
#include "pg/archive/dumpkind.h"
#include "pg/archive/psql_line.h"
#include "pg/archive/sqlstream.h"
#include "tests/support/cmocka.h"

/* The pieces of text, given in steps: "S:select 1;" and so on, between bars. */
static void
reads(const char *text, size_t step, const char *want)
{
    static const char  kinds[] = "SCRE#P";
    struct sql_stream *s = sql_stream_new(1 << 20);
    struct buf         got = BUF_INIT(1 << 20);
    struct sql_piece   p;
    struct err         e = ERR_INIT, never = ERR_INIT;
    size_t             n = strlen(text);
    bool               rows = false;

    for (size_t at = 0, now = 1; e.kind == ERR_NONE && now > 0; at += now) {
        now = n - at < step ? n - at : step;
        if (now == 0) {
            sql_stream_end(s);
        } else {
            assert_int_equal(sql_stream_feed(s, text + at, now, &e), 0);
        }
        while (sql_stream_next(s, &p, &e) == 1) {
            if (!rows || p.kind != SQL_PIECE_ROWS) {
                buf_printf(&got, &never, "%s%c:", got.len > 0 ? "|" : "", kinds[p.kind]);
            }
            buf_append(&got, p.text, p.n, &never);
            rows = p.kind == SQL_PIECE_ROWS;
        }
    }
    if (e.kind != ERR_NONE) {
        buf_printf(&got, &never, "%s!%s", got.len > 0 ? "|" : "", e.text);
    }
    assert_string_equal(buf_str(&got), want);
    buf_free(&got);
    sql_stream_free(s);
}

static void
read_whole_and_byte_by_byte(const char *text, const char *want)
{
    for (size_t step = strlen(text) + 1; step > 0; step /= 2) {
        reads(text, step, want);
    }
}

static void
a_dump_is_cut_as_psql_cuts_it(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {" \n;\n;", ""},
        {"a;b\n;", "S:a;|S:b\n;"},
        {"-- x\na;", "#:-- x|S:a;"},
        {"\xef\xbb\xbf-- x\na;", "#:-- x|S:a;"},
        {"\xef\xbb\xbe;", "S:\xef\xbb\xbe;"},
        {"\xef\xbb", "!it ends within the statement that begins in line 1: it is not whole"},
        {"a -- x;\n;", "S:a -- x;\n;"},
        {"'a\n;\n';", "S:'a\n;\n';"},
        {"'a'\n\n--;\n'b;';", "S:'a'\n\n--;\n'b;';"},
        {"$x$\n;$$\n$x$;b;", "S:$x$\n;$$\n$x$;|S:b;"},
        {"/* ;\n/*\n*/ */ a;", "#:/* ;\n/*\n*/ */|S:a;"},
        {"\\connect a\nb;\\!\n", "P:\\connect a|S:b;|P:\\!"},
        {"'\n\\! x\n';", "S:'\n\\! x\n';"},
        {"a \\g\n;",
         "!line 1: a backslash within a statement, as psql's commands have it: no dump does"},
        {"COPY t FROM stdin;\n1\t2\n\\.\n\na;", "C:COPY t FROM stdin;|R:1\t2\n|E:\\.\n|S:a;"},
        {"COPY t FROM stdin;\n\\.\n", "C:COPY t FROM stdin;|E:\\.\n"},
        {"COPY t FROM stdin;\r\n1\r\n\\.\r\na;", "C:COPY t FROM stdin;|R:1\r\n|E:\\.\r\n|S:a;"},
        /* The escape of a backslash, and a backslash that ends no rows. */
        {"copy t from STDIN;\n\\\\.\n\\.x\n.\\.\n\\.",
         "C:copy t from STDIN;|R:\\\\.\n\\.x\n.\\.\n|E:\\."},
        {"COPY t (\"FROM stdin\") TO stdout;\na;", "S:COPY t (\"FROM stdin\") TO stdout;|S:a;"},
        {"COPY \"a b\".t (a, \"FROM\") FROM stdin WITH (FORMAT csv);\n\\.\n",
         "C:COPY \"a b\".t (a, \"FROM\") FROM stdin WITH (FORMAT csv);|E:\\.\n"},
        {"COPY t FROM PROGRAM 'x' WHERE stdin IS DISTINCT FROM stdin;\n\\.\n",
         "S:COPY t FROM PROGRAM 'x' WHERE stdin IS DISTINCT FROM stdin;|P:\\."},
        {"COPY t FROM '/x' WHERE a IS DISTINCT FROM stdin;\n",
         "S:COPY t FROM '/x' WHERE a IS DISTINCT FROM stdin;"},
        {"COPY t FROM stdin; 1\n\\.\n", "!line 1: something follows \"COPY … FROM stdin;\""},
        {"a;\nCOPY t FROM stdin;\n1\n",
         "S:a;|C:COPY t FROM stdin;|R:1\n|!it ends within the rows of the COPY in line 2: it is "
         "not "
         "whole"},
        {"a;\n\n b", "S:a;|!it ends within the statement that begins in line 3: it is not whole"},
        {"a;\n'b",
         "S:a;|!it ends within a quote or comment that begins in line 2: it is not whole"},
        {"SET standard_conforming_strings = off;\n'\\';';",
         "S:SET standard_conforming_strings = off;|S:'\\';';"},
        {"CREATE FUNCTION f() BEGIN ATOMIC\nSELECT 1;\nEND;b;",
         "S:CREATE FUNCTION f() BEGIN ATOMIC\nSELECT 1;\nEND;|S:b;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_whole_and_byte_by_byte(cases[i].text, cases[i].want);
    }
}

/* PostgreSQL's most. */
static void
a_copy_may_name_1600_columns(void **state)
{
    struct sql_stream *s = sql_stream_new(1 << 20);
    struct sql_piece   p;
    struct err         e = ERR_INIT;
    char               column[32];

    (void)state;
    assert_int_equal(sql_stream_feed(s, "COPY t (", 8, &e), 0);
    for (int i = 0; i < 1600; i++) {
        int n = snprintf(column, sizeof column, "%scolumn_%d", i == 0 ? "" : ", ", i);

        assert_int_equal(sql_stream_feed(s, column, (size_t)n, &e), 0);
    }
    assert_int_equal(sql_stream_feed(s, ") FROM stdin;\n\\.\n", 17, &e), 0);
    assert_int_equal(sql_stream_next(s, &p, &e), 1);
    assert_int_equal(p.kind, SQL_PIECE_COPY);
    sql_stream_free(s);
}

static void
long_statement(const char *piece)
{
    enum { PIECES = 400000 };
    struct sql_stream *s = sql_stream_new(64 << 20);
    struct sql_piece   p;
    struct err         e = ERR_INIT;

    assert_int_equal(sql_stream_feed(s, "SELECT '", 8, &e), 0);
    for (int i = 0; i < PIECES; i++) {
        assert_int_equal(sql_stream_feed(s, piece, 20, &e), 0);
        assert_int_equal(sql_stream_next(s, &p, &e), 0);
    }
    assert_int_equal(sql_stream_feed(s, "';\n", 3, &e), 0);
    sql_stream_end(s);
    assert_int_equal(sql_stream_next(s, &p, &e), 1);
    assert_int_equal(p.n, 8 + 20 * PIECES + 2);
    assert_int_equal(sql_stream_next(s, &p, &e), 0);
    sql_stream_free(s);
}

/* Read again only when there is twice as much of it, and no byte searched twice for a line's end:
 * else this would take minutes. */
static void
a_long_statement_takes_time_in_proportion(void **state)
{
    (void)state;
    long_statement("twenty bytes, again\n");
    long_statement("twenty bytes, again ");
}

static void
what_is_too_long_or_binary_is_refused(void **state)
{
    struct sql_stream *s = sql_stream_new(100);
    struct sql_piece   p;
    struct err         e = ERR_INIT;
    char               text[201];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(sql_stream_feed(s, text, sizeof text, &e), 0);
    assert_int_equal(sql_stream_next(s, &p, &e), -1);
    assert_string_equal(e.text, "line 1: what begins here is longer than 100 bytes");
    err_clear(&e);
    assert_int_equal(sql_stream_feed(s, "\n\n\0", 3, &e), -1);
    assert_string_equal(e.text, "line 3: a zero byte, which no text of PostgreSQL's can hold");
    sql_stream_free(s);
}

static void
a_file_is_what_its_bytes_say(void **state)
{
    static const struct {
        const char    *head;
        size_t         n;
        enum dump_kind kind;
    } cases[] = {
#define TEXT(t) t, sizeof(t) - 1
        {TEXT("--\n-- PostgreSQL database dump\n--\n"), DUMP_PLAIN},
        {TEXT("-- ours\r\n-- PostgreSQL database dump\r\n"), DUMP_PLAIN},
        {TEXT("--\n-- PostgreSQL database cluster dump\n--\n"), DUMP_CLUSTER},
        {TEXT("--\n-- PostgreSQL database dump complete\n--\n"), DUMP_NONE},
        {TEXT("x-- PostgreSQL database dump\n"), DUMP_NONE},
        {TEXT("\0\n-- PostgreSQL database dump\n"), DUMP_NONE},
        {TEXT("PGDMP\1\16\0\4\10\1"), DUMP_CUSTOM},
        {TEXT("PGDMP\1\16\0\4\10\3"), DUMP_DIRECTORY},
        {TEXT("PGDMP\1\16\0\4\10"), DUMP_NONE},
        {TEXT("\xff\xfe-\0-\0"), DUMP_REFUSED},
        {TEXT(""), DUMP_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct dump_kind_row *row = dump_kind_of(cases[i].head, cases[i].n);

        assert_int_equal(row == NULL ? DUMP_NONE : row->kind, cases[i].kind);
    }
}

/* As pg_dump and pg_dumpall write them; NULL: no other is understood. */
static void
only_lines_of_dumps_are_understood(void **state)
{
    static const struct {
        const char    *text;
        enum psql_line kind;
        const char    *database, *key;
    } cases[] = {
        {"\\restrict aB3", PSQL_LINE_NOTHING, NULL, "aB3"},
        {"\\connect shop", PSQL_LINE_OTHER, NULL, "aB3"}, /* psql would refuse it, too */
        {"\\restrict other", PSQL_LINE_OTHER, NULL, "aB3"},
        {"\\unrestrict aB4", PSQL_LINE_OTHER, NULL, "aB3"},
        {"\\unrestrict aB3\r", PSQL_LINE_NOTHING, NULL, NULL},
        {"\\unrestrict aB3", PSQL_LINE_OTHER, NULL, NULL},
        {"\\restrict a`b`", PSQL_LINE_OTHER, NULL, NULL},
        {"\\restrict ", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect shop", PSQL_LINE_CONNECT, "shop", NULL},
        {"\\connect shop ", PSQL_LINE_CONNECT, "shop", NULL},
        {"\\connect \"Na-me\"", PSQL_LINE_CONNECT, "Na-me", NULL},
        {"\\connect \"a\"\"b\"", PSQL_LINE_CONNECT, "a\"b", NULL},
        {"\\connect -reuse-previous=on \"dbname='na me'\"", PSQL_LINE_CONNECT, "na me", NULL},
        {"\\connect -reuse-previous=on \"dbname='a\\'b\\\\\"\"'\"", PSQL_LINE_CONNECT, "a'b\\\"",
         NULL},
        {"\\connect -reuse-previous=on \"dbname='a' host='b'\"", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect -reuse-previous=on \"host='b'\"", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect shop postgres evil.example", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect \"a\" b", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect :x", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect `x`", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect", PSQL_LINE_OTHER, NULL, NULL},
        {"\\connect -", PSQL_LINE_OTHER, NULL, NULL},
        {"\\c shop", PSQL_LINE_OTHER, NULL, NULL},
        {"\\encoding SQL_ASCII", PSQL_LINE_NOTHING, NULL, NULL},
        {"\\encoding UTF8", PSQL_LINE_OTHER, NULL, NULL},
        {"\\! x", PSQL_LINE_OTHER, NULL, NULL},
        {"\\", PSQL_LINE_OTHER, NULL, NULL},
    };
    char *key = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *database = NULL;

        assert_int_equal(psql_line_read(cases[i].text, &key, &database), cases[i].kind);
        assert_int_equal(database == NULL, cases[i].database == NULL);
        assert_int_equal(key == NULL, cases[i].key == NULL);
        if (database != NULL) {
            assert_string_equal(database, cases[i].database);
        }
        free(database);
    }
    free(key);
}

static void
names_of_files_stay_in_their_directory(void **state)
{
    static const char *const good[] = {"3343.dat.gz", "blob_1.dat", "toc.dat", "a"};
    static const char *const bad[] = {"", ".", "..", ".x", "a/b", "../x", "/x", "a\nb", "a b"};
    struct strlist           lists = {0};
    struct err               e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(dumpdir_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(dumpdir_is_name(bad[i]));
    }
    assert_int_equal(dumpdir_check_toc("PGDMP\1\21\0\4\10\3-----------", 22, &lists, &e), -1);
    assert_non_null(strstr(e.text, "of version 1.17"));
}

/* ---- a directory ---- */

#define FILE_OF(name, text) name, text, sizeof(text) - 1

/* An integer as in an archive, of size bytes; high: in the last one. */
static void
put_int(struct buf *b, int size, int v, char high)
{
    char       bytes[9] = {0};
    struct err never = ERR_INIT;

    bytes[1] = (char)v;
    bytes[size] = (char)(bytes[size] | high);
    assert_int_equal(buf_append(b, bytes, (size_t)size + 1, &never), 0);
}

static void
put_text(struct buf *b, int size, const char *text)
{
    struct err never = ERR_INIT;

    put_int(b, size, (int)strlen(text), 0);
    assert_int_equal(buf_append(b, text, strlen(text), &never), 0);
}

/* A toc.dat of version 1.15, with one entry. */
static void
make_toc(struct buf *b, int size, const char *kind, const char *file, char high)
{
    char       head[] = {'P', 'G', 'D', 'M', 'P', 1, 15, 0, (char)size, 8, 3, 0};
    struct err never = ERR_INIT;

    buf_clear(b);
    assert_int_equal(buf_append(b, head, sizeof head, &never), 0);
    for (int i = 0; i < 7; i++) {
        put_int(b, size, 1, 0);
    }
    for (int i = 0; i < 3; i++) {
        put_text(b, size, "x");
    }
    put_int(b, size, 1, high); /* entries */
    put_int(b, size, 1, 0);
    put_int(b, size, 1, 0);
    for (int i = 0; i < 3; i++) {
        put_text(b, size, "");
    }
    put_text(b, size, kind);
    put_int(b, size, 2, 0); /* section */
    for (int i = 0; i < 8; i++) {
        put_text(b, size, "");
    }
    assert_int_equal(buf_append(b, "\1\1\0\0\0\0\0\0", (size_t)size + 1, &never), 0); /* -1 */
    put_text(b, size, file);
}

static void
write_file(const char *dir, const char *name, const void *data, size_t n)
{
    char  path[256];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void
remove_file(const char *dir, const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(unlink(path), 0);
}

static void
lists_of_large_objects_are_checked_by_what_toc_dat_says(void **state)
{
    static const struct {
        const char *kind, *named;
        const char *name, *text; /* of the file */
        size_t      n;
        int         size; /* of integers */
        char        high;
        const char *why; /* NULL: good */
    } cases[] = {
        {"BLOBS", "blobs.toc", FILE_OF("blobs.toc", "1 blob_1.dat\n2 blob_2.dat\n"), 4, 0, NULL},
        {"BLOBS", "5.dat", FILE_OF("5.dat", "1 blob_1.dat\n"), 8, 0, NULL},
        {"TABLE DATA", "5.dat", FILE_OF("5.dat", "1 ../../etc/passwd\n"), 4, 0, NULL},
        {"BLOBS", "blobs.toc", FILE_OF("blobs.toc", "1 ../x\n"), 4, 0, "outside"},
        {"BLOBS", "5.dat", FILE_OF("5.dat", "1 blob_1.dat\n2 ../x\n"), 4, 0, "outside"},
        {"BLOBS", "blobs.toc", FILE_OF("blobs.toc", "1 a\0\n2 ../x\n"), 4, 0, "outside"},
        {"BLOBS", "blobs.toc", FILE_OF("blobs.toc.gz", "\37\213"), 4, 0, "compressed"},
        {"BLOBS", "5.dat", FILE_OF("5.dat.zst", "x"), 4, 0, "reading"},
        {"BLOBS", "5.dat.lz4", FILE_OF("5.dat.lz4", "x"), 4, 0, "compressed"},
        {"BLOBS", "5.dat", FILE_OF("5.dat", ""), 8, 1, "damaged"},
    };
    char       dir[] = "/tmp/pgassay-test-XXXXXX";
    struct buf toc = BUF_INIT(1 << 20);

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = ERR_INIT;
        int        rc;

        make_toc(&toc, cases[i].size, cases[i].kind, cases[i].named, cases[i].high);
        write_file(dir, "toc.dat", toc.data, toc.len);
        write_file(dir, cases[i].name, cases[i].text, cases[i].n);
        rc = dumpdir_check(dir, &e);
        remove_file(dir, cases[i].name);
        if (cases[i].why == NULL) {
            assert_string_equal(e.text, "");
        } else {
            assert_non_null(strstr(e.text, cases[i].why));
        }
        assert_int_equal(rc, cases[i].why == NULL ? 0 : -1);
    }
    remove_file(dir, "toc.dat");
    assert_int_equal(rmdir(dir), 0);
    buf_free(&toc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_is_cut_as_psql_cuts_it),
        cmocka_unit_test(a_copy_may_name_1600_columns),
        cmocka_unit_test(a_long_statement_takes_time_in_proportion),
        cmocka_unit_test(what_is_too_long_or_binary_is_refused),
        cmocka_unit_test(a_file_is_what_its_bytes_say),
        cmocka_unit_test(only_lines_of_dumps_are_understood),
        cmocka_unit_test(names_of_files_stay_in_their_directory),
        cmocka_unit_test(lists_of_large_objects_are_checked_by_what_toc_dat_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
