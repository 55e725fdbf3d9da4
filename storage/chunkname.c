#include "storage/chunkname.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/mem.h"

enum { ID_HEX = 2 * SHA256_BYTES, RUN_HEX = 2 * RUN_BYTES };

void
chunk_name_format(const struct chunk_name *c, char *out)
{
    char id[ID_HEX + 1];
    char sha[ID_HEX + 1];
    char run[RUN_HEX + 1];

    hex_encode(c->id, sizeof c->id, id);
    hex_encode(c->sha256, sizeof c->sha256, sha);
    hex_encode(c->run, sizeof c->run, run);
    (void)snprintf(out, CHUNK_NAME_MAX, "%u/%.2s/%s-%s-%s.%s", c->epoch, id, id, sha, run,
                   codec_ext((enum codec_kind)c->codec));
}

/* The epoch and the slash behind it; NULL when it is none. */
static const char *
parse_epoch(const char *text, uint32_t *epoch)
{
    uint32_t value = 0;
    size_t   n = strspn(text, "0123456789");

    if (n == 0 || n > 7 || text[0] == '0' || text[n] != '/') {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        value = 10 * value + (uint32_t)(text[i] - '0');
    }
    *epoch = value;
    return text + n + 1;
}

int
chunk_name_parse(const char *text, struct chunk_name *c)
{
    const char     *p;
    enum codec_kind kind;

    memset(c, 0, sizeof *c);
    p = parse_epoch(text, &c->epoch);
    /* aa/id-sha256-run.ext: the lengths are fixed, so are the places of the separators. */
    if (p == NULL || strlen(p) < 3 + ID_HEX + 1 + ID_HEX + 1 + RUN_HEX + 2 || p[2] != '/' ||
        strncmp(p, p + 3, 2) != 0) {
        return -1;
    }
    p += 3;
    if (p[ID_HEX] != '-' || p[2 * ID_HEX + 1] != '-' || p[2 * ID_HEX + 2 + RUN_HEX] != '.' ||
        hex_decode(p, ID_HEX, c->id, sizeof c->id) != 0 ||
        hex_decode(p + ID_HEX + 1, ID_HEX, c->sha256, sizeof c->sha256) != 0 ||
        hex_decode(p + 2 * ID_HEX + 2, RUN_HEX, c->run, sizeof c->run) != 0 ||
        codec_of_ext(p + 2 * ID_HEX + 3 + RUN_HEX, &kind) != 0) {
        return -1;
    }
    c->codec = (uint8_t)kind;
    return 0;
}

bool
chunk_name_equal(const struct chunk_name *a, const struct chunk_name *b)
{
    return a->epoch == b->epoch && a->codec == b->codec && memcmp(a->id, b->id, sizeof a->id) == 0 &&
           memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0 && memcmp(a->run, b->run, sizeof a->run) == 0;
}

char *
chunk_key(const char *db, const char *name)
{
    char *enc = name_encode(db);
    char *key = xasprintf("%s/chunks/%s", enc, name);

    free(enc);
    return key;
}
