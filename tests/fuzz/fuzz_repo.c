/* repo.1.json, source.json, and the lists of objects that must not be reused, from the input. */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/namelist.h"
#include "storage/repo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
ignore_name(void *ctx, const char *name, struct err *e)
{
    (void)e;
    *(size_t *)ctx += strlen(name);
    return 0;
}

static struct repo *
good_repo(void)
{
    static const char line[] =
        "{\"format\":1,\"needs\":[],\"type\":\"repo\",\"repo_id\":\"00112233445566778899aabbccddeeff\",\"epoch\":1,"
        "\"id_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"fingerprint_key\":\"000102030405060708090a0b0c0d0e0f\"}\n";
    struct storage *st = storage_memory_new();
    struct err      e = ERR_INIT;

    if (storage_put(st, "repo.1.json", line, sizeof line - 1, &e) != 0) {
        abort();
    }
    return repo_open_storage(st, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err      e = ERR_INIT;
    struct storage *st = storage_memory_new();
    struct source   s;
    struct repo    *r;
    size_t          length = 0;
    unsigned        unreadable = 0;

    log_init("fuzz", LOG_QUIET);
    if (storage_put(st, "repo.1.json", data, n, &e) != 0) {
        abort();
    }
    repo_close(repo_open_storage(st, &e));
    r = good_repo();
    if (r == NULL || storage_put(r->st, "shop/source.json", data, n, &e) != 0 ||
        storage_put(r->st, "shop/trash/20261121T021500Z", data, n, &e) != 0) {
        abort();
    }
    if (source_load(r, "shop", &s, &e) == 0) {
        source_free(&s);
    }
    if (namelist_each(r, "shop", "trash", ignore_name, &length, &unreadable, &e) != 0) {
        abort();
    }
    repo_close(r);
    return 0;
}
