#include "storage/repo/repo_keys.h"

#include <stddef.h>

#include "core/config/config.h"
#include "storage/contract/location.h"
#include "storage/drivers/open.h"
#include "storage/keys/keyring.h"
#include "storage/keys/trust.h"

enum { TABLES_MAX = 16 };

const struct config_keys *
repo_config_keys(void)
{
    static const struct config_key *repo[TABLES_MAX + 1] = {location_keys, trust_keys,
                                                            keyring_keys};
    static const struct config_keys keys = {config_common_keys, config_database_keys, repo,
                                            config_other_kinds};
    const struct config_key        *k;

    for (size_t i = 0; (k = storage_driver_keys(i)) != NULL && 3 + i < TABLES_MAX; i++) {
        repo[3 + i] = k;
    }
    return &keys;
}
