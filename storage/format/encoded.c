#include "storage/format/encoded.h"

#include "core/codec.h"

int
encoded_make(const struct buf *text, const struct sealed_as *as, struct encoded *out, struct err *e)
{
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    packed = BUF_INIT(BUF_NO_LIMIT);
    int           rc = codec_compress(codec, text->data, text->len, &packed, e);

    codec_free(codec);
    *out = (struct encoded){.stored = BUF_INIT(BUF_NO_LIMIT), .raw_size = text->len};
    if (rc == 0 && as != NULL) {
        rc = seal(as, packed.data, packed.len, &out->stored, e);
    } else if (rc == 0) {
        out->stored = packed;
        packed = (struct buf)BUF_INIT(0);
    }
    buf_free(&packed);
    if (rc == 0) {
        sha256_hex(text->data, text->len, out->raw_sha256);
    }
    return rc;
}

void
encoded_free(struct encoded *x)
{
    buf_free(&x->stored);
}
