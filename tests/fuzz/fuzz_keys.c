/* Key objects, as a line and as boxes, and key files: what is accepted is whole, what is not is
 * said. */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/keyfile.h"
#include "core/enc.h"
#include "core/log.h"
#include "storage/keys/epoch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The reader's of tests/vectors/seal.json. */
static struct secret_key reader;

static void
fixed_reader(void)
{
    static const char hex[] = "f3616707b748ccd59cda8dcdf7d37cd24145471309d204cd0650c50da6d8e0ef";
    static char       name[] = "reader";

    if (reader.read.data == NULL) {
        secret_new(&reader.read, READ_SECRET);
        if (hex_decode(hex, sizeof hex - 1, reader.read.data, reader.read.n) != 0) {
            abort();
        }
        seal_public(&reader.read, reader.pub.read);
        reader.pub.name = name;
        log_init("fuzz", LOG_ERROR);
    }
}

static void
must_say(const struct err *e)
{
    if (e->kind == ERR_NONE || e->text[0] == '\0') {
        abort();
    }
}

/* A box that opens gives an epoch whose halves belong together. */
static void
open_box(const struct epoch_keys *o, const struct epoch_recipient *r)
{
    struct epoch ep = {.number = o->epoch, .sealed = true};
    struct err   e = ERR_INIT;
    uint8_t public[SEAL_PUBLIC];

    memcpy(ep.public, o->public, sizeof ep.public);
    if (epoch_recipient_open(r, &reader, &ep, &e) != 0) {
        must_say(&e);
        if (ep.secret.data != NULL || ep.naming.data != NULL) {
            abort();
        }
    } else if (ep.naming.n != NAMING_KEYS ||
               (ep.secret.data != NULL) != (r->role == EPOCH_READER)) {
        abort();
    } else if (ep.secret.data != NULL) {
        seal_public(&ep.secret, public);
        if (memcmp(public, ep.public, sizeof public) != 0) {
            abort();
        }
    }
    epoch_deinit(&ep);
}

static void
read_object(const uint8_t *data, size_t n)
{
    struct epoch_keys o;
    struct err        e = ERR_INIT;

    if (epoch_keys_parse(data, n, &o, &e) != 0) {
        must_say(&e);
        if (e.kind != ERR_CORRUPT || o.count != 0) {
            abort();
        }
        return;
    }
    for (size_t i = 0; i < o.count; i++) {
        if (strlen(o.v[i].id) != KEY_ID_HEX || o.v[i].box.len == 0 || o.v[i].name == NULL) {
            abort();
        }
        open_box(&o, &o.v[i]);
    }
    epoch_keys_free(&o);
}

/* The input is a box. */
static void
read_box(const uint8_t *data, size_t n)
{
    struct epoch_keys      o = {.epoch = 1};
    struct epoch_recipient r = {.role = n > 0 && data[0] % 2 == 0 ? EPOCH_READER : EPOCH_WRITER,
                                .box = BUF_INIT(BUF_NO_LIMIT)};
    struct err             e = ERR_INIT;

    if (n > 1 && buf_append(&r.box, data + 1, n - 1, &e) != 0) {
        abort();
    }
    if (r.box.len > 0) {
        open_box(&o, &r);
    }
    buf_free(&r.box);
}

static void
read_files(const uint8_t *data, size_t n)
{
    const struct passphrase_source nowhere = {.fd = 1023}; /* which is not open: nobody is asked */
    struct public_key public = {0};
    struct secret_key secret = {0};
    struct err        e = ERR_INIT;

    if (public_key_parse(data, n, "input", &public, &e) != 0) {
        must_say(&e);
    }
    err_clear(&e);
    if (secret_key_parse(data, n, "input", &nowhere, &secret, &e) != 0) {
        must_say(&e);
    } else if (strcmp(secret.pub.id, public.id) != 0 || secret.read.n != READ_SECRET) {
        abort();
    }
    public_key_free(&public);
    secret_key_free(&secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fixed_reader();
    read_object(data, n);
    read_box(data, n);
    read_files(data, n);
    return 0;
}
