/*
 * keydrill.h - whether each reader's secret key still opens the newest backup of each database.
 *
 * One identity at a time, as if it were the only one: the epoch's keys, the manifest (whose digest
 * the label has), and chunks of it, each checked down to its id.  An escrowed key that opens
 * nothing is found now and not on the day it is needed.
 */
#ifndef VERIFY_STORED_KEYDRILL_H
#define VERIFY_STORED_KEYDRILL_H

#include "verify/job/options.h"
#include "verify/job/result.h"

/* An object that a key does not open is a finding; -1 when it could not be tried (no identity, a
 * wrong passphrase, no repository). */
int verify_key_drill(const struct options *, struct verify_result *, struct err *);

#endif
