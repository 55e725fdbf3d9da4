/* Policies in repo.1.json, pins, acceptances and drill records of a backup, and a record of a
 * ledger (by the name that its bytes give it), from the input. */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/repo/annotations.h"
#include "storage/repo/ledger.h"
#include "storage/retention/policy.h"
#include "tests/support/drivers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define BACKUP "20261121T021500Z-4f2a"

static struct repo *
repo_with(const uint8_t *data, size_t n)
{
    static const char *const keys[] = {"shop/pins/" BACKUP ".00000000.json",
                                       "shop/accepted/" BACKUP ".json",
                                       "shop/drills/" BACKUP ".20261121T021500Z-00000000.json"};
    static const char        line[] =
        "{\"format\":1,\"needs\":[],\"type\":\"repo\",\"repo_id\":"
        "\"00112233445566778899aabbccddeeff\",\"epoch\":1,"
        "\"id_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"fingerprint_key\":\"000102030405060708090a0b0c0d0e0f\"}\n";
    struct storage *st = storage_memory_new();
    struct err      e = ERR_INIT;

    if (storage_put(st, "repo.1.json", line, sizeof line - 1, &e) != 0) {
        abort();
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (storage_put(st, keys[i], data, n, &e) != 0) {
            abort();
        }
    }
    return repo_open_storage(st, &e);
}

/* A policy that is understood comes back the same. */
static void
try_policy(const uint8_t *data, size_t n)
{
    struct err    e = ERR_INIT;
    json_t       *o = json_loadb((const char *)data, n, 0, NULL), *again;
    struct policy p, q;

    if (o != NULL && policy_parse(o, &p, &e) == 0) {
        again = policy_json(&p);
        if (policy_parse(again, &q, &e) != 0 || memcmp(&p, &q, sizeof p) != 0) {
            abort();
        }
        json_decref(again);
    }
    json_decref(o);
}

/* Whatever stands there, the others can be read. */
static void
try_ledger(struct repo *r, const uint8_t *data, size_t n)
{
    const uint8_t *end = n == 0 ? NULL : memchr(data, '\n', n);
    char           hex[SHA256_HEX + 1], key[160];
    time_t         last;
    struct err     e = ERR_INIT;

    sha256_hex(data, end == NULL ? n : (size_t)(end + 1 - data), hex);
    (void)snprintf(key, sizeof key, "shop/ledger/20261121T021500Z-000000-scrub-%s.json", hex);
    if (storage_put(r->st, key, data, n, &e) != 0 ||
        ledger_last(r, "shop", "scrub", &last, &e) != 0) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err          e = ERR_INIT;
    struct backup_entry b = {.id = BACKUP, .state = BACKUP_COMMITTED, .label = label_new()};
    struct backup_list  one = {.v = &b, .n = 1, .cap = 1};
    struct annotations  known;
    struct repo        *r;
    json_t             *o = json_object();
    char               *text;

    log_init("fuzz", LOG_ERROR);
    memcpy(b.label->id, BACKUP, sizeof BACKUP);
    r = repo_with(data, n);
    if (r == NULL || annotations_load(r, "shop", &one, &known, &e) != 0) {
        abort(); /* nothing that stands in such an object stops anybody */
    }
    if (known.v[0].pin == NULL) {
        abort(); /* a pin holds by its name */
    }
    annotation_json(&known.v[0], o);
    text = annotation_note(&known.v[0], NULL);
    free(text);
    json_decref(o);
    annotations_free(&known);
    try_ledger(r, data, n);
    repo_close(r);
    label_free(b.label);
    try_policy(data, n);
    return 0;
}
