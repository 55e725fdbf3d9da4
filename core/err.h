/*
 * err.h - how errors travel.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and fills the
 * caller's struct err.  Where the fault is found sets kind and text; each level
 * up may prepend one clause with err_wrap(); main() prints it once and turns the
 * kind into the exit status.  What verification *finds* is data, not an error.
 *
 * Text is lower case, without a full stop, names the object, and never holds a
 * secret.  hint says what the operator can do, or is empty.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_USAGE,       /* wrong option, configuration or combination: exit 2 */
    ERR_IO,          /* file system, network, subprocess */
    ERR_NOT_FOUND,   /* the named object does not exist */
    ERR_EXISTS,      /* write-once object or target that already exists */
    ERR_CORRUPT,     /* what was read is not what was written, or breaks its format */
    ERR_AUTH,        /* not allowed */
    ERR_PG,          /* an error from PostgreSQL */
    ERR_BUSY,        /* locked, or another run is at work */
    ERR_INTERRUPTED, /* SIGINT or SIGTERM: exit 130 or 143 */
};

struct err {
    enum err_kind kind;
    bool          transient; /* worth another try */
    bool newer;       /* of ERR_CORRUPT: not known to be damaged: a newer program wrote it, or it is
                         untrusted */
    bool untrusted;   /* ... not signed by a key that this host trusts (storage/keys/trust.h) */
    char sqlstate[6]; /* of ERR_PG, or empty */
    char text[1024];  /* outermost context first */
    char hint[512];
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        .kind = ERR_NONE                                                                           \
    }

/* Both always return -1, so that "return err_set(e, ...)" reads well. */
int err_set(struct err *, enum err_kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_wrap(struct err *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_set() with ": strerror(errno)" appended.  ENOENT becomes ERR_NOT_FOUND, EEXIST
 * ERR_EXISTS, EACCES and EPERM ERR_AUTH, everything else ERR_IO. */
int err_errno(struct err *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What to do next; replaces an earlier hint.  Returns -1. */
int err_hint(struct err *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *);

#endif
