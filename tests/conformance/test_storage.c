/* storage.h: one suite, run on every driver. */
#include "storage/contract/location.h"
#include "storage/drivers/open.h"
#include "tests/fault/fixture.h"
#include "tests/support/drivers.h"
#include "tests/unit/s3_server.h"

#include <fcntl.h>
#include <pthread.h>

struct driver {
    char           *dir;
    struct storage *st;
};

static int
open_file(void **state)
{
    struct driver *d = xcalloc(1, sizeof *d);
    struct err     e = ERR_INIT;

    d->dir = fixture_dir();
    d->st = storage_open(STORAGE_LOCATION(d->dir), true, &e);
    *state = d;
    return d->st == NULL;
}

static int
open_memory(void **state)
{
    struct driver *d = xcalloc(1, sizeof *d);

    d->st = storage_memory_new();
    *state = d;
    return 0;
}

/* One that fails at no call is as good as what it wraps. */
static int
open_failing(void **state)
{
    struct driver *d;

    (void)open_memory(state);
    d = *state;
    d->st = storage_failing_new(d->st, 0, false, NULL);
    return 0;
}

static struct s3_server server;

static int
start_server(void **state)
{
    (void)state;
    return s3_server_start(&server, "bucket");
}

static int
stop_server(void **state)
{
    (void)state;
    s3_server_stop(&server);
    return 0;
}

/* Each test has a prefix of its own; one that needs encoding, and one that needs none. */
static int
open_s3(void **state, bool tls)
{
    static int     n;
    struct driver *d = xcalloc(1, sizeof *d);
    struct err     e = ERR_INIT;
    char          *location = xasprintf(
                 tls ? "s3://bucket/test %d/a+b&c=~'(\303\251)*" : "s3://bucket/test-%d", n++);

    d->st = storage_open(
        &(struct storage_location){.location = location,
                                   .given.options = s3_server_options(&server, tls)},
        true, &e);
    *state = d;
    free(location);
    return d->st == NULL;
}

static int
open_s3_http(void **state)
{
    return open_s3(state, false);
}

static int
open_s3_tls(void **state)
{
    return open_s3(state, true);
}

static int
close_driver(void **state)
{
    struct driver *d = *state;

    storage_close(d->st);
    if (d->dir != NULL) {
        fixture_remove(d->dir);
    }
    free(d);
    return 0;
}

static struct storage *
storage_of(void **state)
{
    return ((struct driver *)*state)->st;
}

static int
put(struct storage *st, const char *key, const char *text, struct err *e)
{
    return storage_put(st, key, text, strlen(text), e);
}

static int
collect(void *ctx, const struct object_info *info, struct err *e)
{
    (void)e;
    strlist_take(ctx, xasprintf("%s=%ju", info->key, (uintmax_t)info->size));
    return 0;
}

static int
collect_dir(void *ctx, const char *name, struct err *e)
{
    (void)e;
    strlist_add(ctx, name);
    return 0;
}

static void
assert_listing(struct storage *st, const char *prefix, const char *want)
{
    struct strlist got = {0};
    struct buf     text = BUF_INIT(MIB);
    struct err     e = ERR_INIT;

    assert_ok(storage_list(st, prefix, collect, &got, &e), &e);
    for (size_t i = 0; i < got.n; i++) {
        assert_ok(buf_printf(&text, &e, "%s%s", i == 0 ? "" : " ", got.v[i]), &e);
    }
    assert_string_equal(buf_str(&text), want);
    strlist_free(&got);
    buf_free(&text);
}

static void
what_is_put_is_what_is_got(void **state)
{
    struct storage    *st = storage_of(state);
    struct err         e = ERR_INIT;
    struct buf         b = BUF_INIT(MIB);
    struct object_info info;

    assert_ok(put(st, "a/b/c.json", "hello", &e), &e);
    assert_ok(storage_get(st, "a/b/c.json", &b, &e), &e);
    assert_string_equal(buf_str(&b), "hello");
    assert_ok(storage_head(st, "a/b/c.json", &info, &e), &e);
    assert_int_equal(info.size, 5);
    assert_true(info.modified > time(NULL) - 60 && info.modified < time(NULL) + 60);
    buf_free(&b);
}

static void
get_replaces_what_the_buffer_held(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    struct buf      b = BUF_INIT(MIB);

    assert_ok(buf_puts(&b, "something longer from before", &e), &e);
    assert_ok(put(st, "k", "new", &e), &e);
    assert_ok(storage_get(st, "k", &b, &e), &e);
    assert_string_equal(buf_str(&b), "new");
    buf_free(&b);
}

static void
an_empty_object_is_an_object(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    struct buf      b = BUF_INIT(10);

    assert_ok(storage_put(st, "empty", NULL, 0, &e), &e);
    assert_ok(storage_put(st, "empty", NULL, 0, &e), &e);
    assert_ok(storage_get(st, "empty", &b, &e), &e);
    assert_int_equal(b.len, 0);
    assert_listing(st, "", "empty=0");
    buf_free(&b);
}

static void
a_key_is_written_once(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    struct buf      b = BUF_INIT(MIB);

    assert_ok(put(st, "x/y", "first", &e), &e);
    assert_int_equal(put(st, "x/y", "other", &e), -1);
    assert_err(&e, ERR_EXISTS, "x/y");
    assert_int_equal(put(st, "x/y", "longer than the first", &e), -1);
    assert_int_equal(e.kind, ERR_EXISTS);
    assert_ok(storage_get(st, "x/y", &b, &e), &e);
    assert_string_equal(buf_str(&b), "first");
    buf_free(&b);
}

static void
the_same_bytes_again_are_a_retry(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;

    assert_ok(put(st, "x/y", "first", &e), &e);
    assert_ok(put(st, "x/y", "first", &e), &e);
    assert_listing(st, "", "x/y=5");
}

static void
what_is_not_there_is_not_found(void **state)
{
    struct storage    *st = storage_of(state);
    struct err         e = ERR_INIT;
    struct buf         b = BUF_INIT(MIB);
    struct object_info info;

    assert_int_equal(storage_get(st, "no/such/thing", &b, &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "no");
    assert_int_equal(storage_head(st, "no/such/thing", &info, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_ok(put(st, "no/such", "a file where a directory is looked for", &e), &e);
    assert_int_equal(storage_get(st, "no/other", &b, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    buf_free(&b);
}

static void
an_object_beyond_the_ceiling_is_refused(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    struct buf      b = BUF_INIT(4);

    assert_ok(put(st, "big", "12345", &e), &e);
    assert_int_equal(storage_get(st, "big", &b, &e), -1);
    assert_err(&e, ERR_CORRUPT, "big");
    buf_free(&b);
}

static void
keys_are_listed_in_byte_order_with_their_sizes(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;

    assert_ok(put(st, "a/b", "1", &e), &e);
    assert_ok(put(st, "a-b", "22", &e), &e);
    assert_ok(put(st, "a.b", "333", &e), &e);
    assert_ok(put(st, "a0/z", "4444", &e), &e);
    assert_ok(put(st, "a0/a/z", "55555", &e), &e);
    assert_ok(put(st, "%41", "", &e), &e);
    assert_listing(st, "", "%41=0 a-b=2 a.b=3 a/b=1 a0/a/z=5 a0/z=4");
    assert_listing(st, "a0/", "a0/a/z=5 a0/z=4");
    assert_listing(st, "a/", "a/b=1");
    assert_listing(st, "nothing/here/", "");
}

static int
check_md5(void *ctx, const struct object_info *info, struct err *e)
{
    uint8_t want[MD5_BYTES];

    (void)e;
    md5(info->key, strlen(info->key), want); /* each object holds its key */
    assert_true(!info->has_md5 || memcmp(info->md5, want, sizeof want) == 0);
    *(unsigned *)ctx += info->has_md5;
    return 0;
}

static void
a_digest_that_is_listed_is_the_objects(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    unsigned        n = 0;

    assert_ok(put(st, "a/b", "a/b", &e), &e);
    assert_ok(put(st, "a/c", "a/c", &e), &e);
    assert_ok(storage_list(st, "", check_md5, &n, &e), &e);
    assert_int_equal(n, strcmp(st->ops->scheme, "s3") == 0 ? 2 : 0);
}

static void
dirs_give_one_level(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    struct strlist  got = {0};

    assert_ok(put(st, "shop/a/1", "1", &e), &e);
    assert_ok(put(st, "shop/a/2", "1", &e), &e);
    assert_ok(put(st, "shop/b/1", "1", &e), &e);
    assert_ok(put(st, "shop/file", "1", &e), &e);
    assert_ok(put(st, "other/x", "1", &e), &e);
    assert_ok(storage_dirs(st, "", collect_dir, &got, &e), &e);
    assert_int_equal(got.n, 2);
    assert_string_equal(got.v[0], "other");
    assert_string_equal(got.v[1], "shop");
    strlist_free(&got);
    got = (struct strlist){0};
    assert_ok(storage_dirs(st, "shop/", collect_dir, &got, &e), &e);
    assert_int_equal(got.n, 2);
    assert_string_equal(got.v[1], "b");
    strlist_free(&got);
    got = (struct strlist){0};
    assert_ok(storage_dirs(st, "nothing/", collect_dir, &got, &e), &e);
    assert_int_equal(got.n, 0);
}

static int
stop_at_second(void *ctx, const struct object_info *info, struct err *e)
{
    int *n = ctx;

    return ++*n < 2 ? 0 : err_set(e, ERR_BUSY, "enough at %s", info->key);
}

static void
a_callback_can_stop_the_listing(void **state)
{
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    int             n = 0;

    assert_ok(put(st, "a", "1", &e), &e);
    assert_ok(put(st, "b/c", "1", &e), &e);
    assert_ok(put(st, "d", "1", &e), &e);
    assert_int_equal(storage_list(st, "", stop_at_second, &n, &e), -1);
    assert_err(&e, ERR_BUSY, "b/c");
    assert_int_equal(n, 2);
}

static void
removing_takes_away_and_what_is_gone_is_no_error(void **state)
{
    struct storage    *st = storage_of(state);
    struct err         e = ERR_INIT;
    const char *const  keys[] = {"a/b", "a/nothing", "not/there"};
    struct object_info info;

    assert_ok(put(st, "a/b", "1", &e), &e);
    assert_ok(put(st, "a/c", "1", &e), &e);
    assert_ok(storage_remove(st, keys, 3, &e), &e);
    assert_int_equal(storage_head(st, "a/b", &info, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_listing(st, "", "a/c=1");
    assert_ok(put(st, "a/b", "again", &e), &e);
}

static void
keys_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"",       "/a",   "a/",  "a//b", ".", "..",   "a/../b",
                                      ".tmp/x", "a/.b", "a b", "a\nb", "ä", "a\\b", "a:b"};
    struct storage          *st = storage_of(state);
    struct err               e = ERR_INIT;
    struct buf               b = BUF_INIT(MIB);
    char                     longest[STORAGE_KEY_MAX + 2];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(put(st, bad[i], "x", &e), -1);
        assert_err(&e, ERR_CORRUPT, "not a valid object key");
        assert_int_equal(storage_get(st, bad[i], &b, &e), -1);
        assert_int_equal(storage_remove(st, &bad[i], 1, &e), -1);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(put(st, longest, "x", &e), -1);
    assert_int_equal(storage_list(st, "a", collect, NULL, &e), -1);
    assert_int_equal(storage_list(st, "../", collect, NULL, &e), -1);
    buf_free(&b);
}

/* ---- threads ---- */

struct hammer {
    struct storage *st;
    int             number, won;
};

static void *
hammer(void *arg)
{
    struct hammer *h = arg;

    for (int i = 0; i < 100; i++) {
        struct err e = ERR_INIT;
        char       own[64];
        char       shared[64];
        char       text[16];

        (void)snprintf(own, sizeof own, "db/%d/%02x/%d", h->number, i % 7, i);
        (void)snprintf(shared, sizeof shared, "shared/%02x/%d", i % 5, i);
        (void)snprintf(text, sizeof text, "%d", h->number);
        if (put(h->st, own, text, &e) != 0) {
            h->won = -1000;
        }
        if (put(h->st, shared, text, &e) == 0) {
            h->won++;
        } else if (e.kind != ERR_EXISTS) {
            h->won = -1000;
        }
    }
    return NULL;
}

static void
of_many_writers_of_a_key_one_wins(void **state)
{
    struct hammer h[4];
    pthread_t     t[4];
    int           won = 0;

    for (int i = 0; i < 4; i++) {
        h[i] = (struct hammer){storage_of(state), i, 0};
        assert_int_equal(pthread_create(&t[i], NULL, hammer, &h[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        won += h[i].won;
    }
    assert_int_equal(won, 100);
}

/* ---- the file driver's own promises ---- */

static void
symbolic_links_are_not_followed(void **state)
{
    struct driver     *d = *state;
    struct err         e = ERR_INIT;
    struct buf         b = BUF_INIT(MIB);
    struct object_info info;
    struct strlist     listed = {0};
    char              *outside = fixture_dir();
    char              *secret = xasprintf("%s/secret", outside);
    char              *link = xasprintf("%s/shop", d->dir);
    char              *file_link = xasprintf("%s/plain", d->dir);
    char *new = xasprintf("%s/new", outside);
    int fd = open(secret, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(symlink(secret, file_link), 0);
    assert_int_equal(storage_get(d->st, "shop/secret", &b, &e), -1);
    assert_err(&e, ERR_CORRUPT, "symbolic link");
    assert_int_equal(storage_get(d->st, "plain", &b, &e), -1);
    assert_err(&e, ERR_CORRUPT, "symbolic link");
    assert_int_equal(storage_head(d->st, "plain", &info, &e), -1);
    assert_int_equal(put(d->st, "shop/new", "x", &e), -1);
    assert_int_equal(put(d->st, "plain", "x", &e), -1);
    err_clear(&e);
    assert_ok(storage_list(d->st, "", collect, &listed, &e), &e);
    assert_int_equal(listed.n, 0); /* they hold nothing of ours, and stop nobody */
    assert_int_equal(access(new, F_OK), -1);
    free(new);
    free(secret);
    free(link);
    free(file_link);
    fixture_remove(outside);
}

static size_t
count_tmp(const char *dir)
{
    char  *command = xasprintf("ls '%s/.tmp' | wc -l", dir);
    FILE  *f = popen(command, "r");
    size_t n = 99;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu", &n), 1);
    (void)pclose(f);
    free(command);
    return n;
}

static void
temporary_files_go_and_stale_ones_are_swept(void **state)
{
    struct driver  *d = *state;
    struct err      e = ERR_INIT;
    char           *stale = xasprintf("%s/.tmp/stale", d->dir);
    char           *fresh = xasprintf("%s/.tmp/fresh", d->dir);
    struct timespec old[2] = {{.tv_sec = time(NULL) - 90000}, {.tv_sec = time(NULL) - 90000}};

    assert_ok(put(d->st, "a", "1", &e), &e);
    assert_int_equal(put(d->st, "a", "2", &e), -1);
    assert_int_equal(count_tmp(d->dir), 0);
    assert_int_equal(close(open(stale, O_WRONLY | O_CREAT, 0600)), 0);
    assert_int_equal(close(open(fresh, O_WRONLY | O_CREAT, 0600)), 0);
    assert_int_equal(utimensat(AT_FDCWD, stale, old, 0), 0);
    storage_close(d->st);
    d->st = storage_open(STORAGE_LOCATION(d->dir), false, &e);
    assert_non_null(d->st);
    assert_ok(put(d->st, "b", "1", &e), &e);
    assert_int_equal(access(stale, F_OK), -1);
    assert_int_equal(access(fresh, F_OK), 0);
    free(stale);
    free(fresh);
}

static void
putting_the_same_again_renews_it(void **state)
{
    struct driver     *d = *state;
    struct err         e = ERR_INIT;
    struct object_info info;
    char              *path = xasprintf("%s/mark", d->dir);
    struct timespec    old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    assert_ok(put(d->st, "mark", "1", &e), &e);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_ok(put(d->st, "mark", "1", &e), &e);
    assert_ok(storage_head(d->st, "mark", &info, &e), &e);
    assert_true(info.modified > time(NULL) - 60);
    free(path);
}

static void
what_can_be_no_key_is_not_listed(void **state)
{
    struct driver *d = *state;
    struct err     e = ERR_INIT;
    char          *lost = xasprintf("%s/lost+found", d->dir);
    char          *dot = xasprintf("%s/.hidden", d->dir);

    assert_int_equal(mkdir(lost, 0000), 0);
    assert_int_equal(close(open(dot, O_WRONLY | O_CREAT, 0600)), 0);
    assert_ok(put(d->st, "a", "1", &e), &e);
    assert_listing(d->st, "", "a=1");
    free(lost);
    free(dot);
}

static void
an_unreadable_directory_is_an_error(void **state)
{
    struct driver *d = *state;
    struct err     e = ERR_INIT;
    char          *sub = xasprintf("%s/shop/chunks", d->dir);

    assert_ok(put(d->st, "shop/chunks/1/x", "1", &e), &e);
    assert_int_equal(chmod(sub, 0000), 0);
    if (access(sub, R_OK) != 0) { /* root reads everything */
        assert_int_equal(storage_list(d->st, "", collect, &(struct strlist){0}, &e), -1);
        assert_err(&e, ERR_AUTH, "shop/chunks");
    }
    assert_int_equal(chmod(sub, 0755), 0);
    free(sub);
}

static void
a_missing_directory_is_not_made_by_opening(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_null(storage_open(STORAGE_LOCATION("/nonexistent/repo"), false, &e));
    assert_err(&e, ERR_NOT_FOUND, "/nonexistent/repo");
    assert_null(storage_open(STORAGE_LOCATION("ftp://host/repo"), false, &e));
    assert_err(&e, ERR_USAGE, "unknown kind of location");
}

/* ---- the S3 driver's own promises ---- */

static void
more_than_a_page_is_listed_and_removed(void **state)
{
    enum { N = 1003 };
    struct storage *st = storage_of(state);
    struct err      e = ERR_INIT;
    struct strlist  got = {0};

    for (int i = 0; i < N; i++) {
        char    key[100];
        uint8_t digest[SHA256_BYTES];
        char    hex[SHA256_HEX + 1];

        sha256_hex(&i, sizeof i, hex); /* named by its hash: one request each */
        sha256(&i, sizeof i, digest);
        (void)snprintf(key, sizeof key, "c/%02x/%s", digest[0] % 7, hex);
        assert_ok(storage_put(st, key, &i, sizeof i, &e), &e);
        strlist_add(&got, key);
    }
    strlist_sort(&got);
    {
        struct strlist listed = {0};

        assert_ok(storage_list(st, "c/", collect, &listed, &e), &e);
        assert_int_equal(listed.n, N);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(strncmp(listed.v[i], got.v[i], strlen(got.v[i])), 0);
        }
        strlist_free(&listed);
    }
    assert_ok(storage_remove(st, (const char *const *)got.v, got.n, &e), &e);
    assert_listing(st, "", "");
    strlist_free(&got);
}

static void
a_new_time_is_what_putting_the_same_again_gives(void **state)
{
    struct storage    *st = storage_of(state);
    struct err         e = ERR_INIT;
    struct object_info before;
    struct object_info after;

    assert_ok(put(st, "runs/mark", "1", &e), &e);
    assert_ok(storage_head(st, "runs/mark", &before, &e), &e);
    (void)usleep(1100000);
    assert_ok(put(st, "runs/mark", "1", &e), &e);
    assert_ok(storage_head(st, "runs/mark", &after, &e), &e);
    assert_true(after.modified > before.modified);
}

static struct storage *
open_with(const char *option, struct err *e)
{
    struct strlist  options = {0};
    struct storage *st;

    for (size_t i = 0; i < s3_server_options(&server, true)->n; i++) {
        strlist_add(&options, s3_server_options(&server, true)->v[i]);
    }
    strlist_add(&options, option);
    st = storage_open(&(struct storage_location){.location = "s3://bucket/with/options",
                                                 .given.options = &options},
                      true, e);
    strlist_free(&options);
    return st;
}

static char *
key_file(const char *bytes)
{
    char *dir = fixture_dir();
    char *path = xasprintf("%s/key", dir);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, 32, f), 32);
    assert_int_equal(fclose(f), 0);
    free(dir);
    return path;
}

static void
what_a_customers_key_encrypts_needs_that_key(void **state)
{
    struct err         e = ERR_INIT;
    struct buf         b = BUF_INIT(MIB);
    char              *path = key_file("0123456789abcdef0123456789ABCDEF");
    char              *other_path = key_file("0123456789abcdef0123456789ABCDEX");
    char              *option = xasprintf("sse-customer-key-file=%s", path);
    char              *other_option = xasprintf("sse-customer-key-file=%s", other_path);
    struct storage    *st = open_with(option, &e);
    struct storage    *other = open_with(other_option, &e);
    struct storage    *without = open_with("storage-class=STANDARD", &e);
    struct object_info info;

    (void)state;
    assert_non_null(st);
    assert_non_null(other);
    assert_ok(put(st, "secret", "hello", &e), &e);
    assert_ok(put(st, "secret", "hello", &e), &e);
    assert_ok(storage_get(st, "secret", &b, &e), &e);
    assert_string_equal(buf_str(&b), "hello");
    assert_ok(storage_head(st, "secret", &info, &e), &e);
    assert_int_equal(info.size, 5);
    assert_int_equal(storage_get(without, "secret", &b, &e), -1);
    assert_int_equal(storage_get(other, "secret", &b, &e), -1);
    assert_int_equal(storage_head(other, "secret", &info, &e), -1);
    assert_int_not_equal(e.kind, ERR_NOT_FOUND);
    storage_close(st);
    storage_close(other);
    storage_close(without);
    *strrchr(path, '/') = *strrchr(other_path, '/') = '\0';
    fixture_remove(path);
    fixture_remove(other_path);
    free(option);
    free(other_option);
    buf_free(&b);
}

static void
checksums_tags_and_class_are_taken_by_a_real_store(void **state)
{
    static const char *const options[] = {"checksum=md5", "checksum=sha256",
                                          "tags=team=db, what=night & day",
                                          "storage-class=STANDARD"};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct err      e = ERR_INIT;
        struct buf      b = BUF_INIT(MIB);
        struct storage *st = open_with(options[i], &e);
        char            key[16];

        assert_non_null(st);
        (void)snprintf(key, sizeof key, "o%zu", i);
        assert_ok(put(st, key, "hello", &e), &e);
        assert_ok(storage_get(st, key, &b, &e), &e);
        assert_string_equal(buf_str(&b), "hello");
        buf_free(&b);
        storage_close(st);
    }
}

static void
a_missing_bucket_is_no_missing_object(void **state)
{
    struct err              e = ERR_INIT;
    struct buf              b = BUF_INIT(MIB);
    struct storage_location place = {.location = "s3://no-such-bucket/p",
                                     .given.options = s3_server_options(&server, false)};
    struct storage         *st = storage_open(&place, true, &e);

    (void)state;
    assert_non_null(st);
    assert_int_equal(storage_get(st, "a", &b, &e), -1);
    assert_err(&e, ERR_IO, "there is no bucket \"no-such-bucket\"");
    assert_int_equal(put(st, "a", "1", &e), -1);
    assert_err(&e, ERR_IO, "there is no bucket");
    assert_int_equal(storage_list(st, "", collect, NULL, &e), -1);
    assert_err(&e, ERR_IO, "there is no bucket");
    storage_close(st);
}

#define TEST(fn, driver)                                                                           \
    {                                                                                              \
#fn " (" #driver ")", fn, open_##driver, close_driver, NULL                                \
    }
#define SUITE(driver)                                                                              \
    TEST(what_is_put_is_what_is_got, driver), TEST(get_replaces_what_the_buffer_held, driver),     \
        TEST(an_empty_object_is_an_object, driver), TEST(a_key_is_written_once, driver),           \
        TEST(the_same_bytes_again_are_a_retry, driver),                                            \
        TEST(what_is_not_there_is_not_found, driver),                                              \
        TEST(an_object_beyond_the_ceiling_is_refused, driver),                                     \
        TEST(keys_are_listed_in_byte_order_with_their_sizes, driver),                              \
        TEST(a_digest_that_is_listed_is_the_objects, driver), TEST(dirs_give_one_level, driver),   \
        TEST(a_callback_can_stop_the_listing, driver),                                             \
        TEST(removing_takes_away_and_what_is_gone_is_no_error, driver),                            \
        TEST(keys_that_are_none_are_refused, driver),                                              \
        TEST(of_many_writers_of_a_key_one_wins, driver)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE(file),
        SUITE(memory),
        SUITE(failing),
        SUITE(s3_http),
        SUITE(s3_tls),
        TEST(symbolic_links_are_not_followed, file),
        TEST(temporary_files_go_and_stale_ones_are_swept, file),
        TEST(putting_the_same_again_renews_it, file),
        TEST(what_can_be_no_key_is_not_listed, file),
        TEST(an_unreadable_directory_is_an_error, file),
        TEST(more_than_a_page_is_listed_and_removed, s3_http),
        TEST(a_new_time_is_what_putting_the_same_again_gives, s3_http),
        cmocka_unit_test(what_a_customers_key_encrypts_needs_that_key),
        cmocka_unit_test(checksums_tags_and_class_are_taken_by_a_real_store),
        cmocka_unit_test(a_missing_bucket_is_no_missing_object),
        TEST(a_missing_directory_is_not_made_by_opening, file),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
