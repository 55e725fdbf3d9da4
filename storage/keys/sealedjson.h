/*
 * sealedjson.h - the part of a plain object that only the readers of its epoch can read.
 *
 * JSON, sealed (core/crypto/seal.h) for a type and a backup, in hex digits: the key "hidden" of
 * labels, drill and ledger records.
 */
#ifndef STORAGE_KEYS_SEALEDJSON_H
#define STORAGE_KEYS_SEALEDJSON_H

#include "core/json.h"
#include "storage/keys/keyring.h"

/* The hex digits; allocated. */
char *sealedjson_seal(const struct epoch *, const char *type, const char *backup, const json_t *,
                      struct err *);
/* The same as keys of an object: "hidden" and "epoch", and that it needs encryption. */
int sealedjson_hide(const struct epoch *, const char *type, const char *backup, const json_t *inner,
                    json_t *object, struct err *);
/* ep must be open (keyring_read()). */
json_t *sealedjson_open(const struct epoch *ep, const char *type, const char *backup,
                        const char *hex, struct err *);

#endif
