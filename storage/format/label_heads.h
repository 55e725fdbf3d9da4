/*
 * label_heads.h - the fields of a label that name other labels and its signer
 * (see storage/repo/chain.h).
 */
#ifndef STORAGE_FORMAT_LABEL_HEADS_H
#define STORAGE_FORMAT_LABEL_HEADS_H

#include "core/json.h"
#include "storage/format/label.h"

enum { CHAIN_HEADS_MAX = 256 };
/* JSON numbers are exact up to this. */
#define CHAIN_SEQUENCE_MAX (((int64_t)1 << 53) - 1)

void chain_json(const struct label *, json_t *);
/* Labels of older programs have none of them.  ERR_CORRUPT names the key. */
int  chain_read(const json_t *, struct label *, struct err *);
void chain_copy_heads(const struct label *, struct label *copy);
/* "signer" and "sequence" of a label or tombstone: both or neither. */
int chain_read_sequence(const json_t *, char signer[17], uint64_t *sequence, struct err *);
/* The key that the object's second line names; trust_check() verifies the signature. */
void chain_signed_by(struct label *, const void *object, size_t);

#endif
