/*
 * passphrase.h - where a passphrase comes from: a file, a descriptor, a command, or the terminal;
 * never the command line.
 */
#ifndef CORE_CRYPTO_PASSPHRASE_H
#define CORE_CRYPTO_PASSPHRASE_H

#include <stdbool.h>

#include "core/crypto/secret.h"
#include "core/err.h"

enum { PASSPHRASE_MAX = 1024 };

/* The first that is set counts, then $PGASSAY_PASSPHRASE_FILE and $PGASSAY_PASSPHRASE_COMMAND, and
 * last the terminal. */
struct passphrase_source {
    int            fd;      /* -1: none; read to its end */
    const char    *file;    /* its first line; refused when others may read it */
    const char    *command; /* for /bin/sh; the first line that it prints */
    struct secret *kept;    /* NULL, or gets a copy; a descriptor is read only once */
};

#define PASSPHRASE_ASK                                                                             \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* what: for the prompt and errors, "passphrase of key \"ops\"".  twice: it is typed again.
 * ERR_AUTH when there is no terminal; an empty one is ERR_USAGE. */
int passphrase_get(const struct passphrase_source *, const char *what, bool twice,
                   struct secret *out, struct err *);

/* The number of a descriptor, as given to --passphrase-fd. */
int passphrase_fd_parse(const char *text, int *fd, struct err *);

#endif
