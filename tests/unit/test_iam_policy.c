/* The policies that doctor prints: what each host may do, and above all what not. */
#include "tests/unit/check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/mem.h"
#include "storage/drivers/aws/iam_policy.h"

static bool
is_or_holds(const json_t *v, const char *text)
{
    size_t  i;
    json_t *item;

    json_array_foreach (v, i, item) {
        if (strcmp(json_string_value(item), text) == 0) {
            return true;
        }
    }
    return json_is_string(v) && strcmp(json_string_value(v), text) == 0;
}

/* May a host do this to exactly this resource pattern? */
static bool
allows(enum iam_host host, const struct iam_target *t, const char *action, const char *resource)
{
    char   *text = iam_policy(host, t);
    json_t *j = json_loads(text, 0, NULL);
    bool    found = false;
    size_t  i;
    json_t *s;

    assert_non_null(j);
    json_array_foreach (json_object_get(j, "Statement"), i, s) {
        assert_string_equal(json_string_value(json_object_get(s, "Effect")), "Allow");
        found |= is_or_holds(json_object_get(s, "Action"), action) &&
            (resource == NULL || is_or_holds(json_object_get(s, "Resource"), resource));
    }
    json_decref(j);
    free(text);
    return found;
}

#define BELOW "arn:aws:s3:::bucket/pg/prod/"

static const struct iam_target plain = {.bucket = "bucket", .prefix = "pg/prod"};
static const struct iam_target all = {.bucket = "bucket",
                                      .prefix = "pg/prod",
                                      .kms_key = "arn:aws:kms:x:1:key/2",
                                      .object_lock = true,
                                      .versioned = true,
                                      .tags = true};

static void
a_backup_host_adds_and_removes_only_its_run_marks(void **state)
{
    (void)state;
    assert_true(allows(IAM_BACKUP, &plain, "s3:ListBucket", "arn:aws:s3:::bucket"));
    assert_true(allows(IAM_BACKUP, &plain, "s3:PutObject", BELOW "*/chunks/*"));
    assert_true(allows(IAM_BACKUP, &plain, "s3:PutObject", BELOW "*/backups/*"));
    assert_false(allows(IAM_BACKUP, &plain, "s3:PutObject", BELOW "*"));
    assert_true(allows(IAM_BACKUP, &plain, "s3:DeleteObject", BELOW "*/runs/*"));
    assert_false(allows(IAM_BACKUP, &plain, "s3:DeleteObject", BELOW "*"));
    assert_false(allows(IAM_BACKUP, &plain, "s3:PutObjectRetention", NULL));
    assert_true(allows(IAM_BACKUP, &all, "s3:PutObjectRetention", BELOW "*"));
    assert_true(allows(IAM_BACKUP, &all, "kms:GenerateDataKey", "arn:aws:kms:x:1:key/2"));
}

static void
a_prune_host_removes_but_writes_no_backups(void **state)
{
    (void)state;
    assert_true(allows(IAM_PRUNE, &plain, "s3:DeleteObject", BELOW "*/chunks/*"));
    assert_true(allows(IAM_PRUNE, &plain, "s3:DeleteObject", BELOW "*/backups/*"));
    assert_false(allows(IAM_PRUNE, &plain, "s3:DeleteObject", BELOW "*"));
    assert_true(allows(IAM_PRUNE, &plain, "s3:PutObject", BELOW "*/trash/*"));
    assert_false(allows(IAM_PRUNE, &plain, "s3:PutObject", BELOW "*/backups/*"));
    assert_false(allows(IAM_PRUNE, &plain, "s3:PutObject", BELOW "*"));
}

static void
a_restore_host_removes_nothing(void **state)
{
    (void)state;
    assert_true(allows(IAM_RESTORE, &plain, "s3:GetObject", BELOW "*"));
    assert_false(allows(IAM_RESTORE, &all, "s3:DeleteObject", NULL));
    assert_false(allows(IAM_RESTORE, &plain, "s3:GetObjectVersion", NULL));
    assert_true(allows(IAM_RESTORE, &all, "s3:GetObjectVersion", BELOW "*"));
    assert_true(allows(IAM_RESTORE, &all, "s3:ListBucketVersions", "arn:aws:s3:::bucket"));
}

static void
nobody_gets_round_a_lock(void **state)
{
    static const char *const never[] = {
        "s3:*", "s3:BypassGovernanceRetention", "s3:DeleteObjectVersion",
        "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"};

    (void)state;
    for (int host = IAM_BACKUP; host <= IAM_RESTORE; host++) {
        for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
            assert_false(allows((enum iam_host)host, &all, never[i], NULL));
        }
    }
}

static void
without_a_prefix_the_whole_bucket_is_meant(void **state)
{
    struct iam_target whole = {.bucket = "b", .prefix = ""};
    char             *text = iam_policy(IAM_RESTORE, &whole);

    (void)state;
    assert_true(allows(IAM_RESTORE, &whole, "s3:GetObject", "arn:aws:s3:::b/*"));
    assert_null(strstr(text, "Condition"));
    free(text);
    text = iam_policy(IAM_RESTORE, &plain);
    assert_non_null(strstr(text, "\"s3:prefix\": \"pg/prod/*\""));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_host_adds_and_removes_only_its_run_marks),
        cmocka_unit_test(a_prune_host_removes_but_writes_no_backups),
        cmocka_unit_test(a_restore_host_removes_nothing),
        cmocka_unit_test(nobody_gets_round_a_lock),
        cmocka_unit_test(without_a_prefix_the_whole_bucket_is_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
