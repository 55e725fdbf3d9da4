/*
 * secret.h - memory for keys and passphrases.
 *
 * Locked where the system allows it (one warning where it does not), between guard pages, wiped
 * when it is freed (libsodium's sodium_malloc()).  The first secret of a process also ends core
 * dumps and ptrace() by others of the same user.  A child of fork() finds zeros, and must not free
 * its parent's secrets.
 */
#ifndef CORE_CRYPTO_SECRET_H
#define CORE_CRYPTO_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct secret {
    uint8_t *data; /* NULL: none */
    size_t   n;    /* bytes */
};

#define SECRET_INIT                                                                                \
    {                                                                                              \
        0                                                                                          \
    }

/* n bytes, all zero; what *s held before is freed.  Ends the program when there is no memory. */
void secret_new(struct secret *s, size_t n);
void secret_set(struct secret *s, const void *, size_t n);
void secret_free(struct secret *s); /* accepts SECRET_INIT and what was freed */

#endif
