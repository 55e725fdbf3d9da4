#include "core/codec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/cancel.h"
#include "core/mem.h"

enum {
    STEP = 256 * 1024,   /* of slow compression: a second or so on a busy machine */
    SLOW_LEVEL = 10,     /* zstd: from this level on a chunk takes seconds to minutes */
    WINDOW_LOG_MAX = 24, /* docs/repository-format.md: readers need no more memory than this */
    GZIP_WINDOW_BITS = 15 + 16,
    GZIP_EXTRA = 32, /* header and trailer that deflateBound() does not count */
};

static const struct {
    const char *name, *ext;
    int         dflt, max;
} kinds[] = {
    [CODEC_NONE] = {"none", "raw", 0, 0},
    [CODEC_ZSTD] = {"zstd", "zst", 2, 22},
    [CODEC_GZIP] = {"gzip", "gz", 6, 9},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct codec {
    struct codec_spec spec;
    ZSTD_CCtx        *zc; /* each made at its first use */
    ZSTD_DCtx        *zd;
    z_stream          deflate, inflate;
    bool              has_deflate, has_inflate;
};

int
codec_parse(const char *text, struct codec_spec *out, struct err *e)
{
    for (int k = 0; k < KINDS; k++) {
        size_t n = strlen(kinds[k].name);
        char  *end;
        long   level;

        if (strncmp(text, kinds[k].name, n) != 0 || (text[n] != '\0' && text[n] != ':')) {
            continue;
        }
        *out = (struct codec_spec){.kind = (enum codec_kind)k, .level = kinds[k].dflt};
        if (text[n] == '\0') {
            return 0;
        }
        level = strtol(text + n + 1, &end, 10);
        if (text[n + 1] >= '0' && text[n + 1] <= '9' && *end == '\0' && level >= 1 &&
            level <= kinds[k].max) {
            out->level = (int)level;
            return 0;
        }
    }
    err_set(e, ERR_USAGE, "\"%s\" is not a compression", text);
    return err_hint(e, "zstd:1 to zstd:22, gzip:1 to gzip:9, or none");
}

const char *
codec_ext(enum codec_kind k)
{
    return kinds[k].ext;
}

int
codec_of_ext(const char *ext, enum codec_kind *out)
{
    for (int k = 0; k < KINDS; k++) {
        if (strcmp(ext, kinds[k].ext) == 0) {
            *out = (enum codec_kind)k;
            return 0;
        }
    }
    return -1;
}

struct codec *
codec_new(struct codec_spec spec)
{
    struct codec *c = xcalloc(1, sizeof *c);

    c->spec = spec;
    return c;
}

void
codec_free(struct codec *c)
{
    if (c == NULL) {
        return;
    }
    ZSTD_freeCCtx(c->zc);
    ZSTD_freeDCtx(c->zd);
    if (c->has_deflate) {
        (void)deflateEnd(&c->deflate);
    }
    if (c->has_inflate) {
        (void)inflateEnd(&c->inflate);
    }
    free(c);
}

size_t
codec_bound(enum codec_kind k, size_t n)
{
    switch (k) {
    case CODEC_ZSTD:
        return ZSTD_compressBound(n);
    case CODEC_GZIP:
        return deflateBound(NULL, n) + GZIP_EXTRA;
    default:
        return n;
    }
}

/* The same frame in steps, so that a signal need not wait for a whole chunk. */
static int
zstd_compress_slowly(struct codec *c, const void *in, size_t n, struct buf *out, struct err *e)
{
    ZSTD_inBuffer  from = {.src = in};
    ZSTD_outBuffer to = {.dst = out->data, .size = out->cap};
    size_t         left;

    (void)ZSTD_CCtx_reset(c->zc, ZSTD_reset_session_only); /* left over from an interrupted one */
    (void)ZSTD_CCtx_setPledgedSrcSize(c->zc, n);
    for (;;) {
        bool last = n - from.pos <= STEP;

        if (cancel_check(e) != 0) {
            return -1;
        }
        from.size = last ? n : from.pos + STEP;
        left = ZSTD_compressStream2(c->zc, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return err_set(e, ERR_IO, "zstd: %s", ZSTD_getErrorName(left));
        }
        if (to.pos == to.size && (!last || left > 0)) {
            return err_set(e, ERR_IO, "zstd: more than its own bound");
        }
        if (last && left == 0) {
            out->len = to.pos;
            return 0;
        }
    }
}

/*
 * The default level is zstd's own level 2 for chunks, whatever the version of the library makes of
 * it.  Measured on binary COPY of two event logs, 16 MiB at a time, on a machine as busy as one
 * that serves a database: level 1 gives 0.423 and 0.359 at 435 and 424 MB/s; this 0.402 and 0.341
 * at 332 and 347; with a hash table twice as large, which does not fit into a core's cache beside
 * the server's own work, 0.399 and 0.337 at 267 and 274; level 3 0.395 and 0.332 at 233 and 230.
 */
static void
tune_default(ZSTD_CCtx *zc)
{
    (void)ZSTD_CCtx_setParameter(zc, ZSTD_c_windowLog, 21);
    (void)ZSTD_CCtx_setParameter(zc, ZSTD_c_hashLog, 16);
}

static int
zstd_compress(struct codec *c, const void *in, size_t n, struct buf *out, struct err *e)
{
    size_t got;

    if (c->zc == NULL) {
        c->zc = ZSTD_createCCtx();
        if (c->zc == NULL) {
            return err_set(e, ERR_IO, "zstd: out of memory");
        }
        (void)ZSTD_CCtx_setParameter(c->zc, ZSTD_c_compressionLevel, c->spec.level);
        (void)ZSTD_CCtx_setParameter(c->zc, ZSTD_c_checksumFlag, !c->spec.bare);
        if (c->spec.level == 2) {
            tune_default(c->zc);
        } else if (c->spec.level >= 20) { /* these levels would use windows of up to 2^27 */
            (void)ZSTD_CCtx_setParameter(c->zc, ZSTD_c_windowLog, WINDOW_LOG_MAX);
        }
    }
    if (c->spec.level >= SLOW_LEVEL) {
        return zstd_compress_slowly(c, in, n, out, e);
    }
    got = ZSTD_compress2(c->zc, out->data, out->cap, in, n);
    if (ZSTD_isError(got)) {
        return err_set(e, ERR_IO, "zstd: %s", ZSTD_getErrorName(got));
    }
    out->len = got;
    return 0;
}

static int
gzip_compress(struct codec *c, const void *in, size_t n, struct buf *out, struct err *e)
{
    z_stream *z = &c->deflate;
    int       rc;

    if (c->has_deflate) {
        rc = deflateReset(z);
    } else {
        rc = deflateInit2(z, c->spec.level, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY);
        c->has_deflate = rc == Z_OK;
    }
    if (rc != Z_OK || n > UINT_MAX || out->cap > UINT_MAX) {
        return err_set(e, ERR_IO, "gzip: %s",
                       rc == Z_OK ? "more than 4 GB in one piece" : "out of memory");
    }
    z->next_in = in;
    z->avail_in = (uInt)n;
    z->next_out = out->data;
    z->avail_out = (uInt)out->cap;
    rc = deflate(z, Z_FINISH);
    if (rc != Z_STREAM_END) {
        return err_set(e, ERR_IO, "gzip: compression failed (%d)", rc);
    }
    out->len = z->total_out;
    return 0;
}

int
codec_compress(struct codec *c, const void *in, size_t n, struct buf *out, struct err *e)
{
    buf_clear(out);
    if (buf_reserve(out, codec_bound(c->spec.kind, n), e) != 0) {
        return -1;
    }
    switch (c->spec.kind) {
    case CODEC_ZSTD:
        return zstd_compress(c, in, n, out, e);
    case CODEC_GZIP:
        return gzip_compress(c, in, n, out, e);
    default:
        return buf_append(out, in, n, e);
    }
}

/* The window a zstd frame asks for (RFC 8878, 3.1.1.1); 0: not a frame. */
static uint64_t
zstd_window(const uint8_t *in, size_t n)
{
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    uint64_t             base;

    if (n < 6 || memcmp(in, magic, sizeof magic) != 0) {
        return 0;
    }
    if (in[4] & 0x20) { /* single segment: the window is the content */
        unsigned long long size = ZSTD_getFrameContentSize(in, n);

        return size >= ZSTD_CONTENTSIZE_ERROR ? 0 : size;
    }
    base = (uint64_t)1 << (10 + (in[5] >> 3));
    return base + base / 8 * (in[5] & 7);
}

static int
zstd_decompress(struct codec *c, const void *in, size_t n, size_t raw_size, struct buf *out,
                struct err *e)
{
    size_t got;

    if (c->zd == NULL && (c->zd = ZSTD_createDCtx()) == NULL) {
        return err_set(e, ERR_IO, "zstd: out of memory");
    }
    if (zstd_window(in, n) > (uint64_t)1 << WINDOW_LOG_MAX) {
        return err_set(e, ERR_CORRUPT, "zstd: a window beyond 2^%d", WINDOW_LOG_MAX);
    }
    got = ZSTD_decompressDCtx(c->zd, out->data, raw_size, in, n);
    if (ZSTD_isError(got)) {
        if (ZSTD_getErrorCode(got) == ZSTD_error_dstSize_tooSmall) {
            return err_set(e, ERR_CORRUPT, "zstd: holds more than the %zu bytes recorded",
                           raw_size);
        }
        return err_set(e, ERR_CORRUPT, "zstd: %s", ZSTD_getErrorName(got));
    }
    out->len = got;
    return 0;
}

static int
gzip_decompress(struct codec *c, const void *in, size_t n, size_t raw_size, struct buf *out,
                struct err *e)
{
    z_stream *z = &c->inflate;
    int       rc;

    if (c->has_inflate) {
        rc = inflateReset(z);
    } else {
        rc = inflateInit2(z, GZIP_WINDOW_BITS);
        c->has_inflate = rc == Z_OK;
    }
    if (rc != Z_OK || n > UINT_MAX || raw_size > UINT_MAX) {
        return err_set(e, ERR_IO, "gzip: %s",
                       rc == Z_OK ? "more than 4 GB in one piece" : "out of memory");
    }
    z->next_in = in;
    z->avail_in = (uInt)n;
    z->next_out = out->data;
    z->avail_out = (uInt)raw_size;
    rc = inflate(z, Z_FINISH);
    if (rc == Z_STREAM_END && z->avail_in == 0) {
        out->len = raw_size - z->avail_out;
        return 0;
    }
    if (rc == Z_STREAM_END) {
        return err_set(e, ERR_CORRUPT, "gzip: %u bytes after the end", z->avail_in);
    }
    if (rc == Z_DATA_ERROR) {
        return err_set(e, ERR_CORRUPT, "gzip: %s", z->msg == NULL ? "damaged" : z->msg);
    }
    if (z->avail_out == 0 && z->avail_in > 0) {
        return err_set(e, ERR_CORRUPT, "gzip: holds more than the %zu bytes recorded", raw_size);
    }
    return err_set(e, ERR_CORRUPT, "gzip: cut short");
}

int
codec_decompress(struct codec *c, enum codec_kind k, const void *in, size_t n, size_t raw_size,
                 struct buf *out, struct err *e)
{
    int rc;

    buf_clear(out);
    if (buf_reserve(out, k == CODEC_NONE ? n : raw_size, e) != 0) {
        return -1;
    }
    switch (k) {
    case CODEC_ZSTD:
        rc = zstd_decompress(c, in, n, raw_size, out, e);
        break;
    case CODEC_GZIP:
        rc = gzip_decompress(c, in, n, raw_size, out, e);
        break;
    default:
        rc = buf_append(out, in, n, e);
    }
    if (rc == 0 && out->len != raw_size) {
        rc = err_set(e, ERR_CORRUPT, "%s: %zu bytes instead of the %zu recorded", kinds[k].name,
                     out->len, raw_size);
    }
    if (rc != 0) {
        buf_clear(out);
    }
    return rc;
}

uint64_t
codec_raw_size(const void *in, size_t n)
{
    unsigned long long size = ZSTD_getFrameContentSize(in, n);

    return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
}
