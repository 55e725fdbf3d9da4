/* config.h: flag > environment > file > default, lists, and clear words for what is wrong. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config/config.h"
#include "tests/unit/opts_values.h"

/* What a section [repo NAME] may have here. */
static const struct config_key repo_keys[] = {
    {"path", CONFIG_TEXT, "where", NULL},
    {"encrypt-to", CONFIG_COMMA_LIST, "who reads", NULL},
    {"pattern", CONFIG_LIST, "what", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};
static const struct config_keys keys = {config_common_keys, config_database_keys,
                                        (const struct config_key *const[]){repo_keys, NULL},
                                        config_other_kinds};

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
    struct config *c = config_load(path, &keys, e);

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

/* A kind of section that only one tool reads has its own keys, and not those for everything. */
static void
other_kinds_have_keys_of_their_own(void **state)
{
    struct err     e = ERR_INIT;
    struct strlist lines = {0};
    struct config *c = config_of(
        "[check full]\ndatabase = shop\nquery = SELECT count(*)\n"
        "    FROM item WHERE name = ''\nexpect = > 0\n",
        &e);

    (void)state;
    assert_non_null(c);
    assert_string_equal(config_get(c, "check", "full", "expect"), "> 0");
    assert_true(config_list(c, "check", "full", "query", &lines));
    assert_int_equal(lines.n, 2);
    assert_string_equal(lines.v[1], "FROM item WHERE name = ''");
    strlist_free(&lines);
    config_free(c);
    assert_null(config_of("[check full]\njobs = 3\n", &e));
    assert_non_null(strstr(e.text, "unknown key \"jobs\""));
    err_clear(&e);
    assert_null(config_of("expect = 3\n", &e));
    err_clear(&e);
    assert_null(config_of("[nothing a]\n", &e));
    assert_non_null(strstr(e.hint, "[check NAME]"));
}

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
        {"[sever a]\n", ":1: unknown kind of section \"sever\""},
        {"[repo]\n", ":1: a section without a name"},
        {"[repo a\n", ":1: a section's \"]\" is missing"},
        {"[repo a]\n[repo b]\n[repo a]\n", ":3: a second section for \"a\""},
        {"jobs = 1\njobs = 2\n", ":2: given twice: key \"jobs\""},
        {"lock-timeout = 1\nlock_timeout = 2\n", ":2: given twice"},
        {"jobs 3\n", ":1: neither"},
        {"jobs = 1\nnote\nprune = yes\n", ":2: neither"},
        {"jobs = 3\njbos = 4\n", "unknown key \"jbos\" (did you mean \"jobs\"?)"},
        {"[repo a]\nencrpyt_to = x\n", "\"encrpyt_to\" (did you mean \"encrypt-to\"?)"},
        {"[repo a]\nencrypt-to = x\n    pahth = y\n", ":3: unknown key \"pahth\""},
        {"  jobs = 1\n    2\n", ":2: neither"}, /* only a list goes on */
        {"repo = a\n\n    b\n", ":3: neither"}, /* not over an empty line */
        {"repo = a\nb\n", ":2: neither"},
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
a_named_file_must_be_there(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_null(config_load("/no/such/file", &keys, &e));
    assert_err(&e, ERR_USAGE, "/no/such/file");
    setenv("PGASSAY_CONFIG", "/no/such/other", 1);
    assert_null(config_load(NULL, &keys, &e));
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
    c = config_load(NULL, &keys, &e);
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
    assert_null(config_load(NULL, &keys, &e));
    assert_err(&e, ERR_USAGE, path);
    err_clear(&e);
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(chmod(sub, 0), 0); /* somebody else's home */
    if (getuid() == 0) {
        assert_int_equal(seteuid(65534), 0);
    }
    c = config_load(NULL, &keys, &e);
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
    assert_null(config_load("/tmp", &keys, &e));
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
    rc = config_apply(*c, database, &r, v, e);
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
    assert_ok(config_apply(c, "shop", &r, &v, &e), &e);
    config_print_options(c, "shop", &r, &v, f);
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

/* What a list holds, with bars between; "-" when the key is not there. */
static void
assert_list(const struct config *c, const char *kind, const char *name, const char *key,
            const char *want)
{
    struct strlist values = {0};
    char           have[4096] = "-";
    size_t         n = 0;

    if (config_list(c, kind, name, key, &values)) {
        have[0] = '\0';
        for (size_t i = 0; i < values.n; i++) {
            n += (size_t)snprintf(have + n, sizeof have - n, "%s%s", i == 0 ? "" : "|",
                                  values.v[i]);
        }
    }
    strlist_free(&values);
    assert_string_equal(have, want);
}

static void
a_list_is_repeated_or_continued(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "-"},
        {"encrypt-to =\n", ""},
        {"encrypt-to = a\n", "a"},
        {"encrypt-to = a, b ,c,\n", "a|b|c"},
        {"encrypt-to = a\nencrypt_to = b, c\n", "a|b|c"},
        {"encrypt-to = a\npath = x\nencrypt-to = b\n", "a|b"},
        {"encrypt-to =\n    a, b\n    c\n", "a, b|c"},
        {"encrypt-to = a,b\n  c, d ; why\n\te = f\n", "a|b|c, d|e = f"},
        {"encrypt-to =\n ; why\n  a\n# and\n  b\n", "a|b"},
        {"  encrypt-to = a\n    b\n  path = x\n", "a|b"},
        {"  encrypt-to = a\n  path = x\n", "a"},
        {"encrypt-to = a\n    path = x\n", "a"}, /* a key, however deep it stands */
        {"encrypt-to = a\n    b\n[repo other]\n", "a|b"},
        {"encrypt-to = a\r\n    b\r\n", "a|b"},
        {"encrypt-to =\n    keys/a:b;c\n", "keys/a:b;c"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err     e = ERR_INIT;
        char          *text = xasprintf("[repo r]\n%s", cases[i].text);
        struct config *c = config_of(text, &e);

        if (c == NULL) {
            fail_msg("%s: %s", cases[i].text, e.text);
        }
        assert_list(c, "repo", "r", "encrypt-to", cases[i].want);
        config_free(c);
        free(text);
    }
}

static void
commas_belong_to_a_pattern(void **state)
{
    struct err     e = ERR_INIT;
    struct config *c = config_of("exclude-table-data = log_(1,2)\nexclude-table-data = x\n", &e);

    (void)state;
    assert_non_null(c);
    assert_list(c, "", NULL, "exclude-table-data", "log_(1,2)|x");
    config_free(c);
}

static void
a_list_of_the_section_replaces_that_of_the_defaults(void **state)
{
    static const char file[] =
        "exclude-table-data = a\nexclude-table-data = b\n"
        "[database one]\nexclude-table-data = c\n"
        "[database none]\nexclude-table-data =\n";
    static const struct {
        const char *database;
        size_t      n;
        const char *first;
    } cases[] = {{NULL, 2, "a"}, {"other", 2, "a"}, {"one", 1, "c"}, {"none", 0, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err     e = ERR_INIT;
        struct config *c;
        struct values  v;

        assert_ok(values_in_force("", cases[i].database, file, &v, &c, &e), &e);
        assert_int_equal(v.patterns.n, cases[i].n);
        if (cases[i].n > 0) {
            assert_string_equal(v.patterns.v[0], cases[i].first);
        }
        opts_lists_free(spec.tables, &v);
        config_free(c);
    }
}

static void
lines_may_be_of_any_length(void **state)
{
    enum { LONG = 300000 };
    struct err     e = ERR_INIT;
    char          *text = xmalloc(LONG + 100);
    struct config *c;
    struct strlist values = {0};
    int            n = snprintf(text, LONG + 100, "note = ");

    (void)state;
    memset(text + n, 'x', LONG);
    (void)snprintf(text + n + LONG, 90, "y ; and a remark\n[repo r]\npath = /p\n");
    c = config_of(text, &e);
    assert_non_null(c);
    assert_int_equal(strlen(config_get(c, "", NULL, "note")), LONG + 1);
    assert_int_equal(config_get(c, "", NULL, "note")[LONG], 'y');
    assert_string_equal(config_get(c, "repo", "r", "path"), "/p");
    config_free(c);
    /* A hundred key files in one line. */
    n = snprintf(text, LONG, "[repo r]\nencrypt-to = ");
    for (int i = 0; i < 100; i++) {
        n += snprintf(text + n, LONG, "/etc/pgassay/keys/a-rather-long-name-%03d.pub, ", i);
    }
    c = config_of(text, &e);
    assert_non_null(c);
    assert_true(config_list(c, "repo", "r", "encrypt-to", &values));
    assert_int_equal(values.n, 100);
    assert_string_equal(values.v[99], "/etc/pgassay/keys/a-rather-long-name-099.pub");
    strlist_free(&values);
    config_free(c);
    free(text);
}

static void
a_file_with_a_byte_order_mark_is_read(void **state)
{
    struct err     e = ERR_INIT;
    struct config *c = config_of("\xef\xbb\xbf[repo r]\npath = /p\n", &e);

    (void)state;
    assert_non_null(c);
    assert_string_equal(config_get(c, "repo", "r", "path"), "/p");
    config_free(c);
}

static void
what_is_no_text_is_refused(void **state)
{
    char        path[] = "/tmp/pgassay-test-XXXXXX";
    struct err  e = ERR_INIT;
    int         fd = mkstemp(path);
    static char large[(1 << 20) + 1];

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "jobs = 1\0\n", 10), 10);
    assert_null(config_load(path, &keys, &e));
    assert_err(&e, ERR_USAGE, "holds a NUL");
    memset(large, '\n', sizeof large);
    assert_int_equal(pwrite(fd, large, sizeof large, 0), sizeof large);
    err_clear(&e);
    assert_null(config_load(path, &keys, &e));
    assert_err(&e, ERR_USAGE, path);
    (void)close(fd);
    (void)unlink(path);
}

/* What --print-config prints, allocated. */
static char *
printed(const struct config *c, const char *line, const char *database, struct err *e)
{
    struct values      v = {.jobs = 2, .compress = "zstd:3"};
    struct opts_result r;
    char              *text = NULL;
    size_t             n = 0;
    FILE              *f = open_memstream(&text, &n);

    assert_ok(parse(line, &v, &r, e), e);
    assert_ok(config_apply(c, database, &r, &v, e), e);
    config_print_options(c, database, &r, &v, f);
    (void)fclose(f);
    opts_lists_free(spec.tables, &v);
    opts_result_free(&r);
    return text;
}

/* PGASSAY_KEY of each key before any section, for every database. */
static void
keys_come_from_the_environment(void **state)
{
    static const char file[] =
        "jobs = 3\nhook-timeout = 1s\nexclude-table-data = x\n"
        "[database shop]\njobs = 5\nrto = 1h\n";
    struct err     e = ERR_INIT;
    struct values  v;
    struct config *c;
    char          *text;

    (void)state;
    setenv("PGASSAY_JOBS", "7", 1);
    setenv("PGASSAY_RTO", "2h", 1);
    setenv("PGASSAY_HOOK_TIMEOUT", "", 1); /* as if it were not set */
    setenv("PGASSAY_EXCLUDE_TABLE_DATA", "a,b\n\nc d", 1);
    assert_ok(values_in_force("", "shop", file, &v, &c, &e), &e);
    assert_int_equal(v.jobs, 7);
    assert_null(config_get(c, "database", "shop", "rto"));
    assert_string_equal(config_get(c, "", NULL, "rto"), "2h");
    assert_string_equal(config_get(c, "", NULL, "hook-timeout"), "1s");
    assert_list(c, "", NULL, "exclude-table-data", "a,b|c d");
    text = printed(c, "", "shop", &e);
    assert_non_null(strstr(text, "\njobs = 7 ; PGASSAY_JOBS\n"));
    assert_non_null(strstr(text, "a,b ; PGASSAY_EXCLUDE_TABLE_DATA\n"));
    free(text);
    config_free(c);
    assert_ok(values_in_force("-j 9", "shop", file, &v, &c, &e), &e);
    assert_int_equal(v.jobs, 9);
    config_free(c);
    setenv("PGASSAY_JOBS", "many", 1);
    assert_int_equal(values_in_force("", "shop", file, &v, &c, &e), -1);
    assert_err(&e, ERR_USAGE, "environment variable PGASSAY_JOBS: jobs: \"many\" is not a number");
    config_free(c);
    unsetenv("PGASSAY_JOBS");
    unsetenv("PGASSAY_RTO");
    unsetenv("PGASSAY_HOOK_TIMEOUT");
    unsetenv("PGASSAY_EXCLUDE_TABLE_DATA");
}

static void
what_is_printed_can_be_read_again(void **state)
{
    static const char file[] =
        "repo = r, /srv/x\nrepo =\n  /srv/with, comma\n"
        "exclude-table-data = a\nexclude-table-data = b,c\n"
        "[repo r]\npath = /p\nencrypt-to = [a, path=b\n  c, d\npattern = p\n";
    struct err     e = ERR_INIT;
    struct config *c = config_of(file, &e);
    struct config *again;
    char          *text, *second;

    (void)state;
    unsetenv("PGASSAY_REPO");
    assert_non_null(c);
    text = printed(c, "", NULL, &e);
    again = config_of(text, &e);
    if (again == NULL) {
        fail_msg("%s\n%s", e.text, text);
    }
    assert_list(again, "", NULL, "repo", "r|/srv/x|/srv/with, comma");
    assert_list(again, "", NULL, "exclude-table-data", "a|b,c");
    assert_list(again, "repo", "r", "encrypt-to", "[a|path=b|c, d");
    assert_list(again, "repo", "r", "pattern", "p");
    second = printed(again, "--exclude-table-data x,y --exclude-table-data z", NULL, &e);
    config_free(again);
    again = config_of(second, &e);
    assert_non_null(again);
    assert_list(again, "", NULL, "exclude-table-data", "x,y|z");
    config_free(again);
    config_free(c);
    free(text);
    free(second);
}

static void
print_config_says_which_repository_and_why(void **state)
{
    static const char file[] = "repo = /of/file\n[database shop]\nrepo = a, b\n";
    struct err        e = ERR_INIT;
    struct config    *c = config_of(file, &e);
    static const struct {
        const char *line, *env, *database, *want;
    } cases[] = {
        {"", NULL, NULL, "\nrepo = /of/file ; /tmp/pgassay-test-"},
        {"", NULL, "shop", "\nrepo = a ; /tmp/pgassay-test-"},
        {"", "/env", "shop", "\nrepo = /env ; PGASSAY_REPO\n"},
        {"", "/env,/two", NULL, "\nrepo = /env ; PGASSAY_REPO\nrepo = /two ; PGASSAY_REPO\n"},
        {"--repo /a", "/env", "shop", "\nrepo = /a ; command line\n"},
        {"--repo /a,b", NULL, NULL, "\nrepo =\n    /a,b ; command line\n"},
    };
    char *text;

    (void)state;
    assert_non_null(c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].env != NULL) {
            setenv("PGASSAY_REPO", cases[i].env, 1);
        }
        text = printed(c, cases[i].line, cases[i].database, &e);
        if (strstr(text, cases[i].want) == NULL) {
            fail_msg("no \"%s\" in:\n%s", cases[i].want, text);
        }
        free(text);
        unsetenv("PGASSAY_REPO");
    }
    config_free(c);
    c = config_of("", &e);
    text = printed(c, "", NULL, &e);
    assert_non_null(strstr(text, "\n; repo is not set\n"));
    free(text);
    config_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_read),
        cmocka_unit_test(other_kinds_have_keys_of_their_own),
        cmocka_unit_test(what_is_wrong_in_the_file_is_named_with_its_line),
        cmocka_unit_test(an_unknown_key_gets_the_known_ones),
        cmocka_unit_test(a_named_file_must_be_there),
        cmocka_unit_test(a_missing_default_file_is_no_error),
        cmocka_unit_test(a_default_file_that_may_not_be_read_is_an_error),
        cmocka_unit_test(a_directory_is_no_configuration),
        cmocka_unit_test(flag_beats_environment_beats_section_beats_defaults),
        cmocka_unit_test(a_bad_value_is_named_with_its_origin),
        cmocka_unit_test(keys_come_from_the_environment),
        cmocka_unit_test(repositories_are_found_by_name_or_path),
        cmocka_unit_test(print_config_tells_origins_and_hides_passwords),
        cmocka_unit_test(a_list_is_repeated_or_continued),
        cmocka_unit_test(commas_belong_to_a_pattern),
        cmocka_unit_test(a_list_of_the_section_replaces_that_of_the_defaults),
        cmocka_unit_test(lines_may_be_of_any_length),
        cmocka_unit_test(a_file_with_a_byte_order_mark_is_read),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(what_is_printed_can_be_read_again),
        cmocka_unit_test(print_config_says_which_repository_and_why),
    };

    return cmocka_run_group_tests_name("core/config", tests, NULL, NULL);
}
