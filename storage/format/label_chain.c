#include "storage/format/label_chain.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/json.h"

void
chain_json(const struct label *l, json_t *o)
{
    json_t *heads = json_array();

    for (size_t i = 0; i < l->n_heads; i++) {
        (void)json_array_append_new(
            heads, json_pack("{s:s,s:s}", "backup", l->heads[i].id, "sha256", l->heads[i].sha256));
    }
    if (l->chained) {
        (void)json_object_set(o, "heads", heads);
    }
    json_decref(heads);
    if (l->sequence > 0) {
        (void)json_object_set_new(o, "signer", json_string(l->signer));
        (void)json_object_set_new(o, "sequence", json_integer((json_int_t)l->sequence));
    }
}

void
chain_copy_heads(const struct label *l, struct label *copy)
{
    copy->heads = xcalloc(l->n_heads + 1, sizeof *copy->heads);
    if (l->n_heads > 0) {
        memcpy(copy->heads, l->heads, l->n_heads * sizeof *copy->heads);
    }
}

/* Exactly so many hex digits. */
static int
read_digits(const json_t *o, const char *key, size_t digits, char *out, struct err *e)
{
    uint8_t     bytes[SHA256_BYTES];
    const char *text;

    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    if (hex_decode(text, strlen(text), bytes, digits / 2) != 0) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not %zu hex digits", key, digits);
    }
    memcpy(out, text, digits + 1);
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

static int
read_head(const json_t *o, struct label_head *h, struct err *e)
{
    const char *id;

    if (!json_is_object(o)) {
        return err_set(e, ERR_CORRUPT, "it is not an object");
    }
    if (json_get_str(o, "backup", &id, e) != 0 ||
        read_digits(o, "sha256", SHA256_HEX, h->sha256, e) != 0) {
        return -1;
    }
    if (!backup_id_valid(id)) {
        return err_set(e, ERR_CORRUPT, "key \"backup\" is not the id of a backup");
    }
    memcpy(h->id, id, strlen(id) + 1);
    return 0;
}

int
chain_read(const json_t *o, struct label *l, struct err *e)
{
    json_t *list;
    size_t  n;

    if (chain_read_sequence(o, l->signer, &l->sequence, e) != 0) {
        return -1;
    }
    if (json_object_get(o, "heads") == NULL) {
        return 0;
    }
    if (json_get_array(o, "heads", &list, e) != 0) {
        return -1;
    }
    n = json_array_size(list);
    if (n > CHAIN_HEADS_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"heads\" has more than %d elements", CHAIN_HEADS_MAX);
    }
    l->chained = true;
    l->heads = xcalloc(n + 1, sizeof *l->heads);
    for (; l->n_heads < n; l->n_heads++) {
        if (read_head(json_array_get(list, l->n_heads), &l->heads[l->n_heads], e) != 0) {
            return err_wrap(e, "key \"heads\", element %zu", l->n_heads);
        }
    }
    return 0;
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
