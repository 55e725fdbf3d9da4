/* repo.1.json, source.json, an epoch's keys, and the lists of objects that must not be reused,
 * from the input. */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/repo/blocklist.h"
#include "storage/repo/repo.h"
#include "storage/repo/source.h"
#include "tests/support/drivers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
ignore_name(void *ctx, const char *name, struct err *e)
{
    (void)e;
    *(size_t *)ctx += strlen(name);
    return 0;
}

static struct repo *
repo_of(const char *line)
{
    struct storage *st = storage_memory_new();
    struct err      e = ERR_INIT;
    struct repo    *r;

    if (storage_put(st, "repo.1.json", line, strlen(line), &e) != 0 ||
        (r = repo_open_storage(st, &e)) == NULL) {
        abort();
    }
    return r;
}

static struct repo *
good_repo(void)
{
    return repo_of(
        "{\"format\":1,\"needs\":[],\"type\":\"repo\",\"repo_id\":"
        "\"00112233445566778899aabbccddeeff\",\"epoch\":1,"
        "\"id_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"fingerprint_key\":\"000102030405060708090a0b0c0d0e0f\"}\n");
}

/* To the epoch of tests/vectors/seal.json. */
static struct repo *
encrypted_repo(void)
{
    return repo_of(
        "{\"format\":1,\"needs\":[\"encryption\"],\"type\":\"repo\",\"repo_id\":"
        "\"00112233445566778899aabbccddeeff\","
        "\"epoch\":1,\"epochs\":[{\"epoch\":1,"
        "\"public\":\"f8383f4e1d58630ca93d78526378d357d6cc9f26544e210c617cac77a6d0c00a\"}]}\n");
}

/* Every epoch that an accepted repository names is plain and has its keys, or is encrypted and
 * has not. */
static void
check_epochs(struct repo *r)
{
    struct err e = ERR_INIT;

    for (unsigned i = 1; i <= r->epoch; i++) {
        const struct epoch *ep = keyring_epoch(r->keys, i, &e);

        if (ep == NULL || ep->number != i || ep->sealed != (ep->naming.data == NULL) ||
            keyring_reads(r->keys, i) == ep->sealed) {
            abort();
        }
    }
    if (keyring_epoch(r->keys, r->epoch + 1, &e) != NULL || e.kind != ERR_CORRUPT) {
        abort();
    }
}

/* Without an identity nothing is read, and what is wrong is said. */
static void
read_keys(const uint8_t *data, size_t n)
{
    struct repo *r = encrypted_repo();
    struct err   e = ERR_INIT;

    if (storage_put(r->st, "keys.1.1.json", data, n, &e) != 0 ||
        keyring_read(r->keys, 1, &e) != NULL || (e.kind != ERR_AUTH && e.kind != ERR_NOT_FOUND) ||
        e.text[0] == '\0') {
        abort();
    }
    repo_close(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err         e = ERR_INIT;
    struct storage    *st = storage_memory_new();
    struct repo_source s;
    struct repo       *r;
    size_t             length = 0;
    unsigned           unreadable = 0;

    log_init("fuzz", LOG_ERROR);
    if (storage_put(st, "repo.1.json", data, n, &e) != 0) {
        abort();
    }
    r = repo_open_storage(st, &e);
    if (r != NULL) {
        check_epochs(r);
    }
    repo_close(r);
    read_keys(data, n);
    r = good_repo();
    if (storage_put(r->st, "shop/source.json", data, n, &e) != 0 ||
        storage_put(r->st, "shop/trash/20261121T021500Z", data, n, &e) != 0) {
        abort();
    }
    if (source_load(r, "shop", &s, &e) == 0) {
        source_free(&s);
    }
    if (blocklist_each(r, "shop", "trash", ignore_name, &length, &unreadable, &e) != 0) {
        abort();
    }
    repo_close(r);
    return 0;
}
