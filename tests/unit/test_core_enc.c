/* enc.h and hash.h */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/human.h"
#include "core/utf8.h"

static void
hexadecimal_goes_both_ways(void **state)
{
    const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff};
    uint8_t       back[4];
    char          text[9];

    (void)state;
    hex_encode(bytes, 4, text);
    assert_string_equal(text, "007f80ff");
    assert_int_equal(hex_decode(text, 8, back, 4), 0);
    assert_memory_equal(bytes, back, 4);
    assert_int_equal(hex_decode("007F80FF", 8, back, 4), -1);
    assert_int_equal(hex_decode("007f80f", 7, back, 4), -1);
    assert_int_equal(hex_decode("007f80fg", 8, back, 4), -1);
    assert_int_equal(hex_decode("007f80f\0", 8, back, 4), -1);
}

static void
names_become_keys_and_come_back(void **state)
{
    static const char *const pairs[][2] = {
        {"shop", "shop"},   {"Shop", "%53hop"},     {"a b/c", "a%20b%2fc"}, {"..", "%2e%2e"},
        {"100%", "100%25"}, {"\xc3\xa9", "%c3%a9"}, {"a\nb", "a%0ab"},      {"_-9", "_-9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *key = name_encode(pairs[i][0]);
        char *name;

        assert_string_equal(key, pairs[i][1]);
        name = name_decode(key);
        assert_non_null(name);
        assert_string_equal(name, pairs[i][0]);
        free(key);
        free(name);
    }
}

static void
keys_that_nobody_would_write_are_refused(void **state)
{
    static const char *const bad[] = {"",    "Shop", "..",  "a/b", "%",  "%2",
                                      "%2F", "%61",  "%00", "%zz", "a%", "a.b"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(name_decode(bad[i]));
    }
}

static void
sizes_and_durations_read_well(void **state)
{
    char t[32];

    (void)state;
    assert_string_equal(size_human(0, t, sizeof t), "0 B");
    assert_string_equal(size_human(999, t, sizeof t), "999 B");
    assert_string_equal(size_human(1000, t, sizeof t), "1.0 kB");
    assert_string_equal(size_human(1234567890, t, sizeof t), "1.2 GB");
    assert_string_equal(size_human(999999, t, sizeof t), "1.0 MB");
    assert_string_equal(size_human(UINT64_MAX, t, sizeof t), "18.4 EB");
    assert_string_equal(count_human(0, "row", t, sizeof t), "0 rows");
    assert_string_equal(count_human(1, "table", t, sizeof t), "1 table");
    assert_string_equal(count_human(999, NULL, t, sizeof t), "999");
    assert_string_equal(count_human(1000, NULL, t, sizeof t), "1,000");
    assert_string_equal(count_human(1234567, "row", t, sizeof t), "1,234,567 rows");
    assert_string_equal(count_human(UINT64_MAX, NULL, t, sizeof t), "18,446,744,073,709,551,615");
    assert_string_equal(duration_human(0.00038, t, sizeof t), "0.4 ms");
    assert_string_equal(duration_human(0.0996, t, sizeof t), "0.1 s");
    assert_string_equal(duration_human(0.0424, t, sizeof t), "42 ms");
    assert_string_equal(duration_human(0.84, t, sizeof t), "0.8 s");
    assert_string_equal(duration_human(59.7, t, sizeof t), "1 min 0 s");
    assert_string_equal(duration_human(125, t, sizeof t), "2 min 5 s");
    assert_string_equal(duration_human(3.0 * 86400 + 4 * 3600 + 59, t, sizeof t), "3 d 4 h");
    assert_string_equal(duration_human(-1, t, sizeof t), "0.0 s");
}

static void
times_are_written_and_read(void **state)
{
    struct err e = ERR_INIT;
    char       t[32];
    time_t     v;

    (void)state;
    assert_string_equal(time_rfc3339(1795227300, t, sizeof t), "2026-11-21T02:15:00Z");
    assert_string_equal(time_compact(1795227300, t, sizeof t), "20261121T021500Z");
    assert_ok(time_parse("2026-11-21T02:15:00Z", &v, &e), &e);
    assert_int_equal(v, 1795227300);
    assert_ok(time_parse("2026-11-21 04:15+02", &v, &e), &e);
    assert_int_equal(v, 1795227300);
    assert_ok(time_parse("2026-11-20T20:45:00-05:30", &v, &e), &e);
    assert_int_equal(v, 1795227300);
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    assert_ok(time_parse("2026-11-21 03:15", &v, &e), &e);
    assert_int_equal(v, 1795227300);
    assert_ok(time_parse("2026-11-21", &v, &e), &e);
    assert_int_equal(v, 1795227300 - 3 * 3600 - 15 * 60);
}

static void
what_is_no_time_is_refused_by_name(void **state)
{
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2026-02-30",
                                      "2026-13-01",
                                      "2026-1-1",
                                      "2026-11-21 24:00",
                                      "2026-11-21 02:60",
                                      "2026-11-21 02",
                                      "2026-11-21x",
                                      "2026-11-21 02:15 CET",
                                      "2026-11-21 02:15+2",
                                      "2026-00-10"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;
        time_t     v;

        assert_int_equal(time_parse(bad[i], &v, &e), -1);
        assert_err(&e, ERR_USAGE, bad[i]);
        assert_true(e.hint[0] != '\0');
    }
}

static void
utf8_is_told_from_other_bytes(void **state)
{
    static const char *const bad[] = {"\xff",     "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "\x80",     "a\xc3"};

    (void)state;
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98", 10));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
    }
}

static void
digests_match_the_published_vectors(void **state)
{
    struct sha256_sum *sum = sha256_sum_new();
    uint8_t            key[32] = {0};
    uint8_t            mac[SHA256_BYTES];
    char               hex[SHA256_HEX + 1];

    (void)state;
    sha256_sum_more(sum, "a", 1);
    sha256_sum_more(sum, "bc", 2);
    sha256_sum_hex(sum, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_sum_hex(sum, hex); /* the next, of nothing */
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_sum_free(sum);
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    /* RFC 4231, case 2: the key "Jefe", which HMAC pads with zeros anyway. */
    memcpy(key, "Jefe", 4);
    hmac_sha256(key, "what do ya want for nothing?", 28, mac);
    hex_encode(mac, sizeof mac, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void
sizes_are_read_in_their_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t    bytes;
    } good[] = {{"0", 0},
                {"500", 500},
                {"20MB", 20000000},
                {"20 M", 20000000},
                {"1.5 GiB", 1610612736},
                {"1k", 1000},
                {"1K", 1000},
                {"64Ki", 65536},
                {"2T", 2000000000000},
                {"7B", 7}};
    static const char *const bad[] = {"",  "x",   "-1",  "1 x", "1MBB", "1e30",
                                      "M", "1iB", "nan", "inf", "1M B"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t n = 1;

        assert_int_equal(size_parse(good[i].text, &n), 0);
        assert_int_equal(n, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t n;

        assert_int_equal(size_parse(bad[i], &n), -1);
    }
}

static void
random_text_differs(void **state)
{
    char a[17];
    char b[17];

    (void)state;
    random_hex(8, a);
    random_hex(8, b);
    assert_int_equal(strlen(a), 16);
    assert_string_not_equal(a, b);
}

static void
durations_are_understood(void **state)
{
    static const struct {
        const char *text;
        uint64_t    want;
    } good[] = {{"0", 0},        {"90", 90},     {"90s", 90},   {"30m", 1800},
                {"30min", 1800}, {"12h", 43200}, {"3d", 259200}};
    static const char *const bad[] = {
        "", "h", "-1h", "1.5h", "3w", "3 h", "99999999999999999999s", "1h30m"};
    uint64_t n;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(duration_parse(good[i].text, &n), 0);
        assert_int_equal(n, good[i].want);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(duration_parse(bad[i], &n), -1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_goes_both_ways),
        cmocka_unit_test(names_become_keys_and_come_back),
        cmocka_unit_test(keys_that_nobody_would_write_are_refused),
        cmocka_unit_test(sizes_and_durations_read_well),
        cmocka_unit_test(times_are_written_and_read),
        cmocka_unit_test(what_is_no_time_is_refused_by_name),
        cmocka_unit_test(utf8_is_told_from_other_bytes),
        cmocka_unit_test(digests_match_the_published_vectors),
        cmocka_unit_test(sizes_are_read_in_their_units),
        cmocka_unit_test(random_text_differs),
        cmocka_unit_test(durations_are_understood),
    };

    return cmocka_run_group_tests_name("core/enc", tests, NULL, NULL);
}
