/*
 * bundle_sums.h - SHA256SUMS, as sha256sum writes and checks it: "<64 hex digits>  <name>" a line.
 */
#ifndef STORAGE_EXCHANGE_BUNDLE_SUMS_H
#define STORAGE_EXCHANGE_BUNDLE_SUMS_H

#include <stddef.h>

#include "core/err.h"

/* The digest (SHA256_HEX digits, no NUL behind them) and the name of a line; -1 ends it. */
typedef int bundle_sum_fn(void *ctx, const char *sha256, const char *name, struct err *);

/* Lines in their order.  ERR_CORRUPT: one that is none: no digest, no name, a
 * name with a NUL. */
int bundle_sums_parse(const void *text, size_t n, bundle_sum_fn *, void *ctx, struct err *);

#endif
