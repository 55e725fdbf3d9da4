/* quote.h: what is quoted is read back as it was, by a shell too. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/quote.h"

static void
identifiers_and_literals_double_their_quotes(void **state)
{
    char *ident = quote_ident("a \"b\" 'c'"), *both = quote_qualified("s\"", "t\n");
    char *literal = quote_literal("it's \"so\" \\");

    (void)state;
    assert_string_equal(ident, "\"a \"\"b\"\" 'c'\"");
    assert_string_equal(both, "\"s\"\"\".\"t\n\"");
    assert_string_equal(literal, "'it''s \"so\" \\'");
    free(ident);
    free(both);
    free(literal);
}

static void
a_word_that_means_nothing_to_a_shell_stays_as_it_is(void **state)
{
    char *plain = quote_shell("/srv/backups/a-b_c.tar.zst");
    char *empty = quote_shell("");

    (void)state;
    assert_string_equal(plain, "/srv/backups/a-b_c.tar.zst");
    assert_string_equal(empty, "''");
    free(plain);
    free(empty);
}

static void
bash_reads_every_byte_back(void **state)
{
    char all[256], back[256];

    (void)state;
    for (int i = 1; i < 256; i++) {
        all[i - 1] = (char)i;
    }
    all[255] = '\0';
    /* All of them; those from the blank on; and each with a digit behind it. */
    for (const char *text = all; text != NULL; text = text == all ? all + 31 : NULL) {
        char  *word = quote_shell(text);
        FILE  *f;
        size_t n;

        assert_null(strchr(word, '\n'));
        assert_int_equal(setenv("WORD", word, 1), 0);
        f = popen("LC_ALL=C exec bash -c 'eval \"printf %s $WORD\"'", "re");
        assert_non_null(f);
        n = fread(back, 1, sizeof back, f);
        assert_int_equal(pclose(f), 0);
        assert_int_equal(n, strlen(text));
        assert_memory_equal(back, text, n);
        free(word);
    }
}

static void
a_command_is_its_words(void **state)
{
    struct err e = ERR_INIT;
    char      *line = quote_command("printf", "<%s>", "a b;rm", "it's", "$(id)\n", "-x", "");
    char       back[256];
    FILE      *f;
    size_t     n;

    (void)state;
    assert_null(strchr(line, '\n'));
    assert_int_equal(setenv("LINE", line, 1), 0);
    f = popen("exec bash -c 'eval \"$LINE\"'", "re");
    assert_non_null(f);
    n = fread(back, 1, sizeof back - 1, f);
    back[n] = '\0';
    assert_int_equal(pclose(f), 0);
    assert_string_equal(back, "<a b;rm><it's><$(id)\n><-x><>");
    free(line);
    assert_int_equal(quote_hint(&e, "to go back: ", "pgassay", "restore", "a b", "--undo"), -1);
    assert_string_equal(e.hint, "to go back: pgassay restore 'a b' --undo");
    line = quote_command("pgassay", "restore", QUOTE_ARG("--undo"), "--to", "-x", QUOTE_ARG("shop"),
                         "--status");
    assert_string_equal(line, "pgassay restore --to -x shop --status -- --undo");
    free(line);
}

/* As psql -d takes them: where it would find a connection string, it gets one. */
static void
names_of_databases_are_no_connection_strings(void **state)
{
    static const struct {
        const char *name, *want;
    } of[] = {
        {"shop", "shop"},
        {"a b", "a b"},
        {"it's \\ %s", "it's \\ %s"},
        {"gr\u00fcn", "gr\u00fcn"},
        {"a=b", "dbname='a=b'"},
        {"=", "dbname='='"},
        {"host=elsewhere dbname=x", "dbname='host=elsewhere dbname=x'"},
        {"it's=\\one", "dbname='it\\'s=\\\\one'"},
        {"postgres://elsewhere/x", "dbname='postgres://elsewhere/x'"},
        {"postgresql://", "dbname='postgresql://'"},
        {"postgresql", "postgresql"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        char *word = quote_dbname(of[i].name);

        assert_string_equal(word, of[i].want);
        free(word);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_and_literals_double_their_quotes),
        cmocka_unit_test(a_word_that_means_nothing_to_a_shell_stays_as_it_is),
        cmocka_unit_test(bash_reads_every_byte_back),
        cmocka_unit_test(a_command_is_its_words),
        cmocka_unit_test(names_of_databases_are_no_connection_strings),
    };

    return cmocka_run_group_tests_name("core/quote", tests, NULL, NULL);
}
