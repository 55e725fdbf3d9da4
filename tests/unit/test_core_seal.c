/*
 * Sealed bytes: what goes in comes out, for the right key and as what it was sealed alone; no
 * changed, missing or added byte goes unnoticed, and little is told by the length.
 */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/crypto/hash.h"
#include "core/crypto/seal.h"
#include "core/enc.h"
#include "core/json.h"
#include "core/mem.h"

static const char too_short[] = "cut off?";
static const char no_magic[] = "not encrypted as this program knows it";
static const char other_key[] = "its key cannot be opened";
static const char changed[] = "does not decrypt: it was changed, or moved";

struct pair {
    uint8_t public[SEAL_PUBLIC];
    struct secret secret;
};

/* Anew for each test. */
static struct pair pair;

static int
set_up(void **state)
{
    (void)state;
    seal_keypair(pair.public, &pair.secret);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    secret_free(&pair.secret);
    return 0;
}

static struct sealed_as
as_chunk(void)
{
    return (struct sealed_as){.type = "chunk", .public = pair.public, .what = "an id", .what_n = 5};
}

static void
fill(uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
}

/* A sealed object of n bytes. */
static struct buf
sealed(size_t n)
{
    struct sealed_as as = as_chunk();
    struct buf       out = BUF_INIT(BUF_NO_LIMIT);
    struct err       e = ERR_INIT;
    uint8_t         *data = xmalloc(n + 1);

    fill(data, n);
    assert_ok(seal(&as, data, n, &out, &e), &e);
    free(data);
    return out;
}

/* A copy of b, opened; 0 or -1 as unseal() says. */
static int
open_copy(const struct buf *b, const struct sealed_as *as, const struct secret *secret,
          struct err *e)
{
    uint8_t       *copy = xmalloc(b->len + 1);
    const uint8_t *data = NULL;
    size_t         n = 0;
    int            rc;

    err_clear(e);
    if (b->len > 0) {
        memcpy(copy, b->data, b->len);
    }
    rc = unseal(as, secret, copy, b->len, &data, &n, e);
    if (rc != 0) {
        assert_null(data); /* nothing is given out */
        assert_int_equal(n, 0);
    }
    free(copy);
    return rc;
}

/* ---- round trips ---- */

static void
assert_round_trip(size_t n)
{
    struct sealed_as as = as_chunk();
    struct buf       b = sealed(n);
    struct err       e = ERR_INIT;
    const uint8_t   *data;
    size_t           got;
    uint8_t         *want = xmalloc(n + 1);

    fill(want, n);
    assert_true(b.len <= seal_bound(n));
    assert_ok(unseal(&as, &pair.secret, b.data, b.len, &data, &got, &e), &e);
    assert_int_equal(got, n);
    assert_memory_equal(data, want, n);
    /* In place: no copy was made. */
    assert_true(data >= b.data && data + got <= b.data + b.len);
    free(want);
    buf_free(&b);
}

static void
every_length_comes_back(void **state)
{
    static const size_t lengths[] = {4095, 4096, 4097, 65536, MIB - 1, 16 * MIB + 3, 24 * MIB};

    (void)state;
    for (size_t n = 0; n <= 300; n++) {
        assert_round_trip(n);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_round_trip(lengths[i]);
    }
}

/* Two of the same are as different as two others: nobody sees that they are the same. */
static void
no_two_are_alike(void **state)
{
    struct buf a = sealed(1000);
    struct buf b = sealed(1000);
    size_t     same = 0;

    (void)state;
    assert_int_equal(a.len, b.len);
    for (size_t i = 8; i < a.len; i++) {
        same += a.data[i] == b.data[i];
    }
    assert_true(same < a.len / 16);
    buf_free(&a);
    buf_free(&b);
}

static void
what_was_in_the_buffer_is_replaced(void **state)
{
    struct sealed_as as = as_chunk();
    struct buf       out = sealed(5000);
    struct err       e = ERR_INIT;

    (void)state;
    assert_ok(seal(&as, "short", 5, &out, &e), &e);
    assert_int_equal(out.len, seal_bound(5));
    assert_int_equal(open_copy(&out, &as, &pair.secret, &e), 0);
    buf_free(&out);
}

static void
a_buffer_that_is_too_small_is_an_error(void **state)
{
    struct sealed_as as = as_chunk();
    struct buf       out = BUF_INIT(100);
    struct err       e = ERR_INIT;

    (void)state;
    assert_int_equal(seal(&as, "short", 5, &out, &e), -1);
    assert_err(&e, ERR_IO, "larger than");
    buf_free(&out);
}

/* ---- damage ---- */

static void
every_changed_byte_is_noticed(void **state)
{
    struct sealed_as as = as_chunk();
    struct buf       b = sealed(60);
    struct err       e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < b.len; i++) {
        const char *want = i < 8 ? no_magic : i < SEAL_HEAD ? other_key : changed;

        for (int bit = 0; bit < 8; bit += 7) {
            b.data[i] ^= (uint8_t)(1U << bit);
            assert_int_equal(open_copy(&b, &as, &pair.secret, &e), -1);
            assert_err(&e, ERR_CORRUPT, want);
            b.data[i] ^= (uint8_t)(1U << bit);
        }
    }
    assert_int_equal(open_copy(&b, &as, &pair.secret, &e), 0);
    buf_free(&b);
}

static void
every_missing_byte_is_noticed(void **state)
{
    struct sealed_as as = as_chunk();
    struct buf       b = sealed(60);
    struct err       e = ERR_INIT;
    size_t           whole = b.len;

    (void)state;
    for (size_t n = 0; n < whole; n++) {
        b.len = n;
        assert_int_equal(open_copy(&b, &as, &pair.secret, &e), -1);
        assert_err(&e, ERR_CORRUPT, n < SEAL_HEAD + SEAL_LENGTH + SEAL_TAG ? too_short : changed);
    }
    buf_free(&b);
}

static void
every_added_byte_is_noticed(void **state)
{
    struct sealed_as as = as_chunk();
    struct buf       b = sealed(60);
    struct err       e = ERR_INIT;

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct err ignored = ERR_INIT;

        assert_ok(buf_append(&b, "", 1, &ignored), &ignored);
        assert_int_equal(open_copy(&b, &as, &pair.secret, &e), -1);
        assert_err(&e, ERR_CORRUPT, changed);
    }
    buf_free(&b);
}

/* The head of one and the body of another. */
static void
parts_of_two_are_noticed(void **state)
{
    struct sealed_as as = as_chunk();
    struct buf       a = sealed(60);
    struct buf       b = sealed(60);
    struct err       e = ERR_INIT;

    (void)state;
    memcpy(a.data, b.data, SEAL_HEAD);
    assert_int_equal(open_copy(&a, &as, &pair.secret, &e), -1);
    assert_err(&e, ERR_CORRUPT, changed);
    buf_free(&a);
    buf_free(&b);
}

/* ---- who, and as what ---- */

static void
another_key_opens_nothing(void **state)
{
    struct sealed_as as = as_chunk();
    struct sealed_as as_other = as_chunk();
    struct buf       b = sealed(60);
    struct err       e = ERR_INIT;
    struct pair      other = {.secret = SECRET_INIT};

    (void)state;
    seal_keypair(other.public, &other.secret);
    assert_int_equal(open_copy(&b, &as, &other.secret, &e), -1);
    assert_err(&e, ERR_CORRUPT, other_key);
    as_other.public = other.public;
    assert_int_equal(open_copy(&b, &as_other, &other.secret, &e), -1);
    assert_err(&e, ERR_CORRUPT, other_key);
    assert_int_equal(open_copy(&b, &as_other, &pair.secret, &e), -1);
    assert_err(&e, ERR_CORRUPT, other_key);
    secret_free(&other.secret);
    buf_free(&b);
}

static void
as_something_else_it_does_not_open(void **state)
{
    struct sealed_as as = as_chunk();
    struct sealed_as others[] = {as, as, as, as, as, as};
    struct buf       b = sealed(60);
    struct err       e = ERR_INIT;

    (void)state;
    others[0].type = "manifest";
    others[1].type = "chun";
    others[2].what = "an ID";
    others[3].what_n = 4;
    others[4].what_n = 0;
    others[5].what = "an id and more";
    others[5].what_n = 14;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(open_copy(&b, &others[i], &pair.secret, &e), -1);
        assert_err(&e, ERR_CORRUPT, changed);
    }
    assert_int_equal(open_copy(&b, &as, &pair.secret, &e), 0);
    buf_free(&b);
}

static void
a_public_key_that_is_none_is_refused(void **state)
{
    static const uint8_t zeroes[SEAL_PUBLIC];
    struct sealed_as     as = as_chunk();
    struct buf           out = BUF_INIT(BUF_NO_LIMIT);
    struct err           e = ERR_INIT;

    (void)state;
    as.public = zeroes;
    assert_int_equal(seal(&as, "data", 4, &out, &e), -1);
    assert_err(&e, ERR_CORRUPT, "public key");
    buf_free(&out);
}

static void
the_public_half_follows_from_the_secret_one(void **state)
{
    uint8_t public[SEAL_PUBLIC];

    (void)state;
    seal_public(&pair.secret, public);
    assert_memory_equal(public, pair.public, sizeof public);
}

/* ---- lengths ---- */

/* At most 12 % more beside what every sealed object has. */
static void
padding_costs_little(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100000; n++) {
        size_t inner = seal_bound(n) - SEAL_HEAD - SEAL_TAG;

        assert_true(inner >= SEAL_LENGTH + n);
        assert_true((double)inner <= 1.12 * (double)(SEAL_LENGTH + n));
    }
}

/* A megabyte's worth of lengths: log2(n) / 2 bits of them are all that can be told apart. */
static void
few_lengths_can_be_told_apart(void **state)
{
    size_t previous = 0;
    size_t different = 0;

    (void)state;
    for (size_t n = 0; n < MIB; n++) {
        size_t length = seal_bound(n);

        assert_true(length >= previous);
        different += length != previous;
        previous = length;
    }
    assert_true(different < 400);
}

/* Padmé's lengths, computed by hand from the paper. */
static void
lengths_are_those_of_the_paper(void **state)
{
    static const struct {
        size_t n, padded;
    } known[] = {{8, 8},       {9, 10},      {15, 16},      {16, 16},          {100, 104},
                 {1000, 1024}, {1025, 1088}, {9999, 10240}, {1000000, 1015808}};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_int_equal(seal_bound(known[i].n - SEAL_LENGTH),
                         SEAL_HEAD + known[i].padded + SEAL_TAG);
    }
}

/* ---- vectors ---- */

/* Sealed by this program once: what is stored today opens for ever. */
static void
what_was_sealed_once_opens(void **state)
{
    static const char secret_hex[] =
        "275352942de2b71883addf7338666fd8d26ee87c98a9bbe621b7e8f15c842f2e";
    static const char sealed_hex[] =
        "5047415353415901bced5e07611833db042caa0f6d5141b23c6d58980120a65a1bd3e852910ebb19a3b65227a9"
        "b9bc0acae3"
        "6fbe43ef6b26a49a3e2bc8f3617f4aeeb463cfe752c6a92ba98366b90f0d33226f7172547c2a175f969f61b8c7"
        "b42625e6ee"
        "94c761eb73789a81ecf7d5f0b3542f66ab58558ae453c385";
    uint8_t          bytes[sizeof sealed_hex / 2];
    uint8_t          secret[SEAL_SECRET];
    struct sealed_as as = {.type = "chunk", .public = pair.public, .what = "fixed", .what_n = 5};
    struct err       e = ERR_INIT;
    const uint8_t   *data;
    size_t           n;

    (void)state;
    assert_int_equal(hex_decode(secret_hex, sizeof secret_hex - 1, secret, sizeof secret), 0);
    assert_int_equal(hex_decode(sealed_hex, sizeof sealed_hex - 1, bytes, sizeof bytes), 0);
    secret_set(&pair.secret, secret, sizeof secret);
    seal_public(&pair.secret, pair.public);
    assert_ok(unseal(&as, &pair.secret, bytes, sizeof bytes, &data, &n, &e), &e);
    assert_int_equal(n, 12);
    assert_memory_equal(data, "1\tone\n2\ttwo\n", 12);
}

static json_t *
load_vectors(void)
{
    json_error_t why;
    json_t      *v = json_load_file("tests/vectors/seal.json", 0, &why);

    if (v == NULL) {
        fail_msg("tests/vectors/seal.json: %s", why.text);
    }
    return v;
}

/* Hex digits of a key; allocated. */
static uint8_t *
bytes_of(const json_t *o, const char *key, size_t *n)
{
    const char *hex = json_opt_str(o, key, "");
    uint8_t    *out;

    *n = strlen(hex) / 2;
    out = xmalloc(*n + 1);
    assert_int_equal(hex_decode(hex, strlen(hex), out, *n), 0);
    return out;
}

static void
assert_vector(const json_t *one, const json_t *keys)
{
    size_t public_n, secret_n, what_n, sealed_n, data_n, n;
    uint8_t *public = bytes_of(keys, "public", &public_n);
    uint8_t         *secret = bytes_of(keys, "secret", &secret_n);
    uint8_t         *what = bytes_of(one, "what", &what_n);
    uint8_t         *bytes = bytes_of(one, "sealed", &sealed_n);
    uint8_t         *want = bytes_of(one, "data", &data_n);
    struct sealed_as as = {
        .type = json_opt_str(one, "type", ""), .public = public, .what = what, .what_n = what_n};
    struct err     e = ERR_INIT;
    const uint8_t *data;

    assert_int_equal(public_n, SEAL_PUBLIC);
    secret_set(&pair.secret, secret, secret_n);
    seal_public(&pair.secret, pair.public);
    assert_memory_equal(public, pair.public, SEAL_PUBLIC);
    assert_int_equal(sealed_n, seal_bound(data_n));
    assert_ok(unseal(&as, &pair.secret, bytes, sealed_n, &data, &n, &e), &e);
    assert_int_equal(n, data_n);
    assert_memory_equal(data, want, n);
    free(public);
    free(secret);
    free(what);
    free(bytes);
    free(want);
}

/* Sealed by another program: tests/e2e/pgassay_open.py. */
static void
what_others_sealed_opens(void **state)
{
    json_t *v = load_vectors();
    json_t *list = json_object_get(v, "sealed");
    json_t *keys = json_object_get(v, "keys");

    (void)state;
    assert_true(json_array_size(list) >= 7);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        assert_vector(one, json_object_get(keys, json_opt_str(one, "to", "")));
    }
    json_decref(v);
}

static void
an_id_is_what_others_make_it(void **state)
{
    json_t  *v = load_vectors();
    size_t   key_n, text_n, id_n;
    uint8_t *key = bytes_of(json_object_get(v, "naming"), "id_key", &key_n);
    uint8_t *text = bytes_of(json_object_get(v, "chunk"), "plaintext", &text_n);
    uint8_t *want = bytes_of(json_object_get(v, "chunk"), "id", &id_n);
    uint8_t  id[SHA256_BYTES];

    (void)state;
    assert_int_equal(key_n, 32);
    hmac_sha256(key, text, text_n, id);
    assert_memory_equal(id, want, sizeof id);
    free(key);
    free(text);
    free(want);
    json_decref(v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_length_comes_back),
        TEST(no_two_are_alike),
        TEST(what_was_in_the_buffer_is_replaced),
        TEST(a_buffer_that_is_too_small_is_an_error),
        TEST(every_changed_byte_is_noticed),
        TEST(every_missing_byte_is_noticed),
        TEST(every_added_byte_is_noticed),
        TEST(parts_of_two_are_noticed),
        TEST(another_key_opens_nothing),
        TEST(as_something_else_it_does_not_open),
        TEST(a_public_key_that_is_none_is_refused),
        TEST(the_public_half_follows_from_the_secret_one),
        TEST(padding_costs_little),
        TEST(few_lengths_can_be_told_apart),
        TEST(lengths_are_those_of_the_paper),
        TEST(what_was_sealed_once_opens),
        TEST(what_others_sealed_opens),
        TEST(an_id_is_what_others_make_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
