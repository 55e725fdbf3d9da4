/*
 * keygen.c - keygen PATH: a key pair, secret in PATH, public in PATH.pub.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/keyfile.h"
#include "core/exit.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"

struct keygen_options {
    struct cmd  cmd;
    const char *name;
    bool        passphrase;
};

/* *out stays empty when none was requested. */
static int
read_passphrase(const struct cmd *c, const char *name, struct secret *out, struct err *e)
{
    struct passphrase_source source = {
        .fd = -1, .file = c->passphrase_file, .command = c->passphrase_command};
    char *what;
    int   rc;

    if (!CMD_OPTIONS(c, keygen_options)->passphrase && c->passphrase_fd == NULL &&
        source.file == NULL && source.command == NULL) {
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
        print_out("key %s (%s): secret in %s, public in %s\n", k->pub.id, k->pub.name, path, pub);
    }
    return EXIT_GOOD;
}

static int
run(const struct cmd *c, struct err *e)
{
    const char       *given = CMD_OPTIONS(c, keygen_options)->name;
    const char       *path = c->args[0];
    const char       *slash = strrchr(path, '/');
    const char       *name = given != NULL ? given : slash != NULL ? slash + 1 : path;
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
        (void)unlink(path); /* half a pair would be noticed only when needed */
        goto out;
    }
    rc = print_key(c, &k, path, pub, e);
out:
    secret_key_free(&k);
    secret_free(&passphrase);
    free(pub);
    return rc;
}

static const struct opt options[] = {
    {OPT_TEXT, "key-name", 0, "NAME", "the name of the key (default: its file's name)",
     offsetof(struct keygen_options, name), 0, 0, NULL, NULL},
    {OPT_FLAG, "passphrase", 0, NULL,
     "lock the secret key with a passphrase, asked for at the terminal",
     offsetof(struct keygen_options, passphrase), 0, 0, NULL, NULL},
    OPTS_COMMON_PASSPHRASE(struct cmd),
    OPTS_END,
};

const struct cmd_verb cmd_keygen = {
    .cli = {.name = "keygen",
            .args = "FILE",
            .summary = "make a key pair: the secret half in FILE, the public one in FILE.pub",
            .tables = CMD_TABLES(options, cmd_general_options)},
    .size = sizeof(struct keygen_options),
    .run = run,
};
