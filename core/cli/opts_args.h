/*
 * opts_args.h - the arguments of a command, from the words that --help shows for them:
 *
 *     "DB [BACKUP]"    one or two        "FILE..."    one or more        "FROM TO [DB]"
 *
 * The same words mean the same in every tool: the question in the error when one is missing, and
 * what a shell offers in its place.
 */
#ifndef CORE_CLI_OPTS_ARGS_H
#define CORE_CLI_OPTS_ARGS_H

#include <stddef.h>

#include "core/err.h"
#include "core/mem.h"

/* What a shell can offer. */
enum opts_offer {
    OFFER_NOTHING,
    OFFER_FILES,
    OFFER_DATABASES,    /* of the repository */
    OFFER_BACKUPS,      /* of the database named before it */
    OFFER_REPOSITORIES, /* the configuration's, and paths */
    OFFER_KEYS,         /* of a [repo NAME] */
    OFFERS
};

/* ERR_USAGE: too few or too many; the text begins with the command, if there is one. */
int opts_args_check(const char *args, const char *verb, const struct strlist *given, struct err *);

/* The name of the i-th argument, without brackets and dots, copied into out; the last one's again
 * when it may be given again; "" when there is none. */
void opts_args_name(const char *args, size_t i, char *out, size_t cap);
/* By the name of an argument, or of an option's value ("FILE", "PATH|NAME"); NULL: an option
 * without a value. */
enum opts_offer opts_args_offer(const char *name);
/* As a word: "files", "databases" ...; "nothing". */
const char *opts_offer_text(enum opts_offer);

#endif
