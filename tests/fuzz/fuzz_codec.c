/* The first byte chooses the codec, the next two the recorded size: never more comes out. */
#include <stdlib.h>

#include "core/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err    e = ERR_INIT;
    struct buf    out = BUF_INIT(65536);
    struct codec *c = codec_new(CODEC_DEFAULT);
    size_t        raw_size;

    if (n >= 3) {
        raw_size = (size_t)data[1] << 8 | data[2];
        if (codec_decompress(c, (enum codec_kind)(data[0] % 3), data + 3, n - 3, raw_size, &out,
                             &e) == 0) {
            if (out.len != raw_size) {
                abort();
            }
        } else if (e.kind == ERR_NONE || out.len != 0) {
            abort();
        }
    }
    codec_free(c);
    buf_free(&out);
    return 0;
}
