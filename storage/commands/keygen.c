/*
 * keygen.c - keygen PATH: a key pair, secret in PATH, public in PATH.pub.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/keyfile.h"
#include "core/exit.h"
#include "core/json.h"
#include "storage/commands/cmd.h"

/* *out stays empty when none was asked for. */
static int
read_passphrase(const struct cmd *c, const char *name, struct secret *out, struct err *e)
{
    struct passphrase_source source = {
        .fd = -1, .file = c->passphrase_file, .command = c->passphrase_command};
    char *what;
    int   rc;

    if (!c->passphrase && c->passphrase_fd == NULL && source.file == NULL &&
        source.command == NULL) {
        return 0;
    }
    if (c->passphrase_fd != NULL && passphrase_fd_parse(c->passphrase_fd, &source.fd, e) != 0) {
        return -1;
    }
    what = xasprintf("passphrase of the new key \"%s\"", name);
    rc = passphrase_get(&source, what, true, out, e);
    free(what);
    return rc;
}

static int
print_key(const struct cmd *c, const struct secret_key *k, const char *path, const char *pub,
          struct err *e)
{
    if (c->json) {
        return json_print(json_pack("{s:s,s:s,s:s,s:s}", "id", k->pub.id, "name", k->pub.name,
                                    "secret_file", path, "public_file", pub),
                          e);
    }
    if (!c->quiet && isatty(STDOUT_FILENO)) {
        (void)printf("key %s (%s): secret in %s, public in %s\n", k->pub.id, k->pub.name, path,
                     pub);
    }
    return EXIT_GOOD;
}

int
cmd_keygen(const struct cmd *c, struct err *e)
{
    const char       *path = c->args[0];
    const char       *slash = strrchr(path, '/');
    const char       *name = c->name != NULL ? c->name : slash != NULL ? slash + 1 : path;
    char             *pub = xasprintf("%s.pub", path);
    struct secret     passphrase = SECRET_INIT;
    struct secret_key k = {0};
    int               rc = -1;

    if (read_passphrase(c, name, &passphrase, e) != 0) {
        goto out;
    }
    secret_key_make(&k, name);
    if (secret_key_write(&k, passphrase.data != NULL ? &passphrase : NULL, path, e) != 0) {
        goto out;
    }
    if (public_key_write(&k.pub, pub, e) != 0) {
        (void)unlink(path); /* half a pair would only be found when it is needed */
        goto out;
    }
    rc = print_key(c, &k, path, pub, e);
out:
    secret_key_free(&k);
    secret_free(&passphrase);
    free(pub);
    return rc;
}
