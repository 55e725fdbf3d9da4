/*
 * test_pg_tools.c - which pg_dump is taken: the nearest that is new enough.
 */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "pg/conn/tools.h"
#include "pg/snapshot/dump.h"

static char dir[] = "/tmp/test_pg_tools.XXXXXX";

/* A program that says it is this version. */
static void
make_tool(const char *name, const char *version)
{
    char *path = xasprintf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fprintf(f, "#!/bin/sh\necho '%s (PostgreSQL) %s'\n", name, version) > 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    free(path);
}

static void
the_asked_directory_alone_counts(void **state)
{
    struct pg_tool t;
    struct err     e = ERR_INIT;

    (void)state;
    make_tool("pg_dump", "15.4 (Debian 15.4-1)");
    assert_ok(pg_tool_find("pg_dump", 150020, &t, &e), &e);
    assert_int_equal(t.version_num, 150004);
    assert_string_equal(t.version, "15.4 (Debian 15.4-1)");
    assert_memory_equal(t.path, dir, strlen(dir));
    pg_tool_free(&t);
    assert_int_equal(pg_tool_find("pg_dumpall", 0, &t, &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "could not find pg_dumpall");
}

static void
an_older_major_is_refused_with_what_to_install(void **state)
{
    struct pg_tool t;
    struct err     e = ERR_INIT;

    (void)state;
    make_tool("pg_dump", "15.20");
    assert_int_equal(pg_tool_find("pg_dump", 160001, &t, &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "of version 16 or newer (found: 15.20)");
    assert_non_null(strstr(e.hint, "postgresql-client-16"));
    assert_non_null(strstr(e.hint, dir));
    err_clear(&e);
    make_tool("initdb", "15.20"); /* a server's */
    assert_int_equal(pg_tool_find("initdb", 160001, &t, &e), -1);
    assert_non_null(strstr(e.hint, "postgresql-16"));
    err_clear(&e);
    make_tool("initdb", "nobody knows"); /* there, and of no use: that is not "none" */
    assert_int_equal(pg_tool_find("initdb", 160001, &t, &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "that cannot be used: it does not say its version");
}

/* As a package is unpacked: in whole seconds. */
static void
make_packed(const char *name, const char *version, time_t made)
{
    const struct timespec times[2] = {{.tv_sec = made}, {.tv_sec = made}};
    char                 *path = xasprintf("%s/%s", dir, name);

    make_tool(name, version);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static int
version_of(const char *name)
{
    struct pg_tool t;
    struct err     e = ERR_INIT;
    int            version;

    assert_ok(pg_tool_find(name, 0, &t, &e), &e);
    version = t.version_num;
    pg_tool_free(&t);
    return version;
}

static void
one_program_of_a_package_is_asked(void **state)
{
    (void)state;
    make_packed("pg_dump", "15.3", 1600000000);
    assert_int_equal(version_of("pg_dump"), 150003);
    make_packed("initdb", "14.1, which nobody hears", 1600000000);
    assert_int_equal(version_of("initdb"), 150003);
    /* Of another package; the same one in another version; and one that is of none. */
    make_packed("initdb", "14.2", 1600000001);
    assert_int_equal(version_of("initdb"), 140002);
    make_packed("pg_dump", "15.4", 1600000002);
    assert_int_equal(version_of("pg_dump"), 150004);
    make_tool("pg_dump", "16.1");
    assert_int_equal(version_of("pg_dump"), 160001);
    make_tool("initdb", "16.2");
    assert_int_equal(version_of("initdb"), 160002);
}

/* Links that lead elsewhere, and files without a time of their own. */
static void
what_only_looks_like_a_package_is_asked(void **state)
{
    static const time_t made[] = {1600000007, 1};
    char               *other = xasprintf("%s/other", dir);
    char               *from = xasprintf("%s/other/initdb", dir), *to = xasprintf("%s/initdb", dir);

    (void)state;
    assert_int_equal(mkdir(other, 0755), 0);
    make_packed("other/initdb", "14.4", made[0]);
    (void)unlink(to);
    assert_int_equal(symlink(from, to), 0);
    make_packed("pg_dump", "15.7", made[0]);
    assert_int_equal(version_of("pg_dump"), 150007);
    assert_int_equal(version_of("initdb"), 140004);
    assert_int_equal(unlink(to), 0);
    make_packed("pg_dump", "15.8", made[1]);
    assert_int_equal(version_of("pg_dump"), 150008);
    make_packed("initdb", "14.5", made[1]);
    assert_int_equal(version_of("initdb"), 140005);
    assert_int_equal(unlink(from), 0);
    assert_int_equal(rmdir(other), 0);
    free(other);
    free(from);
    free(to);
}

static void
another_name_of_a_wrapper_is_asked(void **state)
{
    char *from = xasprintf("%s/pg_dump", dir), *to = xasprintf("%s/initdb", dir);

    (void)state;
    make_packed("pg_dump", "15.3", 1600000003);
    assert_int_equal(version_of("pg_dump"), 150003);
    make_packed("pg_dump", "14.1", 1600000003);
    (void)unlink(to);
    assert_int_equal(link(from, to), 0);
    assert_int_equal(version_of("initdb"), 140001);
    free(from);
    free(to);
}

static void
development_versions_count(void **state)
{
    struct pg_tool t;
    struct err     e = ERR_INIT;

    (void)state;
    make_tool("pg_dump", "19beta2");
    assert_ok(pg_tool_find("pg_dump", 180006, &t, &e), &e);
    assert_int_equal(t.version_num, 190000);
    pg_tool_free(&t);
}

static void
an_older_minor_is_a_warning(void **state)
{
    char           old_text[] = "15.19";
    struct pg_tool old = {.version_num = 150019, .version = old_text};
    struct strlist warnings = {0};

    (void)state;
    dump_minor_warning(150019, &old, &warnings);
    dump_minor_warning(140030, &old, &warnings);
    assert_int_equal(warnings.n, 0);
    dump_minor_warning(150020, &old, &warnings);
    assert_int_equal(warnings.n, 1);
    assert_non_null(strstr(warnings.v[0], "15.19"));
    strlist_free(&warnings);
}

static int
make_dir(void **state)
{
    (void)state;
    cancel_install();
    pg_tools_bindir(mkdtemp(dir));
    return 0;
}

static int
remove_dir(void **state)
{
    static const char *const made[] = {"pg_dump", "initdb"};

    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        char *path = xasprintf("%s/%s", dir, made[i]);

        (void)unlink(path);
        free(path);
    }
    return rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_asked_directory_alone_counts),
        cmocka_unit_test(an_older_major_is_refused_with_what_to_install),
        cmocka_unit_test(one_program_of_a_package_is_asked),
        cmocka_unit_test(what_only_looks_like_a_package_is_asked),
        cmocka_unit_test(another_name_of_a_wrapper_is_asked),
        cmocka_unit_test(development_versions_count),
        cmocka_unit_test(an_older_minor_is_a_warning),
    };

    return cmocka_run_group_tests_name("pg tools", tests, make_dir, remove_dir);
}
