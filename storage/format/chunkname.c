#include "storage/format/chunkname.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/mem.h"

enum { ID_HEX = 2 * SHA256_BYTES, RUN_HEX = 2 * RUN_BYTES };

static const char sealed_ext[] = ".enc";

char *
chunk_name_format(const struct chunk_name *c, char *out)
{
    char id[ID_HEX + 1];
    char sha[ID_HEX + 1];
    char run[RUN_HEX + 1];

    hex_encode(c->id, sizeof c->id, id);
    hex_encode(c->sha256, sizeof c->sha256, sha);
    hex_encode(c->run, sizeof c->run, run);
    (void)snprintf(out, CHUNK_NAME_MAX, "%u/%.2s/%s-%s-%s.%s%s", c->epoch, id, id, sha, run,
                   codec_ext((enum codec_kind)c->codec), c->sealed ? sealed_ext : "");
    return out;
}

/* Parses the epoch and the slash after it; NULL: there is none. */
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

/* "zst" or "zst.enc". */
static int
parse_ext(const char *text, struct chunk_name *c)
{
    char            ext[8];
    size_t          n = strcspn(text, ".");
    enum codec_kind kind;

    c->sealed = text[n] != '\0';
    if (n >= sizeof ext || (c->sealed && strcmp(text + n, sealed_ext) != 0)) {
        return -1;
    }
    memcpy(ext, text, n);
    ext[n] = '\0';
    if (codec_of_ext(ext, &kind) != 0) {
        return -1;
    }
    c->codec = (uint8_t)kind;
    return 0;
}

int
chunk_name_parse(const char *text, struct chunk_name *c)
{
    const char *p;

    memset(c, 0, sizeof *c);
    p = parse_epoch(text, &c->epoch);
    /* aa/id-sha256-run.ext: the lengths are fixed, hence the positions of the separators. */
    if (p == NULL || strlen(p) < 3 + ID_HEX + 1 + ID_HEX + 1 + RUN_HEX + 2 || p[2] != '/' ||
        strncmp(p, p + 3, 2) != 0) {
        return -1;
    }
    p += 3;
    if (p[ID_HEX] != '-' || p[2 * ID_HEX + 1] != '-' || p[2 * ID_HEX + 2 + RUN_HEX] != '.' ||
        hex_decode(p, ID_HEX, c->id, sizeof c->id) != 0 ||
        hex_decode(p + ID_HEX + 1, ID_HEX, c->sha256, sizeof c->sha256) != 0 ||
        hex_decode(p + 2 * ID_HEX + 2, RUN_HEX, c->run, sizeof c->run) != 0 ||
        parse_ext(p + 2 * ID_HEX + 3 + RUN_HEX, c) != 0) {
        return -1;
    }
    return 0;
}

bool
chunk_name_equal(const struct chunk_name *a, const struct chunk_name *b)
{
    return a->epoch == b->epoch && a->codec == b->codec && a->sealed == b->sealed &&
        memcmp(a->id, b->id, sizeof a->id) == 0 &&
        memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0 &&
        memcmp(a->run, b->run, sizeof a->run) == 0;
}

/* "9/…" sorts after "10/…". */
static int
compare_epochs(uint32_t a, uint32_t b)
{
    char x[16];
    char y[16];

    (void)snprintf(x, sizeof x, "%u/", a);
    (void)snprintf(y, sizeof y, "%u/", b);
    return strcmp(x, y);
}

int
chunk_name_compare(const struct chunk_name *a, const struct chunk_name *b)
{
    int c = a->epoch == b->epoch ? 0 : compare_epochs(a->epoch, b->epoch);

    if (c == 0) {
        c = memcmp(a->id, b->id, sizeof a->id);
    }
    if (c == 0) {
        c = memcmp(a->sha256, b->sha256, sizeof a->sha256);
    }
    if (c == 0) {
        c = memcmp(a->run, b->run, sizeof a->run);
    }
    if (c == 0) {
        c = strcmp(codec_ext((enum codec_kind)a->codec), codec_ext((enum codec_kind)b->codec));
    }
    return c != 0 ? c : (int)a->sealed - (int)b->sealed;
}

struct sealed_as
chunk_sealed_as(const uint8_t *public, const uint8_t id[SHA256_BYTES], enum codec_kind codec,
                uint8_t *what)
{
    const char *ext = codec_ext(codec);
    size_t      n = SHA256_BYTES;

    memcpy(what, id, SHA256_BYTES);
    while (*ext != '\0') {
        what[n++] = (uint8_t)*ext++;
    }
    return (struct sealed_as){.type = "chunk", .public = public, .what = what, .what_n = n};
}

char *
chunk_key(const char *db, const struct chunk_name *name)
{
    char  text[CHUNK_NAME_MAX];
    char *enc = name_encode(db);
    char *key = xasprintf("%s/chunks/%s", enc, chunk_name_format(name, text));

    free(enc);
    return key;
}
