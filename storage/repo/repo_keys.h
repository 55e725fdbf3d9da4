/*
 * repo_keys.h - every key that the configuration may have, for config_load(): those of [repo NAME]
 * are declared where they are read, in the drivers and in storage/keys.
 */
#ifndef STORAGE_REPO_REPO_KEYS_H
#define STORAGE_REPO_REPO_KEYS_H

#include "core/config_key.h"

const struct config_keys *repo_config_keys(void);

#endif
