/* dumpname.h: what home-grown scripts call their dumps. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/when.h"
#include "storage/exchange/dumpname.h"

static const struct {
    const char *file;
    const char *db; /* NULL: none */
    const char *taken;
    const char *utc; /* its beginning, as ids say it; local time is two hours ahead */
} good[] = {
    {"shop_20260930.sql.gz", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop_20260930.backup", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop-2026-09-30.dump", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop.2026.09.30.tar.zst", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop_2026_09_30.SQL.GZ", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop20260930.sql", "shop", "2026-09-30", "20260929T220000Z"},
    {"20260930_shop.sql", "shop", "2026-09-30", "20260929T220000Z"},
    {"20260930.sql", NULL, "2026-09-30", "20260929T220000Z"},
    {"shop_20260930_full.tgz", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop_20260930.gz", "shop", "2026-09-30", "20260929T220000Z"},
    {"web_shop-eu_20260930.zip", "web_shop-eu", "2026-09-30", "20260929T220000Z"},
    {"v1.2_20260930.7z", "v1.2", "2026-09-30", "20260929T220000Z"},
    {"db2026_20260930.sql", "db2026", "2026-09-30", "20260929T220000Z"},
    {"von_20250101_bis_20260930.sql", "von_20250101_bis", "2026-09-30", "20260929T220000Z"},
    {"shop_20280229.sql", "shop", "2028-02-29", "20280228T220000Z"},
    {"shop_20260930_0215.sql.xz", "shop", "2026-09-30 02:15", "20260930T001500Z"},
    {"shop_20260930_021503.sql.bz2", "shop", "2026-09-30 02:15:03", "20260930T001503Z"},
    {"shop_20260930021503.sql.lz4", "shop", "2026-09-30 02:15:03", "20260930T001503Z"},
    {"shop_202609300215.dump", "shop", "2026-09-30 02:15", "20260930T001500Z"},
    {"shop-20260930T021503Z.dump", "shop", "2026-09-30 02:15:03Z", "20260930T021503Z"},
    {"shop-2026-09-30T02:15:03.dump", "shop", "2026-09-30 02:15:03", "20260930T001503Z"},
    {"shop_2026-09-30-02-15.dump", "shop", "2026-09-30 02:15", "20260930T001500Z"},
    {"shop_2026-09-30_02h15m.Wednesday.sql.gz", "shop", "2026-09-30 02:15", "20260930T001500Z"},
    /* No time of day: the day alone. */
    {"shop_20260930_2515.sql", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop_20260930_12.sql", "shop", "2026-09-30", "20260929T220000Z"},
    {"shop_20260930_1234567.sql", "shop", "2026-09-30", "20260929T220000Z"},
};

static const struct {
    const char       *file;
    bool              directory;
    enum dump_name_is is;
} others[] = {
    {"shop_20260930.sql.gz.sha256", false, DUMP_NAME_NO_DUMP},
    {"shop_20260930.log", false, DUMP_NAME_NO_DUMP},
    {"shop_20260930", false, DUMP_NAME_NO_DUMP},
    {"shop_20260930", true, DUMP_NAME_GOOD},
    {".gz", false, DUMP_NAME_NO_DUMP},
    {"", false, DUMP_NAME_NO_DUMP},
    {"", true, DUMP_NAME_NO_DATE},
    {"latest.sql.gz", false, DUMP_NAME_NO_DATE},
    {"shop_20261330.sql", false, DUMP_NAME_NO_DATE},
    {"shop_20260931.sql", false, DUMP_NAME_NO_DATE},
    {"shop_20270229.sql", false, DUMP_NAME_NO_DATE},
    {"shop_120260930.sql", false, DUMP_NAME_NO_DATE},
    {"shop_202609301.sql", false, DUMP_NAME_NO_DATE},
    {"shop_2026-0930.sql", false, DUMP_NAME_NO_DATE},
    {"shop_2026-09_30.sql", false, DUMP_NAME_NO_DATE},
    {"shop.sql_20260930", false, DUMP_NAME_NO_DUMP},
};

static void
a_name_says_database_and_time(void **state)
{
    struct dump_name d;
    char             at[32];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        print_message("%s\n", good[i].file);
        assert_int_equal(dump_name_parse(good[i].file, false, &d), DUMP_NAME_GOOD);
        if (good[i].db == NULL) {
            assert_null(d.db);
        } else {
            assert_string_equal(d.db, good[i].db);
        }
        assert_string_equal(d.taken, good[i].taken);
        assert_string_equal(time_compact(d.at, at, sizeof at), good[i].utc);
        free(d.db);
    }
}

static void
what_it_says_is_a_time_that_is_understood(void **state)
{
    struct dump_name d;
    struct when      w;
    struct err       e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(dump_name_parse(good[i].file, false, &d), DUMP_NAME_GOOD);
        assert_ok(when_parse(d.taken, (time_t)4000000000, &w, &e), &e);
        assert_int_equal(w.from, d.at);
        free(d.db);
    }
}

static void
logs_sums_and_names_without_a_day_are_no_dumps(void **state)
{
    struct dump_name d;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        print_message("%s\n", others[i].file);
        assert_int_equal(dump_name_parse(others[i].file, others[i].directory, &d), others[i].is);
        free(d.db);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_says_database_and_time),
        cmocka_unit_test(what_it_says_is_a_time_that_is_understood),
        cmocka_unit_test(logs_sums_and_names_without_a_day_are_no_dumps),
    };

    (void)setenv("TZ", "XST-2", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
