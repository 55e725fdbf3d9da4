/*
 * keyfile.h - a person's or a host's keys: one X25519 pair to read with, one Ed25519 pair to sign
 * with.
 *
 * Files of one line of JSON (docs/repository-format.md, "Key files").  A public file holds no
 * secret.  A secret file (mode 0600, refused when others may read it) holds both halves of both,
 * unprotected or protected by a passphrase (Argon2id, 256 MiB, 3 passes; XChaCha20-Poly1305).
 * Either kind is refused when somebody else owns it (core/host/ownership.h).
 */
#ifndef CORE_CRYPTO_KEYFILE_H
#define CORE_CRYPTO_KEYFILE_H

#include "core/crypto/passphrase.h"
#include "core/crypto/sign.h"

enum { KEY_ID_HEX = 16, KEYFILE_MAX = 1 << 16, READ_PUBLIC = 32, READ_SECRET = 32 };

struct public_key {
    char    id[KEY_ID_HEX + 1]; /* first 8 bytes of SHA-256("pgassay key v1\0" ‖ read ‖ sign) */
    char   *name;               /* for users: "ops", "escrow"; not part of the id */
    uint8_t read[READ_PUBLIC];
    uint8_t sign[SIGN_PUBLIC];
};

struct secret_key {
    struct public_key pub;
    struct secret     read; /* READ_SECRET */
    struct secret     sign; /* SIGN_SECRET */
};

void public_key_free(struct public_key *); /* accepts a zeroed one */
void secret_key_free(struct secret_key *);

void secret_key_make(struct secret_key *, const char *name);

/* New files: ERR_EXISTS when there is one.  passphrase NULL: none. */
int public_key_write(const struct public_key *, const char *path, struct err *);
int secret_key_write(const struct secret_key *, const struct secret *passphrase, const char *path,
                     struct err *);

/* From either kind of file: only the public half is read. */
int public_key_load(const char *path, struct public_key *, struct err *);
/* Asks for a passphrase only when the file needs one. */
int secret_key_load(const char *path, const struct passphrase_source *, struct secret_key *,
                    struct err *);

/* The same from text; path is for errors. */
int public_key_parse(const void *, size_t, const char *path, struct public_key *, struct err *);
int secret_key_parse(const void *, size_t, const char *path, const struct passphrase_source *,
                     struct secret_key *, struct err *);

#endif
