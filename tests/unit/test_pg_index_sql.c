/*
 * test_pg_index_sql.c - indexes and constraints cut so that they can be built side by side.
 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "pg/archive/index_sql.h"
#include "tests/support/cmocka.h"

/* Runs of white space as one blank, none at the end. */
static char *
squeezed(const char *s)
{
    char *out, *to;

    if (s == NULL) {
        return xstrdup("-");
    }
    out = to = xstrdup(s);
    for (; *s != '\0'; s++) {
        bool blank = *s == ' ' || *s == '\n';
        if (!blank || (to > out && to[-1] != ' ')) {
            *to++ = blank ? ' ' : *s;
        }
    }
    while (to > out && to[-1] == ' ') {
        to--;
    }
    *to = '\0';
    return out;
}

static void
cuts(const char *sql, const char *build, const char *then)
{
    char                *text = xstrdup(sql), *b, *t;
    struct archive_entry entry = {.sql = text};
    struct index_sql     got;

    index_sql_cut(&entry, &got);
    b = squeezed(got.build);
    t = squeezed(got.then);
    assert_string_equal(b, build);
    assert_string_equal(t, then);
    index_sql_free(&got);
    free(b);
    free(t);
    free(text);
}

static void
an_index_is_built_and_what_alters_the_table_follows(void **state)
{
    (void)state;
    cuts("SET default_tablespace = '';\nCREATE INDEX i ON ONLY public.t USING btree (a);",
         "SET default_tablespace = ''; CREATE INDEX i ON ONLY public.t USING btree (a)", "-");
    cuts(
        "CREATE INDEX i ON t USING btree (f('a;b'));\n\nALTER TABLE t CLUSTER ON i;\n\nALTER INDEX "
        "i ALTER COLUMN 1 SET STATISTICS 9;",
        "CREATE INDEX i ON t USING btree (f('a;b'))",
        "ALTER TABLE t CLUSTER ON i; ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 9;");
}

static void
a_key_is_an_index_first(void **state)
{
    (void)state;
    cuts("ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);",
         "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)",
         "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey ;");
    cuts(
        "ALTER TABLE ONLY \"ADD x\".\"t (\"\n    ADD CONSTRAINT \"k;\" UNIQUE NULLS NOT DISTINCT "
        "(a, \"b)\") INCLUDE (c) WITH "
        "(fillfactor='70') DEFERRABLE INITIALLY DEFERRED;\n\nALTER TABLE \"ADD x\".\"t (\" CLUSTER "
        "ON \"k;\";",
        "CREATE UNIQUE INDEX \"k;\" ON \"ADD x\".\"t (\" USING btree (a, \"b)\") INCLUDE (c) NULLS "
        "NOT DISTINCT WITH (fillfactor='70')",
        "ALTER TABLE ONLY \"ADD x\".\"t (\" ADD CONSTRAINT \"k;\" UNIQUE USING INDEX \"k;\" "
        "DEFERRABLE INITIALLY DEFERRED; "
        "ALTER TABLE \"ADD x\".\"t (\" CLUSTER ON \"k;\";");
}

static void
what_is_not_that_plain_stays_whole(void **state)
{
    static const char *const whole[] = {
        "ALTER TABLE ONLY t ADD CONSTRAINT x EXCLUDE USING gist (a WITH &&);",
        "ALTER TABLE ONLY t ADD CONSTRAINT x PRIMARY KEY (id, during WITHOUT OVERLAPS);",
        "ALTER TABLE t ADD CONSTRAINT x PRIMARY KEY (id);",
        "ALTER TABLE ONLY t ADD CONSTRAINT x CHECK ((a > 0));",
        "ALTER TABLE ONLY t ADD CONSTRAINT x UNIQUE (id) USING INDEX TABLESPACE y;",
        "ALTER TABLE ONLY t ADD CONSTRAINT x UNIQUE (id",
        "ALTER TABLE ONLY t",
        "CREATE STATISTICS s ON a FROM t;",
    };

    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        cuts(whole[i], "-", whole[i]);
    }
}

static void
a_foreign_key_is_added_and_then_validated(void **state)
{
    char plain[] =
        "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT \"f k\" FOREIGN KEY (a) REFERENCES "
        "public.u(b) ON DELETE CASCADE;";
    char partitioned[] =
        "ALTER TABLE public.t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.u(b);";
    char not_valid[] =
        "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.u(b) "
        "NOT VALID;";
    char not_enforced[] =
        "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.u(b) "
        "NOT ENFORCED;";
    char keywords[] =
        "ALTER TABLE ONLY public.add ADD CONSTRAINT \"x NOT VALID\" FOREIGN KEY "
        "(a) REFERENCES public.add(b);";
    struct index_sql got;
    char            *b, *t;

    (void)state;
    assert_false(foreign_key_cut(&(struct archive_entry){.sql = not_enforced}, &got));
    assert_true(foreign_key_cut(&(struct archive_entry){.sql = keywords}, &got));
    assert_string_equal(got.then,
                        "ALTER TABLE ONLY public.add VALIDATE CONSTRAINT \"x NOT VALID\"");
    index_sql_free(&got);
    assert_true(foreign_key_cut(&(struct archive_entry){.sql = plain}, &got));
    b = squeezed(got.build);
    t = squeezed(got.then);
    assert_string_equal(b,
                        "ALTER TABLE ONLY public.t ADD CONSTRAINT \"f k\" FOREIGN KEY (a) "
                        "REFERENCES public.u(b) ON DELETE CASCADE NOT VALID");
    assert_string_equal(t, "ALTER TABLE ONLY public.t VALIDATE CONSTRAINT \"f k\"");
    index_sql_free(&got);
    free(b);
    free(t);
    assert_false(foreign_key_cut(&(struct archive_entry){.sql = partitioned}, &got));
    assert_false(foreign_key_cut(&(struct archive_entry){.sql = not_valid}, &got));
    assert_false(foreign_key_cut(&(struct archive_entry){.sql = not_enforced}, &got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_built_and_what_alters_the_table_follows),
        cmocka_unit_test(a_key_is_an_index_first),
        cmocka_unit_test(what_is_not_that_plain_stays_whole),
        cmocka_unit_test(a_foreign_key_is_added_and_then_validated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
