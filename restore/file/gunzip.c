#include "restore/file/gunzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/mem.h"

enum { OUT_BYTES = 256 << 10, WINDOW_GZIP_ONLY = 15 + 16 };

struct gunzip {
    input_fn      *read;
    void          *ctx;
    const uint8_t *in; /* not used yet */
    size_t         n_in;
    z_stream       z;
    bool           begun, gzip, open, member, in_ended; /* member: within one */
    uint8_t       *out;
};

struct gunzip *
gunzip_new(input_fn *read, void *ctx)
{
    struct gunzip *g = xcalloc(1, sizeof *g);

    g->read = read;
    g->ctx = ctx;
    return g;
}

void
gunzip_free(struct gunzip *g)
{
    if (g != NULL) {
        if (g->open) {
            (void)inflateEnd(&g->z);
        }
        free(g->out);
        free(g);
    }
}

bool
gunzip_is(const struct gunzip *g)
{
    return g->gzip;
}

/* More input, unless there is some.  -1, or 0, also at the end (in_ended). */
static int
more(struct gunzip *g, struct err *e)
{
    const void *data = NULL;
    int         rc = 1;

    while (rc == 1 && g->n_in == 0 && !g->in_ended) {
        rc = g->read(g->ctx, &data, &g->n_in, e);
        g->in = data;
        g->in_ended = rc == 0;
    }
    return rc < 0 ? -1 : 0;
}

static int
begin(struct gunzip *g, struct err *e)
{
    g->begun = true;
    if (more(g, e) != 0) {
        return -1;
    }
    g->gzip = g->n_in >= 2 && g->in[0] == 0x1f && g->in[1] == 0x8b;
    if (g->gzip) {
        if (inflateInit2(&g->z, WINDOW_GZIP_ONLY) != Z_OK) {
            return err_set(e, ERR_IO, "gzip: out of memory");
        }
        g->open = g->member = true;
        g->out = xmalloc(OUT_BYTES);
    }
    return 0;
}

/* Between two members: the next one, or zeros that fill a tape's block, or the end. */
static int
next_member(struct gunzip *g, struct err *e)
{
    while (more(g, e) == 0 && g->n_in > 0 && *g->in == 0) {
        g->in++;
        g->n_in--;
    }
    if (e->kind != ERR_NONE) {
        return -1;
    }
    if (g->n_in > 0) {
        if (inflateReset2(&g->z, WINDOW_GZIP_ONLY) != Z_OK) {
            return err_set(e, ERR_IO, "gzip: out of memory");
        }
        g->member = true;
    }
    return 0;
}

static int
damaged(const struct gunzip *g, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "gzip: %s",
                   g->z.msg != NULL ? g->z.msg : "the compressed data is damaged");
}

/* Some output; *n 0: the end. */
static int
inflate_some(struct gunzip *g, size_t *n, struct err *e)
{
    *n = 0;
    while (*n == 0) {
        int rc;

        if (!g->member && (next_member(g, e) != 0 || !g->member)) {
            return e->kind == ERR_NONE ? 0 : -1;
        }
        if (more(g, e) != 0) {
            return -1;
        }
        if (g->n_in == 0) {
            return err_set(e, ERR_CORRUPT, "gzip: it is truncated");
        }
        g->z.next_in = (Bytef *)(uintptr_t)g->in;
        g->z.avail_in = g->n_in > UINT32_MAX ? UINT32_MAX : (uInt)g->n_in;
        g->z.next_out = g->out;
        g->z.avail_out = OUT_BYTES;
        rc = inflate(&g->z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            return damaged(g, e);
        }
        g->n_in -= (size_t)(g->z.next_in - g->in);
        g->in = g->z.next_in;
        g->member = rc != Z_STREAM_END;
        *n = OUT_BYTES - g->z.avail_out;
    }
    return 0;
}

int
gunzip_read(struct gunzip *g, const void **data, size_t *n, struct err *e)
{
    if (!g->begun && begin(g, e) != 0) {
        return -1;
    }
    if (!g->gzip) {
        if (more(g, e) != 0) {
            return -1;
        }
        *data = g->in;
        *n = g->n_in;
        g->n_in = 0;
        return *n > 0;
    }
    *data = g->out;
    return inflate_some(g, n, e) != 0 ? -1 : *n > 0;
}
