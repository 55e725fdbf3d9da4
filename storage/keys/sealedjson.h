/*
 * sealedjson.h - what a plain object of an encrypted repository says to the readers of its epoch
 * alone.
 *
 * JSON, sealed (core/crypto/seal.h) as of some type and about some backup, in hex digits: the key
 * "hidden" of labels and drill records.
 */
#ifndef STORAGE_KEYS_SEALEDJSON_H
#define STORAGE_KEYS_SEALEDJSON_H

#include <jansson.h>

#include "storage/keys/keyring.h"

/* The hex digits; allocated. */
char *sealedjson_seal(const struct epoch *, const char *type, const char *backup, const json_t *,
                      struct err *);
/* ep was opened (keyring_read()). */
json_t *sealedjson_open(const struct epoch *ep, const char *type, const char *backup,
                        const char *hex, struct err *);

#endif
