#include "storage/format/label_heads.h"

#include <string.h>

#include "core/enc.h"
#include "core/json.h"
#include "storage/format/fields.h"

static const struct field head_rows[] = {
    FIELD(FIELD_ID, "backup", struct label_head, id),
    FIELD(FIELD_DIGITS, "sha256", struct label_head, sha256),
};
static const struct fields head = FIELDS(struct label_head, head_rows);

static const struct field  heads_row[] = {FIELD_LIST_OF("heads", struct label, heads, head)};
static const struct fields heads = FIELDS(struct label, heads_row);

void
chain_json(const struct label *l, json_t *o)
{
    struct err ignored = ERR_INIT; /* a head always has everything */

    if (l->chained) {
        (void)fields_write(&heads, l, o, &ignored);
    }
    if (l->sequence > 0) {
        (void)json_object_set_new(o, "signer", json_string(l->signer));
        (void)json_object_set_new(o, "sequence", json_integer((json_int_t)l->sequence));
    }
}

void
chain_copy_heads(const struct label *l, struct label *copy)
{
    fields_copy(&heads, l, copy);
}

/* Exactly so many hex digits. */
static int
read_digits(const json_t *o, const char *key, size_t digits, char *out, struct err *e)
{
    uint8_t bytes[SHA256_BYTES];

    if (json_get_hex(o, key, bytes, digits / 2, e) != 0) {
        return -1;
    }
    hex_encode(bytes, digits / 2, out);
    return 0;
}

int
chain_read_sequence(const json_t *o, char signer[17], uint64_t *sequence, struct err *e)
{
    int64_t n;

    if (json_object_get(o, "signer") == NULL && json_object_get(o, "sequence") == NULL) {
        return 0;
    }
    if (read_digits(o, "signer", 16, signer, e) != 0 || json_get_int(o, "sequence", &n, e) != 0) {
        return -1;
    }
    if (n < 1 || n > CHAIN_SEQUENCE_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"sequence\" is not a number from 1");
    }
    *sequence = (uint64_t)n;
    return 0;
}

int
chain_read(const json_t *o, struct label *l, struct err *e)
{
    const json_t *list = json_object_get(o, "heads");

    if (chain_read_sequence(o, l->signer, &l->sequence, e) != 0) {
        return -1;
    }
    if (list == NULL) {
        return 0;
    }
    if (json_array_size(list) > CHAIN_HEADS_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"heads\" has more than %d elements", CHAIN_HEADS_MAX);
    }
    l->chained = true;
    return fields_read(&heads, o, l, e);
}

void
chain_signed_by(struct label *l, const void *object, size_t n)
{
    const uint8_t *end = memchr(object, '\n', n);
    size_t         rest = end == NULL ? 0 : n - (size_t)(end + 1 - (const uint8_t *)object);
    struct err     ignored = ERR_INIT;
    json_t        *second = rest < 2 ? NULL : json_read(end + 1, rest - 1, &ignored);

    if (second != NULL && read_digits(second, "key", 16, l->signed_by, &ignored) != 0) {
        l->signed_by[0] = '\0';
    }
    json_decref(second);
}
