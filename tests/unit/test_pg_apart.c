/*
 * test_pg_apart.c - which definitions are made by several sessions at once.
 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/archive/apart.h"
#include "pg/archive/apart_parts.h"
#include "tests/support/cmocka.h"

enum { ENTRIES_MAX = 16 };

/* An entry's dump id is its place in the list, from 1 on; needs: "1 3". */
struct line {
    const char *kind, *needs;
};

struct fixture {
    struct archive              archive;
    const struct archive_entry *v[ENTRIES_MAX];
    size_t                      group[ENTRIES_MAX];
};

static void
add(struct archive *a, const struct line *l)
{
    struct archive_entry *entry;

    VEC_GROW(a->v, a->n, a->cap);
    entry = &a->v[a->n++];
    *entry = (struct archive_entry){.dump_id = (int)a->n, .desc = xstrdup(l->kind)};
    entry->depends = xcalloc(ENTRIES_MAX, sizeof *entry->depends);
    for (const char *at = l->needs; *at != '\0';) {
        char *end;

        entry->depends[entry->n_depends++] = (int)strtol(at, &end, 10);
        at = end;
    }
}

static size_t
cut(struct fixture *f, const struct line *lines, size_t n)
{
    *f = (struct fixture){0};
    for (size_t i = 0; i < n; i++) {
        add(&f->archive, &lines[i]);
    }
    for (size_t i = 0; i < n; i++) {
        f->v[i] = &f->archive.v[i];
    }
    return entries_apart(&f->archive, f->v, n, f->group);
}

static void
end(struct fixture *f)
{
    for (size_t i = 0; i < f->archive.n; i++) {
        free(f->archive.v[i].desc);
        free(f->archive.v[i].depends);
    }
    free(f->archive.v);
}

#define CUT(f, lines) cut(&(f), (lines), sizeof(lines) / sizeof *(lines))

static void
tables_that_need_nothing_of_each_other_are_groups(void **state)
{
    static const struct line lines[] = {{"SCHEMA", ""},    {"FUNCTION", "1"}, {"TABLE", "1 2"},
                                        {"COMMENT", "3"},  {"TABLE", "1"},    {"SEQUENCE", "5"},
                                        {"TABLE", "1 99"}, {"DEFAULT", "5 6"}};
    static const size_t      want[] = {APART_BEFORE, APART_BEFORE, 0, 0, 1, 1, 2, 1};
    struct fixture           f;

    (void)state;
    assert_int_equal(CUT(f, lines), 3);
    assert_memory_equal(f.group, want, sizeof want);
    end(&f);
}

static void
what_joins_two_tables_makes_them_one_group(void **state)
{
    /* 4 is inherited from 1 and 2; 6 needs 4, and 5 nothing. */
    static const struct line lines[] = {{"TABLE", ""},    {"TABLE", ""}, {"TABLE", ""},
                                        {"TABLE", "2 1"}, {"TABLE", ""}, {"COMMENT", "4"}};
    static const size_t      want[] = {0, 0, 1, 0, 2, 0};
    struct fixture           f;

    (void)state;
    assert_int_equal(CUT(f, lines), 3);
    assert_memory_equal(f.group, want, sizeof want);
    end(&f);
}

static void
other_kinds_and_what_needs_them_come_afterwards(void **state)
{
    /* A view; a table with a row of it; that one's comment; a function after the first table. */
    static const struct line lines[] = {{"TABLE", ""},      {"VIEW", "1"},     {"TABLE", "2"},
                                        {"COMMENT", "3"},   {"FUNCTION", "1"}, {"TABLE", ""},
                                        {"DEFAULT", "6 5"}, {"COMMENT", "2"}};
    static const size_t      want[] = {0,           APART_AFTER, APART_AFTER, APART_AFTER,
                                       APART_AFTER, 1,           APART_AFTER, APART_AFTER};
    struct fixture           f;

    (void)state;
    assert_int_equal(CUT(f, lines), 2);
    assert_memory_equal(f.group, want, sizeof want);
    end(&f);
}

static void
without_a_table_nothing_is_made_at_once(void **state)
{
    static const struct line lines[] = {{"SCHEMA", ""}, {"SEQUENCE", "1"}, {"COMMENT", "2"}};
    struct fixture           f;

    (void)state;
    assert_int_equal(CUT(f, lines), 0);
    for (size_t i = 0; i < f.archive.n; i++) {
        assert_int_equal(f.group[i], APART_BEFORE);
    }
    end(&f);
}

/* A schema, many tables, a view. */
static struct archive
many_tables(size_t n)
{
    struct archive a = {0};

    add(&a, &(struct line){"SCHEMA", ""});
    for (size_t i = 0; i < n; i++) {
        add(&a, &(struct line){"TABLE", "1"});
    }
    add(&a, &(struct line){"VIEW", "2"});
    return a;
}

static void
what_comes_too_early_is_made_in_its_place(void **state)
{
    enum { MANY = 300 };
    struct fixture     f = {.archive = many_tables(MANY)};
    struct entry_list  all = {0};
    struct apart_parts p;
    size_t             seen = 0;

    (void)state;
    for (size_t i = 0; i < f.archive.n; i++) {
        entry_list_add(&all, &f.archive.v[i]);
    }
    p = apart_parts_cut(&f.archive, &all, 2);
    assert_in_range(p.n, 2, MANY);
    assert_int_equal(p.before.n, 1);
    assert_int_equal(p.after.n, 1);
    for (size_t i = 0; i < p.n; i++) {
        for (size_t k = 0; k < p.v[i].entries.n; k++) {
            assert_ptr_equal(p.v[i].entries.v[k], &f.archive.v[++seen]);
        }
    }
    assert_int_equal(seen, MANY);
    entry_list_add(&p.v[1].early, p.v[1].entries.v[5]);
    entry_list_add(&p.v[1].early, p.v[1].entries.v[2]);
    entry_list_add(&p.v[0].early, p.v[0].entries.v[7]);
    apart_parts_take_back(&p);
    assert_int_equal(p.after.n, 4);
    assert_ptr_equal(p.after.v[0], p.v[0].entries.v[7]);
    assert_ptr_equal(p.after.v[1], p.v[1].entries.v[2]);
    assert_ptr_equal(p.after.v[2], p.v[1].entries.v[5]);
    assert_ptr_equal(p.after.v[3], &f.archive.v[MANY + 1]);
    apart_parts_free(&p);
    entry_list_free(&all);
    end(&f);
}

static void
a_session_alone_and_few_tables_are_not_cut(void **state)
{
    (void)state;
    for (int sessions = 1; sessions <= 2; sessions++) {
        struct fixture     f = {.archive = many_tables(sessions == 1 ? 300 : 100)};
        struct entry_list  all = {0};
        struct apart_parts p;

        for (size_t i = 0; i < f.archive.n; i++) {
            entry_list_add(&all, &f.archive.v[i]);
        }
        p = apart_parts_cut(&f.archive, &all, sessions);
        assert_int_equal(p.n, 0);
        assert_int_equal(p.before.n, all.n);
        assert_memory_equal(p.before.v, all.v, all.n * sizeof *all.v);
        apart_parts_take_back(&p);
        assert_int_equal(p.after.n, 0);
        apart_parts_free(&p);
        entry_list_free(&all);
        end(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_need_nothing_of_each_other_are_groups),
        cmocka_unit_test(what_joins_two_tables_makes_them_one_group),
        cmocka_unit_test(other_kinds_and_what_needs_them_come_afterwards),
        cmocka_unit_test(without_a_table_nothing_is_made_at_once),
        cmocka_unit_test(what_comes_too_early_is_made_in_its_place),
        cmocka_unit_test(a_session_alone_and_few_tables_are_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
