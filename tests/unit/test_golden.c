/* What was written before is written again to the bit: labels and manifests as earlier programs
 * stored them. */
#include "tests/unit/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "storage/format/label.h"
#include "storage/format/manifest.h"

static void
read_whole(const char *path, struct buf *out)
{
    FILE      *f = fopen(path, "rb");
    struct err e = ERR_INIT;
    char       part[4096];

    if (f == NULL) {
        fail_msg("%s cannot be read", path);
        return;
    }
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) {
        assert_ok(buf_append(out, part, n, &e), &e);
    }
    (void)fclose(f);
}

static void
expect_same(const char *path, const void *was, size_t n, const struct buf *is)
{
    if (is->len != n || memcmp(is->data, was, n) != 0) {
        fail_msg("%s is not written as it was:\n%.*s", path, (int)is->len, (const char *)is->data);
    }
}

static void
check_manifest(const char *path, const void *text, size_t n)
{
    struct err       e = ERR_INIT;
    struct buf       again = BUF_INIT(MANIFEST_RAW_MAX);
    struct manifest *m = manifest_parse(text, n, &e);

    if (m == NULL) {
        fail_msg("%s: %s", path, e.text);
        return;
    }
    assert_ok(manifest_format(m, &again, &e), &e);
    expect_same(path, text, n, &again);
    buf_free(&again);
    manifest_free(m);
}

/* The line alone: the signature that may follow is not the format's. */
static void
check_label(const char *path, const void *text, size_t n)
{
    struct err    e = ERR_INIT;
    struct buf    again = BUF_INIT(LABEL_BYTES_MAX);
    const bool    of_baseline = memmem(text, n, "\"type\":\"baseline\"", 17) != NULL;
    struct label *l = of_baseline ? label_parse_baseline(text, n, &e) : label_parse(text, n, &e);
    struct label *copy;

    if (l == NULL) {
        fail_msg("%s: %s", path, e.text);
        return;
    }
    if (memmem(text, n, "\"epoch\"", 7) == NULL) { /* older than epochs: it would say so now */
        label_free(l);
        return;
    }
    copy = label_copy(l);
    label_free(l);
    assert_ok(label_format(copy, &again, &e), &e);
    expect_same(path, text, (size_t)((const char *)memchr(text, '\n', n) + 1 - (const char *)text),
                &again);
    buf_free(&again);
    label_free(copy);
}

typedef void check_fn(const char *path, const void *text, size_t n);

static void
check_all_in(const char *dir, check_fn *fn)
{
    DIR   *d = opendir(dir);
    size_t n = 0;

    assert_non_null(d);
    for (const struct dirent *x; (x = readdir(d)) != NULL;) {
        char      *path = xasprintf("%s/%s", dir, x->d_name);
        struct buf text = BUF_INIT(MIB);

        if (x->d_name[0] != '.') {
            read_whole(path, &text);
            fn(path, text.data, text.len);
            n++;
        }
        buf_free(&text);
        free(path);
    }
    (void)closedir(d);
    assert_true(n > 1);
}

static void
manifests_are_written_as_they_were(void **state)
{
    (void)state;
    check_all_in("tests/fuzz/seeds/manifest", check_manifest);
}

static void
labels_are_written_as_they_were(void **state)
{
    (void)state;
    check_all_in("tests/fuzz/seeds/label", check_label);
}

/* As stored: of a database that has every kind of object. */
static void
the_manifest_of_a_backup_of_everything_is_written_as_it_was(void **state)
{
    static const char  path[] = "tests/vectors/manifest.json.zst";
    struct buf         stored = BUF_INIT(MIB);
    unsigned long long size;
    char              *text;

    (void)state;
    read_whole(path, &stored);
    size = ZSTD_getFrameContentSize(stored.data, stored.len);
    assert_true(size > 100000 && size < MIB);
    text = xmalloc((size_t)size);
    assert_int_equal(ZSTD_decompress(text, (size_t)size, stored.data, stored.len), size);
    check_manifest(path, text, (size_t)size);
    free(text);
    buf_free(&stored);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifests_are_written_as_they_were),
        cmocka_unit_test(labels_are_written_as_they_were),
        cmocka_unit_test(the_manifest_of_a_backup_of_everything_is_written_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
