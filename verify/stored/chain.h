/*
 * chain.h - `chain`: whether each backup on record is still there, or was expired by an authorised
 * key.
 *
 * The records are the labels, by the heads that they name and their signers' sequences
 * (storage/repo/chain.h), and the backups that this host has seen (storage/repo/lastseen.h).  No
 * backup is read.
 */
#ifndef VERIFY_STORED_CHAIN_H
#define VERIFY_STORED_CHAIN_H

#include "verify/job/options.h"
#include "verify/job/result.h"

int verify_chain(const struct options *, struct verify_result *, struct err *);

#endif
