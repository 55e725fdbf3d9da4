/* codec.h: what is stored must come back, and nothing else may. */
#include "tests/unit/check.h"

#include <signal.h>
#include <stdlib.h>
#include <zstd.h>

#include "core/cancel.h"
#include "core/codec.h"

enum { RAW = 600000 }; /* more than one step of slow compression */

static const char *const specs[] = {"none",    "zstd", "zstd:1", "zstd:19",
                                    "zstd:22", "gzip", "gzip:1", "gzip:9"};
enum { SPECS = sizeof specs / sizeof specs[0] };

/* Lines that compress about as COPY text does. */
static uint8_t *
sample(size_t n)
{
    uint8_t *p = malloc(n + 1);

    for (size_t i = 0; i < n; i++) {
        p[i] = i % 37 == 36 ? '\n' : (uint8_t)('a' + (i * i / 7) % 23);
    }
    return p;
}

static struct codec *
codec_for(const char *text)
{
    struct codec_spec spec;
    struct err        e = ERR_INIT;

    assert_ok(codec_parse(text, &spec, &e), &e);
    return codec_new(spec);
}

static enum codec_kind
kind_of(const char *text)
{
    struct codec_spec spec;
    struct err        e = ERR_INIT;

    assert_ok(codec_parse(text, &spec, &e), &e);
    return spec.kind;
}

static void
every_codec_gives_back_what_it_took(void **state)
{
    static const size_t sizes[] = {0, 1, 100, RAW};
    uint8_t            *raw = sample(RAW);

    (void)state;
    for (int s = 0; s < SPECS; s++) {
        struct codec *c = codec_for(specs[s]);
        struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
        struct buf    back = BUF_INIT(RAW);
        struct err    e = ERR_INIT;

        for (int i = 0; i < 4; i++) { /* one context, several chunks */
            assert_ok(codec_compress(c, raw, sizes[i], &packed, &e), &e);
            assert_true(packed.len <= codec_bound(kind_of(specs[s]), sizes[i]));
            assert_ok(codec_decompress(c, kind_of(specs[s]), packed.data, packed.len, sizes[i],
                                       &back, &e),
                      &e);
            assert_int_equal(back.len, sizes[i]);
            assert_memory_equal(back.data, raw, sizes[i]);
        }
        buf_free(&packed);
        buf_free(&back);
        codec_free(c);
    }
    free(raw);
}

static void
the_same_bytes_give_the_same_object(void **state)
{
    uint8_t *raw = sample(RAW);

    (void)state;
    for (int s = 0; s < SPECS; s++) {
        struct codec *c = codec_for(specs[s]);
        struct buf    one = BUF_INIT(BUF_NO_LIMIT);
        struct buf    two = BUF_INIT(BUF_NO_LIMIT);
        struct err    e = ERR_INIT;

        assert_ok(codec_compress(c, raw, RAW, &one, &e), &e);
        assert_ok(codec_compress(c, raw, RAW, &two, &e), &e);
        assert_int_equal(one.len, two.len);
        assert_memory_equal(one.data, two.data, one.len);
        buf_free(&one);
        buf_free(&two);
        codec_free(c);
    }
    free(raw);
}

static void
a_stream_cut_short_at_any_byte_is_corrupt(void **state)
{
    uint8_t *raw = sample(2000);

    (void)state;
    for (int s = 0; s < SPECS; s++) {
        struct codec *c = codec_for(specs[s]);
        struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
        struct buf    back = BUF_INIT(RAW);
        struct err    e = ERR_INIT;

        assert_ok(codec_compress(c, raw, 2000, &packed, &e), &e);
        for (size_t n = 0; n < packed.len; n++) {
            assert_int_equal(
                codec_decompress(c, kind_of(specs[s]), packed.data, n, 2000, &back, &e), -1);
            assert_int_equal(e.kind, ERR_CORRUPT);
            assert_int_equal(back.len, 0);
        }
        buf_free(&packed);
        buf_free(&back);
        codec_free(c);
    }
    free(raw);
}

static void
a_wrong_length_either_way_is_corrupt(void **state)
{
    uint8_t *raw = sample(2000);

    (void)state;
    for (int s = 0; s < SPECS; s++) {
        struct codec *c = codec_for(specs[s]);
        struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
        struct buf    back = BUF_INIT(RAW);
        struct err    e = ERR_INIT;

        assert_ok(codec_compress(c, raw, 2000, &packed, &e), &e);
        assert_int_equal(
            codec_decompress(c, kind_of(specs[s]), packed.data, packed.len, 1999, &back, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        assert_int_equal(
            codec_decompress(c, kind_of(specs[s]), packed.data, packed.len, 2001, &back, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        assert_ok(buf_append(&packed, "x", 1, &e), &e);
        assert_int_equal(
            codec_decompress(c, kind_of(specs[s]), packed.data, packed.len, 2000, &back, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        buf_free(&packed);
        buf_free(&back);
        codec_free(c);
    }
    free(raw);
}

static void
one_flipped_bit_is_noticed(void **state)
{
    static const char *const checked[] = {"zstd", "gzip"}; /* "none" has no checksum of its own */
    uint8_t                 *raw = sample(2000);

    (void)state;
    for (int s = 0; s < 2; s++) {
        struct codec *c = codec_for(checked[s]);
        struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
        struct buf    back = BUF_INIT(RAW);
        struct err    e = ERR_INIT;
        size_t        body = s == 0 ? 4 : 10; /* gzip's header holds a time and such, unchecked */

        assert_ok(codec_compress(c, raw, 2000, &packed, &e), &e);
        for (size_t bit = 8 * body; bit < 8 * packed.len; bit++) {
            packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (codec_decompress(c, kind_of(checked[s]), packed.data, packed.len, 2000, &back,
                                 &e) == 0) {
                assert_memory_equal(back.data, raw, 2000); /* a bit that means nothing */
            } else {
                assert_int_equal(e.kind, ERR_CORRUPT);
            }
            packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        buf_free(&packed);
        buf_free(&back);
        codec_free(c);
    }
    free(raw);
}

/* RFC 8878, 3.1.1.1.1: the flag in the frame's header. */
static void
a_bare_zstd_frame_has_no_checksum(void **state)
{
    uint8_t *raw = sample(2000);

    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct codec_spec spec = CODEC_DEFAULT;
        struct codec     *c;
        struct buf        packed = BUF_INIT(BUF_NO_LIMIT);
        struct buf        back = BUF_INIT(RAW);
        struct err        e = ERR_INIT;

        spec.bare = bare;
        c = codec_new(spec);
        assert_ok(codec_compress(c, raw, 2000, &packed, &e), &e);
        assert_int_equal(packed.data[4] & 0x04, bare ? 0 : 0x04);
        assert_ok(codec_decompress(c, CODEC_ZSTD, packed.data, packed.len, 2000, &back, &e), &e);
        assert_memory_equal(back.data, raw, 2000);
        buf_free(&packed);
        buf_free(&back);
        codec_free(c);
    }
    free(raw);
}

static void
a_bomb_stops_at_the_recorded_size(void **state)
{
    static const char *const bombs[] = {"zstd:19", "gzip:9"};
    size_t                   size = 64 * MIB;
    uint8_t                 *zeros = calloc(1, size);

    (void)state;
    for (int s = 0; s < 2; s++) {
        struct codec *c = codec_for(bombs[s]);
        struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
        struct buf    back = BUF_INIT(1000);
        struct err    e = ERR_INIT;

        assert_ok(codec_compress(c, zeros, size, &packed, &e), &e);
        assert_int_equal(
            codec_decompress(c, kind_of(bombs[s]), packed.data, packed.len, 1000, &back, &e), -1);
        assert_err(&e, ERR_CORRUPT, "more than the 1000 bytes");
        assert_true(back.cap <= 1001);
        /* A record that lies about the size meets the buffer's ceiling. */
        assert_int_equal(
            codec_decompress(c, kind_of(bombs[s]), packed.data, packed.len, size, &back, &e), -1);
        assert_err(&e, ERR_IO, "larger than");
        buf_free(&packed);
        buf_free(&back);
        codec_free(c);
    }
    free(zeros);
}

static void
a_huge_zstd_window_is_refused(void **state)
{
    ZSTD_CCtx     *zc = ZSTD_createCCtx();
    struct codec  *c = codec_for("zstd");
    struct buf     back = BUF_INIT(BUF_NO_LIMIT);
    struct err     e = ERR_INIT;
    uint8_t       *raw = sample(1000);
    uint8_t        packed[2000];
    ZSTD_inBuffer  in = {raw, 1000, 0};
    ZSTD_outBuffer out = {packed, sizeof packed, 0};

    (void)state;
    /* Streaming without a known size writes the window that was asked for. */
    (void)ZSTD_CCtx_setParameter(zc, ZSTD_c_windowLog, 25);
    assert_true(ZSTD_compressStream2(zc, &out, &in, ZSTD_e_flush) == 0);
    assert_true(ZSTD_compressStream2(zc, &out, &in, ZSTD_e_end) == 0);
    assert_int_equal(codec_decompress(c, CODEC_ZSTD, packed, out.pos, 1000, &back, &e), -1);
    assert_err(&e, ERR_CORRUPT, "window");
    ZSTD_freeCCtx(zc);
    codec_free(c);
    buf_free(&back);
    free(raw);
}

static void
any_kind_is_read_whatever_the_codec_was_made_for(void **state)
{
    struct codec *gz = codec_for("gzip");
    struct codec *zst = codec_for("zstd");
    struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
    struct buf    back = BUF_INIT(100);
    struct err    e = ERR_INIT;

    (void)state;
    assert_ok(codec_compress(gz, "abc", 3, &packed, &e), &e);
    assert_ok(codec_decompress(zst, CODEC_GZIP, packed.data, packed.len, 3, &back, &e), &e);
    assert_int_equal(codec_decompress(zst, CODEC_ZSTD, packed.data, packed.len, 3, &back, &e), -1);
    assert_ok(codec_compress(zst, "abc", 3, &packed, &e), &e);
    assert_ok(codec_decompress(gz, CODEC_ZSTD, packed.data, packed.len, 3, &back, &e), &e);
    assert_string_equal(buf_str(&back), "abc");
    codec_free(gz);
    codec_free(zst);
    buf_free(&packed);
    buf_free(&back);
}

static void
the_names_of_codecs(void **state)
{
    static const char *const bad[] = {"",        "lz4",     "zstd:",   "zstd:0",
                                      "zstd:23", "zstd:3x", "gzip:10", "gzip:-1",
                                      "none:1",  "zstd3",   "zstd: 3", "ZSTD"};
    struct codec_spec        s;
    enum codec_kind          k;
    struct err               e = ERR_INIT;

    (void)state;
    assert_ok(codec_parse("gzip", &s, &e), &e);
    assert_int_equal(s.level, 6);
    assert_ok(codec_parse("zstd:7", &s, &e), &e);
    assert_int_equal(s.level, 7);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(codec_parse(bad[i], &s, &e), -1);
        assert_err(&e, ERR_USAGE, bad[i]);
        assert_non_null(strstr(e.hint, "gzip:1"));
    }
    assert_int_equal(codec_of_ext("gz", &k), 0);
    assert_int_equal(k, CODEC_GZIP);
    assert_string_equal(codec_ext(CODEC_NONE), "raw");
    assert_int_equal(codec_of_ext("exe", &k), -1);
}

/* The last test: a signal is remembered for good. */
static void
a_signal_ends_slow_compression(void **state)
{
    uint8_t      *raw = sample(RAW);
    struct codec *c = codec_for("zstd:19");
    struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
    struct err    e = ERR_INIT;

    (void)state;
    cancel_install();
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(codec_compress(c, raw, RAW, &packed, &e), -1);
    assert_err(&e, ERR_INTERRUPTED, "interrupted by SIGTERM");
    codec_free(c);
    buf_free(&packed);
    free(raw);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_back_what_it_took),
        cmocka_unit_test(the_same_bytes_give_the_same_object),
        cmocka_unit_test(a_stream_cut_short_at_any_byte_is_corrupt),
        cmocka_unit_test(a_wrong_length_either_way_is_corrupt),
        cmocka_unit_test(one_flipped_bit_is_noticed),
        cmocka_unit_test(a_bare_zstd_frame_has_no_checksum),
        cmocka_unit_test(a_bomb_stops_at_the_recorded_size),
        cmocka_unit_test(a_huge_zstd_window_is_refused),
        cmocka_unit_test(any_kind_is_read_whatever_the_codec_was_made_for),
        cmocka_unit_test(the_names_of_codecs),
        cmocka_unit_test(a_signal_ends_slow_compression),
    };

    return cmocka_run_group_tests_name("core/codec", tests, NULL, NULL);
}
