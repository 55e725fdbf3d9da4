/*
 * chain.h - `chain`: is each backup that anybody says was there still there, or expired by who may?
 *
 * Who says so: the labels, by the heads that they name and their signers' sequences
 * (storage/repo/chain.h), and what this host has seen (storage/repo/lastseen.h).  No backup is
 * read.
 */
#ifndef VERIFY_CHAIN_H
#define VERIFY_CHAIN_H

#include "verify/options.h"
#include "verify/result.h"

int verify_chain(const struct options *, struct verify_result *, struct err *);

#endif
