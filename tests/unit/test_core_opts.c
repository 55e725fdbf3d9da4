/* opts.h: spellings, commands, and clear words for what is wrong. */
#include <stdlib.h>

#include "core/cli/opts_args.h"
#include "core/similar.h"
#include "tests/unit/opts_values.h"

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
        {"--nonsense=3", "--nonsense is not an option"},
        {"--josn", "--josn is not an option (did you mean \"--json\"?)"},
        {"--hepl", "(did you mean \"--help\"?)"},
        {"-x", "-x is not an option"},
        {"-j", "-j needs a value"},
        {"--repo", "--repo needs a value"},
        {"--json=1", "--json takes no value"},
        {"--co", "--co is ambiguous: --compress, --conninfo, --completion"},
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

/* ---- commands ---- */

/* "show"'s own options stand behind what all commands have. */
struct show_values {
    struct values values;
    bool          all;
    const char   *since;
};

static const struct opt show_table[] = {
    {.kind = OPT_FLAG, .name = "all", .help = "all", .offset = offsetof(struct show_values, all)},
    {.kind = OPT_TEXT,
     .name = "since",
     .letter = 's',
     .arg = "TIME",
     .help = "since",
     .offset = offsetof(struct show_values, since)},
    {.kind = OPT_HEAD, .name = NULL},
};

static const struct opt *const       common[] = {table, NULL};
static const struct opt *const       of_show[] = {show_table, table, NULL};
static const struct opts_verb        show = {"show", "DB [BACKUP]", "show it", of_show};
static const struct opts_verb        keys = {"keys", "", "keys", common};
static const struct opts_verb        keys_add = {"keys add", "FILE...", "add", common};
static const struct opts_verb *const verbs[] = {&show, &keys, &keys_add, NULL};
static const struct opts_spec        tool = {"pgassay-test", "", "Test.", common, verbs, NULL};

/* As a tool's main() does it. */
static int
read_line(const char *line, struct show_values *v, const struct opts_verb **verb,
          struct opts_result *r, struct err *e)
{
    static char words[256];
    char       *argv[WORDS_MAX];
    int         argc;

    *r = (struct opts_result){0};
    (void)snprintf(words, sizeof words, "prog %s", line);
    argc = split(words, argv);
    return opts_verb(&tool, argc, argv, verb, e) != 0 ||
            opts_parse(&tool, *verb, argc, argv, v, r, e) != 0
        ? -1
        : opts_check(&tool, *verb, r, e);
}

static void
a_command_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *line, *verb, *first;
    } cases[] = {
        {"show shop", "show", "shop"},
        {"--repo /r show shop", "show", "shop"},
        {"--repo show show shop", "show", "shop"},
        {"-j 3 -s x show shop latest --all", "show", "shop"},
        {"--sin x show shop", "show", "shop"}, /* a prefix, of another's option until now */
        {"show -- --all", "show", "--all"},
        {"keys", "keys", NULL},
        {"keys --json", "keys", NULL},
        {"keys add a.pub b.pub", "keys add", "a.pub"},
        {"--repo r keys --json add a.pub", "keys add", "a.pub"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err              e = ERR_INIT;
        struct show_values      v = {.values = {.jobs = 2}};
        struct opts_result      r;
        const struct opts_verb *verb;

        assert_ok(read_line(cases[i].line, &v, &verb, &r, &e), &e);
        assert_string_equal(verb->name, cases[i].verb);
        if (cases[i].first != NULL) {
            assert_string_equal(r.rest.v[0], cases[i].first);
        } else {
            assert_int_equal(r.rest.n, 0);
        }
        opts_result_free(&r);
    }
}

static void
what_is_wrong_with_a_command_is_named(void **state)
{
    static const struct {
        const char *line, *text, *hint;
    } bad[] = {
        {"", "which command?", "pgassay-test --help"},
        {"shwo shop", "unknown command \"shwo\" (did you mean \"show\"?)", "show, keys;"},
        {"sho shop", "unknown command \"sho\" (did you mean \"show\"?)", "--help"},
        {"frobnicate", "unknown command \"frobnicate\"", "show, keys;"},
        {"keys ad x", "unknown command \"keys ad\" (did you mean \"keys add\"?)", "keys add;"},
        {"keys frobnicate", "unknown command \"keys frobnicate\"", "keys add"},
        {"show", "show: which database?", "pgassay-test show --help"},
        {"keys add", "keys add: which file?", "pgassay-test keys add --help"},
        {"show a b c", "show: too many arguments: \"c\"", "pgassay-test show --help"},
        {"keys --all", "--all means nothing to keys", "it belongs to: show"},
        {"keys --al", "--all means nothing to keys", "it belongs to: show"},
        {"keys --since x", "--since means nothing to keys", "it belongs to: show"},
        {"keys -s x", "-s means nothing to keys", "it belongs to: show"},
        {"--all", "--all wants a command", "it belongs to: show"},
        {"show shop --sicne x", "--sicne is not an option (did you mean \"--since\"?)",
         "show --help"},
        {"--nonsense nothing show", "--nonsense is not an option", "--help"},
        {"--nonsense show shop", "--nonsense is not an option", "show --help"},
        {"show -x shop", "-x is not an option", "show --help"},
        {"show shop --since", "--since needs a value", "show --help"},
        {"frobnicate --since", "--since needs a value", "--help"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err              e = ERR_INIT;
        struct show_values      v = {0};
        struct opts_result      r;
        const struct opts_verb *verb;

        assert_int_equal(read_line(bad[i].line, &v, &verb, &r, &e), -1);
        assert_int_equal(e.kind, ERR_USAGE);
        assert_string_equal(e.text, bad[i].text);
        if (strstr(e.hint, bad[i].hint) == NULL) {
            fail_msg("%s: the hint \"%s\" does not say \"%s\"", bad[i].line, e.hint, bad[i].hint);
        }
        opts_result_free(&r);
    }
}

static void
environment_means_no_command(void **state)
{
    struct err              e = ERR_INIT;
    struct show_values      v = {.values = {.jobs = 2}};
    struct opts_result      r;
    const struct opts_verb *verb;

    (void)state;
    setenv("TEST_JOBS", "9", 1);
    assert_ok(read_line("show shop", &v, &verb, &r, &e), &e);
    assert_int_equal(v.values.jobs, 9);
    assert_true(opts_given(&r, "jobs"));
    opts_result_free(&r);
    unsetenv("TEST_JOBS");
}

static void
arguments_are_counted_by_their_words(void **state)
{
    static const struct {
        const char *args;
        size_t      least, most;
    } cases[] = {{"", 0, 0},
                 {"DB", 1, 1},
                 {"[DB]", 0, 1},
                 {"DB [BACKUP]", 1, 2},
                 {"FROM TO [DB]", 2, 3},
                 {"FILE...", 1, 100},
                 {"[DBNAME]...", 0, 100}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct strlist given = {0};

        for (size_t n = 0; n <= 5; n++) {
            struct err e = ERR_INIT;
            int        rc = opts_args_check(cases[i].args, "verb", &given, &e);

            assert_int_equal(rc, n >= cases[i].least && n <= cases[i].most ? 0 : -1);
            strlist_add(&given, "x");
        }
        strlist_free(&given);
    }
}

static void
lists_are_copied_and_freed_by_their_table(void **state)
{
    struct err         e = ERR_INIT;
    struct values      v = {.jobs = 2}, copy;
    struct opts_result r;

    (void)state;
    assert_ok(parse("-t a -t b --exclude-table-data c", &v, &r, &e), &e);
    copy = v;
    opts_lists_copy(spec.tables, &copy);
    opts_lists_free(spec.tables, &v);
    assert_int_equal(v.tables.n, 0);
    assert_int_equal(copy.tables.n, 2);
    assert_string_equal(copy.tables.v[1], "b");
    assert_string_equal(copy.patterns.v[0], "c");
    opts_lists_free(spec.tables, &copy);
    opts_result_free(&r);
}

static void
what_is_near_is_a_slip_and_no_other_word(void **state)
{
    static const char *const cases[][3] = {
        /* given, name, the same or NULL */
        {"shpo", "shop", "shop"},
        {"shp", "shop", "shop"},
        {"shoop", "shop", "shop"},
        {"ship", "shop", "shop"},
        {"SHOP", "shop", "shop"},
        {"sho", "shop", "shop"},
        {"prnue", "prune", "prune"},
        {"verif", "verify", "verify"},
        {"lst", "list", "list"},
        {"trust-bakcup", "trust-backup", "trust-backup"},
        {"shop", "shop", NULL},
        {"bank", "shop", NULL},
        {"s", "shop", NULL},
        {"", "shop", NULL},
        {"list", "init", NULL},
        {"show", "shop", "shop"},
        {"snow", "shop", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123456789", "shop", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct strlist names = {0};
        const char    *near;

        strlist_add(&names, "something else");
        strlist_add(&names, cases[i][1]);
        near = similar_of(cases[i][0], &names);
        if (cases[i][2] == NULL && near != NULL) {
            fail_msg("\"%s\" is not near to \"%s\"", cases[i][0], near);
        } else if (cases[i][2] != NULL) {
            assert_non_null(near);
            assert_string_equal(near, cases[i][2]);
        }
        strlist_free(&names);
    }
}

static void
of_several_near_names_the_nearest_counts(void **state)
{
    struct strlist names = {0};

    (void)state;
    strlist_add(&names, "passphrase-fd");
    strlist_add(&names, "passphrase-file");
    assert_string_equal(similar_of("pasphrase-fiel", &names), "passphrase-file");
    assert_string_equal(similar_of("passphrase-f", &names), "passphrase-fd");
    strlist_free(&names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spellings_are_understood),
        cmocka_unit_test(arguments_may_stand_anywhere),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(a_list_on_the_command_line_replaces_that_of_the_environment),
        cmocka_unit_test(a_command_is_found_wherever_it_stands),
        cmocka_unit_test(what_is_wrong_with_a_command_is_named),
        cmocka_unit_test(environment_means_no_command),
        cmocka_unit_test(arguments_are_counted_by_their_words),
        cmocka_unit_test(lists_are_copied_and_freed_by_their_table),
        cmocka_unit_test(what_is_near_is_a_slip_and_no_other_word),
        cmocka_unit_test(of_several_near_names_the_nearest_counts),
    };

    return cmocka_run_group_tests_name("core/opts", tests, NULL, NULL);
}
