/*
 * manifest_encode.c - a manifest as stored, for one repository after another.
 *
 * The repositories of a backup differ only in the table of chunks: each has its own names and
 * stored sizes.  So one manifest serves all of them; the table is put in while it is written.
 */
#include <pthread.h>

#include "storage/format/manifest.h"

/* Threads that encode for several repositories share the manifest's sections, and older versions
 * of jansson mark values while they write them. */
static int
format_alone(const struct manifest *m, struct buf *text, struct err *e)
{
    static pthread_mutex_t formatting = PTHREAD_MUTEX_INITIALIZER;
    int                    rc;

    (void)pthread_mutex_lock(&formatting);
    rc = manifest_format(m, text, e);
    (void)pthread_mutex_unlock(&formatting);
    return rc;
}

/* What is stored must be readable: sums, places and names are checked once more by the code that
 * reads manifests. */
static int
check_readable(const struct buf *text, struct err *e)
{
    struct manifest *back = manifest_parse(text->data, text->len, e);

    manifest_free(back);
    return back == NULL ? err_wrap(e, "the manifest does not add up") : 0;
}

static int
encode(const void *what, const struct chunk_ref *refs, size_t n, const struct sealed_as *as,
       struct encoded *out, struct err *e)
{
    struct manifest own = *(const struct manifest *)what; /* borrows everything but the chunks */
    struct buf      text = BUF_INIT(MANIFEST_RAW_MAX);
    int             rc = -1;

    own.chunks = (struct chunk_ref *)(uintptr_t)refs; /* is read only */
    own.n_chunks = own.cap_chunks = n;
    *out = (struct encoded){.raw_size = 0};
    if (format_alone(&own, &text, e) == 0 && check_readable(&text, e) == 0) {
        rc = encoded_make(&text, as, out, e);
    }
    buf_free(&text);
    return rc;
}

struct draft
manifest_draft(struct manifest *m)
{
    manifest_order_chunks(m);
    return (struct draft){.chunks = m->numbers, .n = m->n_numbers, .encode = encode, .what = m};
}
