/* opts.h and config.h: flag > environment > file > default, and clear words for what is wrong. */
#include "tests/unit/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cli/opts.h"
#include "core/config/config.h"

struct values {
    bool           json;
    int            jobs;
    const char    *repo, *compress, *conninfo;
    struct strlist tables;
};

#define AT(field) offsetof(struct values, field)

static const struct opt table[] = {
    {.kind = OPT_HEAD, .name = "Options"},
    {.kind = OPT_FLAG, .name = "json", .help = "print JSON", .offset = AT(json)},
    {.kind = OPT_INT,
     .name = "jobs",
     .letter = 'j',
     .arg = "N",
     .help = "workers",
     .offset = AT(jobs),
     .min = 1,
     .max = 64,
     .env = "TEST_JOBS",
     .config = "jobs"},
    {.kind = OPT_TEXT,
     .name = "repo",
     .arg = "PATH",
     .help = "repository",
     .offset = AT(repo),
     .config = "repo"},
    {.kind = OPT_TEXT,
     .name = "compress",
     .arg = "CODEC",
     .help = "codec",
     .offset = AT(compress),
     .config = "compress"},
    {.kind = OPT_TEXT,
     .name = "conninfo",
     .letter = 'd',
     .arg = "CONNINFO",
     .help = "database",
     .offset = AT(conninfo),
     .config = "conninfo"},
    {.kind = OPT_LIST,
     .name = "table",
     .letter = 't',
     .arg = "PATTERN",
     .help = "tables",
     .offset = AT(tables),
     .env = "TEST_TABLE"},
    {.kind = OPT_HEAD, .name = NULL},
};

static const struct opts_spec spec = {
    .program = "pgassay-test", .usage = "[OPTION]...", .summary = "Test.", .table = table};

/* Parses the words of a command line. */
static int
parse(const char *line, struct values *v, struct opts_result *r, struct err *e)
{
    static char words[256];
    char       *argv[32] = {words};
    int         argc = 1;

    (void)snprintf(words, sizeof words, "prog %s", line);
    (void)strtok(words, " ");
    while ((argv[argc] = strtok(NULL, " ")) != NULL) {
        argc++;
    }
    return opts_parse(&spec, argc, argv, v, r, e);
}

static void
all_spellings_are_understood(void **state)
{
    static const char *const lines[] = {
        "--json --jobs 4 -t a -tb -- --x", "--jobs=4 -t a --table=b --js -- --x",
        "-j4 --table a -t b --json -- --x", "--json -j 4 -ta -tb -- --x"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct values      v = {.jobs = 2};
        struct opts_result r;
        struct err         e = ERR_INIT;

        assert_ok(parse(lines[i], &v, &r, &e), &e);
        assert_true(v.json);
        assert_int_equal(v.jobs, 4);
        assert_int_equal(v.tables.n, 2);
        assert_string_equal(v.tables.v[1], "b");
        assert_int_equal(r.rest.n, 1);
        assert_string_equal(r.rest.v[0], "--x");
        assert_true(opts_given(&r, "jobs"));
        assert_false(opts_given(&r, "repo"));
        strlist_free(&v.tables);
        opts_result_free(&r);
    }
}

static void
arguments_may_stand_anywhere(void **state)
{
    struct values      v = {0};
    struct opts_result r;
    struct err         e = ERR_INIT;

    (void)state;
    assert_ok(parse("drill shop --json -j 3 x", &v, &r, &e), &e);
    assert_int_equal(r.rest.n, 3);
    assert_string_equal(r.rest.v[1], "shop");
    assert_true(v.json);
    opts_result_free(&r);
}

static void
wrong_options_are_named(void **state)
{
    static const char *const bad[][2] = {
        {"--nonsense", "--nonsense is not an option"},
        {"--nonsense=3", "--nonsense=3 is not an option"},
        {"-x", "-x is not an option"},
        {"-j", "-j needs a value"},
        {"--repo", "--repo needs a value"},
        {"--json=1", "--json=1 takes no value"},
        {"--co", "--co is not an option, or stands for several"},
        {"-j 0", "\"0\" is not a number from 1 to 64"},
        {"-j 65", "from 1 to 64"},
        {"-j 4x", "\"4x\" is not a number"},
        {"-j 99999999999999999999", "is not a number"},
        {"--completion=tcsh", "tcsh"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct values      v = {0};
        struct opts_result r;
        struct err         e = ERR_INIT;

        assert_int_equal(parse(bad[i][0], &v, &r, &e), -1);
        assert_err(&e, ERR_USAGE, bad[i][1]);
        assert_non_null(strstr(e.hint, "--help"));
        opts_result_free(&r);
    }
}

/* A file with this text; its name lasts until the next call. */
static const char *
file_with(const char *text)
{
    static char path[] = "/tmp/pgassay-test-XXXXXX";
    int         fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

static struct config *
config_of(const char *text, struct err *e)
{
    const char    *path = file_with(text);
    struct config *c = config_load(path, e);

    (void)unlink(path);
    return c;
}

static const char good[] =
    "; defaults\n"
    "jobs = 3\n"
    "  compress = gzip:1 ; indented, and not more of the line above\n"
    "repo = nightly\n"
    "\n"
    "[repo nightly]\n"
    "path = /srv/backups\n"
    "[database shop]\n"
    "\tconninfo = host=db1 dbname=shop\n"
    "\tjobs = 5\n"
    "lock_timeout = 9\n"
    "[database a name of sixty-three bytes, which are more than inih can keep.]\n"
    "repo = /elsewhere\n"
    "[repo empty]\n";

static void
the_file_is_read(void **state)
{
    struct err     e = ERR_INIT;
    struct config *c = config_of(good, &e);

    (void)state;
    assert_non_null(c);
    assert_string_equal(config_get(c, "", NULL, "jobs"), "3");
    assert_string_equal(config_get(c, "", NULL, "compress"), "gzip:1");
    assert_string_equal(config_get(c, "database", "shop", "conninfo"), "host=db1 dbname=shop");
    assert_string_equal(config_get(c, "database", "shop", "lock-timeout"), "9");
    assert_string_equal(config_get(c, "database", "shop", "lock_timeout"), "9");
    assert_null(config_get(c, "database", "shop", "compress"));
    assert_null(config_get(c, "database", "other", "jobs"));
    assert_string_equal(config_section(c, "database", 0), "shop");
    assert_int_equal(strlen(config_section(c, "database", 1)), 63);
    assert_null(config_section(c, "database", 2));
    assert_string_equal(config_section(c, "repo", 1), "empty");
    config_free(c);
}

static void
what_is_wrong_in_the_file_is_named_with_its_line(void **state)
{
    static const char *const bad[][2] = {
        {"jobs = 3\njbos = 4\n", ":2: unknown key \"jbos\""},
        {"path = /x\n", ":1: unknown key \"path\""},
        {"[repo a]\njobs = 3\n", ":2: unknown key \"jobs\""},
        {"[database a]\n\n; note\nhots = x\n", ":4: unknown key \"hots\""},
        {"[server a]\n", ":1: unknown kind of section \"server\""},
        {"[repo]\n", ":1: a section without a name"},
        {"[repo a\n", ":1: a section's \"]\" is missing"},
        {"[repo a]\n[repo b]\n[repo a]\n", ":3: a second section for \"a\""},
        {"jobs = 1\njobs = 2\n", ":2: given twice: key \"jobs\""},
        {"lock-timeout = 1\nlock_timeout = 2\n", ":2: given twice"},
        {"jobs 3\n", ":1: neither"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;

        assert_null(config_of(bad[i][0], &e));
        assert_err(&e, ERR_USAGE, bad[i][1]);
        assert_non_null(strstr(e.text, "/tmp/pgassay-test-"));
    }
}

static void
an_unknown_key_gets_the_known_ones(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_null(config_of("[repo a]\njobs = 3\n", &e));
    assert_non_null(strstr(e.hint, "[repo NAME] may have path, "));
    err_clear(&e);
    assert_null(config_of("[database a]\nhots = x\n", &e));
    assert_non_null(strstr(e.hint, "conninfo, dbname, repo, "));
}

static void
a_line_longer_than_the_parser_keeps_is_refused(void **state)
{
    struct err e = ERR_INIT;
    char       text[20000];

    (void)state;
    (void)snprintf(text, sizeof text, "jobs = 1\ncompress = %019000d\n", 0);
    assert_null(config_of(text, &e));
    assert_err(&e, ERR_USAGE, ":2: a line that is too long");
}

static void
a_named_file_must_be_there(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_null(config_load("/no/such/file", &e));
    assert_err(&e, ERR_USAGE, "/no/such/file");
    setenv("PGASSAY_CONFIG", "/no/such/other", 1);
    assert_null(config_load(NULL, &e));
    assert_err(&e, ERR_USAGE, "/no/such/other");
    unsetenv("PGASSAY_CONFIG");
}

static void
a_missing_default_file_is_no_error(void **state)
{
    struct err     e = ERR_INIT;
    struct config *c;

    (void)state;
    setenv("XDG_CONFIG_HOME", "/no/such/dir", 1);
    c = config_load(NULL, &e);
    assert_non_null(c);
    assert_null(config_get(c, "", NULL, "jobs"));
    assert_null(config_section(c, "repo", 0));
    config_free(c);
    unsetenv("XDG_CONFIG_HOME");
}

/* Passing it over would pass over whom it trusts. */
static void
a_default_file_that_may_not_be_read_is_an_error(void **state)
{
    char           dir[] = "/tmp/pgassay-conf-XXXXXX";
    char           path[96], sub[64];
    struct err     e = ERR_INIT;
    struct config *c;
    FILE          *f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    (void)snprintf(sub, sizeof sub, "%s/pgassay", dir);
    (void)snprintf(path, sizeof path, "%s/pgassay.conf", sub);
    assert_int_equal(mkdir(sub, 0755), 0);
    assert_non_null(f = fopen(path, "w"));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0), 0);
    setenv("XDG_CONFIG_HOME", dir, 1);
    if (geteuid() == 0) {
        assert_int_equal(seteuid(65534), 0);
    }
    assert_null(config_load(NULL, &e));
    assert_err(&e, ERR_USAGE, path);
    err_clear(&e);
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(chmod(sub, 0), 0); /* somebody else's home */
    if (getuid() == 0) {
        assert_int_equal(seteuid(65534), 0);
    }
    c = config_load(NULL, &e);
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_non_null(c);
    config_free(c);
    unsetenv("XDG_CONFIG_HOME");
    assert_int_equal(chmod(sub, 0755), 0);
    assert_int_equal(unlink(path) + rmdir(sub) + rmdir(dir), 0);
}

static void
a_directory_is_no_configuration(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_null(config_load("/tmp", &e));
    assert_err(&e, ERR_USAGE, "Is a directory");
}

static int
values_in_force(const char *line, const char *database, const char *file, struct values *v,
                struct config **c, struct err *e)
{
    struct opts_result r;
    int                rc;

    *v = (struct values){.jobs = 2, .compress = "zstd:3"};
    *c = config_of(file, e);
    assert_non_null(*c);
    assert_ok(parse(line, v, &r, e), e);
    rc = config_apply(*c, database, &spec, &r, v, e);
    opts_result_free(&r);
    return rc;
}

static void
flag_beats_environment_beats_section_beats_defaults(void **state)
{
    static const struct {
        const char *line, *env, *database;
        int         jobs;
    } cases[] = {
        {"", NULL, NULL, 3},  {"", NULL, "shop", 5},    {"", NULL, "other", 3},
        {"", "7", "shop", 7}, {"-j 9", "7", "shop", 9}, {"-j 9", NULL, NULL, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err     e = ERR_INIT;
        struct config *c;
        struct values  v;

        if (cases[i].env != NULL) {
            setenv("TEST_JOBS", cases[i].env, 1);
        }
        assert_ok(values_in_force(cases[i].line, cases[i].database, good, &v, &c, &e), &e);
        assert_int_equal(v.jobs, cases[i].jobs);
        assert_string_equal(v.compress, "gzip:1");
        config_free(c);
        unsetenv("TEST_JOBS");
    }
}

static void
a_list_on_the_command_line_replaces_that_of_the_environment(void **state)
{
    struct err         e = ERR_INIT;
    struct values      v = {.jobs = 2};
    struct opts_result r;

    (void)state;
    setenv("TEST_TABLE", "orders", 1);
    assert_ok(parse("", &v, &r, &e), &e);
    assert_int_equal(v.tables.n, 1);
    assert_string_equal(v.tables.v[0], "orders");
    strlist_free(&v.tables);
    opts_result_free(&r);
    assert_ok(parse("-t a -t b", &v, &r, &e), &e);
    assert_int_equal(v.tables.n, 2);
    assert_string_equal(v.tables.v[0], "a");
    strlist_free(&v.tables);
    opts_result_free(&r);
    unsetenv("TEST_TABLE");
}

static void
a_bad_value_is_named_with_its_origin(void **state)
{
    struct err         e = ERR_INIT;
    struct config     *c;
    struct values      v;
    struct opts_result r;

    (void)state;
    assert_int_equal(values_in_force("", NULL, "\njobs = many\n", &v, &c, &e), -1);
    assert_err(&e, ERR_USAGE, ":2: jobs: \"many\" is not a number");
    config_free(c);
    setenv("TEST_JOBS", "lots", 1);
    assert_int_equal(parse("", &v, &r, &e), -1);
    assert_err(&e, ERR_USAGE, "environment variable TEST_JOBS");
    unsetenv("TEST_JOBS");
    opts_result_free(&r);
}

/* What config_repo_names() gives, with bars between. */
static char *
names_of(const struct config *c, const char *arg, const char *database)
{
    struct err     e = ERR_INIT;
    struct strlist args = {0};
    struct strlist names = {0};
    char          *text = xstrdup("");

    if (arg != NULL) {
        strlist_add(&args, arg);
    }
    assert_int_equal(config_repo_names(c, &args, database, &names, &e), 0);
    for (size_t i = 0; i < names.n; i++) {
        char *longer = xasprintf("%s%s%s", text, i == 0 ? "" : "|", names.v[i]);

        free(text);
        text = longer;
    }
    strlist_free(&args);
    strlist_free(&names);
    return text;
}

static void
assert_names(const struct config *c, const char *arg, const char *database, const char *want)
{
    char *have = names_of(c, arg, database);

    assert_string_equal(have, want);
    free(have);
}

static void
repositories_are_found_by_name_or_path(void **state)
{
    static const char long_name[] =
        "a name of sixty-three bytes, which are more than inih can keep.";
    struct err     e = ERR_INIT;
    struct config *c = config_of(good, &e);
    struct strlist names = {0};
    const char    *section;

    (void)state;
    unsetenv("PGASSAY_REPO");
    assert_names(c, "/x/y", NULL, "/x/y");
    assert_names(c, " /x , /y y,", NULL, "/x|/y y");
    assert_names(c, NULL, NULL, "nightly");
    assert_names(c, NULL, long_name, "/elsewhere");
    setenv("PGASSAY_REPO", "/env, nightly", 1);
    assert_names(c, NULL, NULL, "/env|nightly");
    assert_names(c, NULL, long_name, "/env|nightly");
    assert_names(c, "/x", long_name, "/x");
    unsetenv("PGASSAY_REPO");
    assert_string_equal(config_repo_path(c, "nightly", &section, &e), "/srv/backups");
    assert_string_equal(section, "nightly");
    assert_string_equal(config_repo_path(c, "/x/y", &section, &e), "/x/y");
    assert_null(section);
    assert_null(config_repo_path(c, "empty", &section, &e));
    assert_err(&e, ERR_USAGE, "[repo empty] has no path");
    config_free(c);
    c = config_of("jobs = 1\n", &e);
    assert_int_equal(config_repo_names(c, NULL, "shop", &names, &e), -1);
    assert_err(&e, ERR_USAGE, "which repository?");
    assert_non_null(strstr(e.hint, "--repo"));
    config_free(c);
}

static void
print_config_tells_origins_and_hides_passwords(void **state)
{
    static const char file[] =
        "jobs = 3\n[database shop]\nconninfo = host=db1 password=hunter2\n"
        "[database uri]\nconninfo = postgresql://me:hunter2@db1/shop\n"
        "[repo r]\npath = /srv\n";
    struct err         e = ERR_INIT;
    struct config     *c = config_of(file, &e);
    struct values      v = {.jobs = 2, .compress = "zstd:3"};
    struct opts_result r;
    char              *text = NULL;
    size_t             n = 0;
    FILE              *f = open_memstream(&text, &n);

    (void)state;
    assert_ok(parse("--repo=/cmd", &v, &r, &e), &e);
    assert_ok(config_apply(c, "shop", &spec, &r, &v, &e), &e);
    config_print_options(c, "shop", &spec, &r, &v, f);
    config_print(c, f);
    (void)fclose(f);
    assert_non_null(strstr(text, "repo = /cmd ; command line\n"));
    assert_non_null(strstr(text, "compress = zstd:3 ; default\n"));
    assert_non_null(strstr(text, "jobs = 3 ; /tmp/pgassay-test-"));
    assert_non_null(strstr(text, "[repo r]\npath = /srv ; "));
    assert_null(strstr(text, "hunter2"));
    free(text);
    opts_result_free(&r);
    config_free(c);
}

static void
an_option_of_another_verb_is_refused(void **state)
{
    static const struct opt_verbs verbs[] = {
        {"repo table", "list show"}, {"jobs", "scrub"}, {NULL, NULL}};
    struct opts_result r = {0};
    struct err         e = ERR_INIT;

    (void)state;
    strlist_add(&r.given, "json"); /* every verb's */
    strlist_add(&r.given, "table");
    strlist_add(&r.from_env, "jobs"); /* whoever sets the environment means no verb */
    assert_int_equal(opts_check_verb(&r, "list", verbs, &e), 0);
    assert_int_equal(opts_check_verb(&r, "show", verbs, &e), 0);
    assert_int_equal(opts_check_verb(&r, "sho", verbs, &e), -1);
    assert_int_equal(opts_check_verb(&r, "scrub", verbs, &e), -1);
    assert_int_equal(e.kind, ERR_USAGE);
    assert_string_equal(e.text, "--table means nothing to scrub");
    assert_string_equal(e.hint, "it belongs to: list show");
    opts_result_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spellings_are_understood),
        cmocka_unit_test(arguments_may_stand_anywhere),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(the_file_is_read),
        cmocka_unit_test(what_is_wrong_in_the_file_is_named_with_its_line),
        cmocka_unit_test(an_unknown_key_gets_the_known_ones),
        cmocka_unit_test(a_line_longer_than_the_parser_keeps_is_refused),
        cmocka_unit_test(a_named_file_must_be_there),
        cmocka_unit_test(a_missing_default_file_is_no_error),
        cmocka_unit_test(a_default_file_that_may_not_be_read_is_an_error),
        cmocka_unit_test(a_directory_is_no_configuration),
        cmocka_unit_test(flag_beats_environment_beats_section_beats_defaults),
        cmocka_unit_test(a_list_on_the_command_line_replaces_that_of_the_environment),
        cmocka_unit_test(a_bad_value_is_named_with_its_origin),
        cmocka_unit_test(repositories_are_found_by_name_or_path),
        cmocka_unit_test(print_config_tells_origins_and_hides_passwords),
        cmocka_unit_test(an_option_of_another_verb_is_refused),
    };

    return cmocka_run_group_tests_name("core/opts", tests, NULL, NULL);
}
