/* keys.c - keys: who can read and who can write encrypted backups. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/texttable.h"
#include "core/enc.h"
#include "core/exit.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"
#include "storage/format/object.h"
#include "storage/repo/readers.h"

struct keys_options {
    struct cmd     cmd;
    bool           writer;     /* add */
    struct strlist encrypt_to; /* new-epoch */
};

/* The result of a verb: one line, on a terminal only. */
static void say(const struct cmd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(const struct cmd *c, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet || c->json || !isatty(STDOUT_FILENO)) {
        return;
    }
    va_start(ap, fmt);
    print_vto(stdout, fmt, ap);
    va_end(ap);
    print_out("\n");
}

/* ---- list ---- */

static json_t *
recipients_json(const struct epoch_keys *o, enum epoch_role role)
{
    json_t *list = json_array();

    for (size_t i = 0; i < o->count; i++) {
        if (o->v[i].role == role) {
            json_t *one = json_object();

            (void)json_object_set_new(one, "id", json_string(o->v[i].id));
            object_set_text(one, "name", o->v[i].name);
            (void)json_array_append_new(list, one);
        }
    }
    return list;
}

static json_t *
epoch_json(const struct repo *r, const struct epoch *ep, const struct epoch_keys *o)
{
    json_t *j = json_object();

    (void)json_object_set_new(j, "epoch", json_integer(ep->number));
    (void)json_object_set_new(j, "current", json_boolean(ep->number == r->epoch));
    (void)json_object_set_new(j, "encrypted", json_boolean(ep->sealed));
    if (ep->sealed) {
        json_set_hex(j, "public", ep->public, sizeof ep->public);
        (void)json_object_set_new(j, "readers", recipients_json(o, EPOCH_READER));
        (void)json_object_set_new(j, "writers", recipients_json(o, EPOCH_WRITER));
    }
    return j;
}

static void
add_rows(struct texttable *t, const struct repo *r, const struct epoch *ep,
         const struct epoch_keys *o)
{
    char number[32];

    (void)snprintf(number, sizeof number, "%u%s", ep->number,
                   ep->number == r->epoch ? " (current)" : "");
    if (!ep->sealed) {
        texttable_add(t, number);
        texttable_add(t, "not encrypted: everybody");
        texttable_add(t, "");
        texttable_add(t, "");
    }
    for (size_t i = 0; i < o->count; i++) {
        texttable_add(t, number);
        texttable_add(t, o->v[i].role == EPOCH_READER ? "reads" : "writes");
        texttable_add(t, o->v[i].id);
        texttable_add(t, o->v[i].name);
    }
}

static int
keys_list(const struct cmd *c, struct repo *r, struct err *e)
{
    struct texttable t = {.heads = "epoch|may|key|name"};
    json_t          *list = json_array();
    int              rc = EXIT_GOOD;

    for (unsigned number = 1; rc == EXIT_GOOD && number <= r->epoch; number++) {
        const struct epoch *ep = keyring_epoch(r->keys, number, e);
        struct epoch_keys   o = {0};

        if (ep == NULL || (ep->sealed && epoch_keys_load(repo_signed(r), ep, &o, e) != 0)) {
            rc = -1;
        } else {
            (void)json_array_append_new(list, epoch_json(r, ep, &o));
            add_rows(&t, r, ep, &o);
        }
        epoch_keys_free(&o);
    }
    if (rc == EXIT_GOOD && c->json) {
        rc = json_print(json_pack("{s:s, s:s, s:O}", "repository", r->st->location, "repo_id",
                                  r->id, "epochs", list),
                        e);
    } else if (rc == EXIT_GOOD) {
        texttable_print(&t, stdout);
    }
    json_decref(list);
    texttable_free(&t);
    return rc;
}

/* ---- the others ---- */

static int
keys_add(const struct cmd *c, struct repo *r, struct err *e)
{
    for (size_t i = 0; i < c->n_args; i++) {
        struct public_key k;
        unsigned          done;
        int               rc = public_key_load(c->args[i], &k, e);

        if (rc == 0) {
            rc = readers_add(r, CMD_OPTIONS(c, keys_options)->writer ? EPOCH_WRITER : EPOCH_READER,
                             &k, &done, e);
        }
        if (rc == 0) {
            say(c, "key %s (%s) can %s now, in %u epoch%s", k.id, k.name,
                CMD_OPTIONS(c, keys_options)->writer ? "write" : "read", done,
                done == 1 ? "" : "s");
        }
        public_key_free(&k);
        if (rc != 0) {
            return -1;
        }
    }
    return EXIT_GOOD;
}

/* KEY: an id, or the file of a key. */
static int
key_id(const char *text, char id[KEY_ID_HEX + 1], struct err *e)
{
    uint8_t           bytes[KEY_ID_HEX / 2];
    struct public_key k;

    if (hex_decode(text, strlen(text), bytes, sizeof bytes) == 0) {
        (void)snprintf(id, KEY_ID_HEX + 1, "%s", text);
        return 0;
    }
    if (public_key_load(text, &k, e) != 0) {
        return err_hint(e, "give the id of a key, as \"keys list\" shows it, or its file");
    }
    memcpy(id, k.id, KEY_ID_HEX + 1);
    public_key_free(&k);
    return 0;
}

static int
keys_remove(const struct cmd *c, struct repo *r, struct err *e)
{
    char     id[KEY_ID_HEX + 1];
    unsigned done;

    if (key_id(c->args[0], id, e) != 0 || readers_remove(r, id, false, &done, e) != 0) {
        return -1;
    }
    say(c,
        "key %s is removed, in %u epoch%s; its holder may have kept what it could read: see \"keys "
        "revoke\"",
        id, done, done == 1 ? "" : "s");
    return EXIT_GOOD;
}

/* A new epoch first: then the revoked key can read nothing new, even if the rest fails. */
static int
keys_revoke(const struct cmd *c, struct repo *r, struct err *e)
{
    char     id[KEY_ID_HEX + 1];
    unsigned done;

    if (key_id(c->args[0], id, e) != 0 || readers_next_epoch(r, id, e) != 0 ||
        readers_remove(r, id, true, &done, e) != 0) {
        return -1;
    }
    say(c,
        "key %s is revoked: backups from now on are in epoch %u, which it cannot read; its holder "
        "may "
        "have kept what it could read before",
        id, r->epoch + 1);
    return EXIT_GOOD;
}

static int
keys_new_epoch(const struct cmd *c, struct repo *r, struct err *e)
{
    if (readers_next_epoch(r, NULL, e) != 0) {
        return -1;
    }
    say(c, "epoch %u begins: the next backup stores everything again", r->epoch + 1);
    return EXIT_GOOD;
}

static int
keys_trust(const struct cmd *c, struct repo *r, struct err *e)
{
    if (!keyring_epoch(r->keys, r->epoch, e)->sealed) {
        return err_set(e, ERR_USAGE, "repository \"%s\" is not encrypted", r->st->location);
    }
    if (keyring_trust(r->keys, r->epoch, e) != 0) {
        return -1;
    }
    say(c, "this host may write in epoch %u", r->epoch);
    return EXIT_GOOD;
}

static int
keys_import(const struct cmd *c, struct repo *r, struct err *e)
{
    struct storage_location place;
    struct repo            *from = NULL;
    unsigned                done;
    int                     rc = -1;

    if (storage_location_find(c->config, c->args[0], NULL, NULL, &place, e) == 0 &&
        (from = repo_open(&place, e)) != NULL && readers_import(r, from, &done, e) == 0) {
        say(c, "%u epoch%s taken over", done, done == 1 ? "" : "s");
        rc = EXIT_GOOD;
    }
    repo_close(from);
    return rc;
}

typedef int keys_fn(const struct cmd *, struct repo *, struct err *);

/* Acts on the repository given, then prints the result as JSON. */
static int
with_repo(const struct cmd *c, const struct strlist *encrypt_to, keys_fn *fn, struct err *e)
{
    struct storage_given    given = c->given;
    struct storage_location place;
    struct repo            *r = NULL;
    int                     rc = -1;

    given.encrypt_to = encrypt_to;
    if (storage_location_find(c->config, c->repo, NULL, &given, &place, e) == 0 &&
        (r = repo_open(&place, e)) != NULL) {
        rc = fn(c, r, e);
    }
    repo_close(r);
    return rc == EXIT_GOOD && c->json && fn != keys_list ? with_repo(c, encrypt_to, keys_list, e)
                                                         : rc;
}

static int
run_list(const struct cmd *c, struct err *e)
{
    return with_repo(c, NULL, keys_list, e);
}

static int
run_add(const struct cmd *c, struct err *e)
{
    return with_repo(c, NULL, keys_add, e);
}

static int
run_remove(const struct cmd *c, struct err *e)
{
    return with_repo(c, NULL, keys_remove, e);
}

static int
run_revoke(const struct cmd *c, struct err *e)
{
    return with_repo(c, NULL, keys_revoke, e);
}

static int
run_new_epoch(const struct cmd *c, struct err *e)
{
    return with_repo(c, &CMD_OPTIONS(c, keys_options)->encrypt_to, keys_new_epoch, e);
}

static int
run_trust(const struct cmd *c, struct err *e)
{
    return with_repo(c, NULL, keys_trust, e);
}

static int
run_import(const struct cmd *c, struct err *e)
{
    return with_repo(c, NULL, keys_import, e);
}

static const struct opt add_options[] = {
    {OPT_FLAG, "writer", 0, NULL, "a host that takes backups and cannot read them",
     offsetof(struct keys_options, writer), 0, 0, NULL, NULL},
    OPTS_END,
};

static const struct opt new_epoch_options[] = {
    {OPT_LIST, "encrypt-to", 0, "FILE", "encrypt to this public key; repeat for more readers",
     offsetof(struct keys_options, encrypt_to), 0, 0, NULL, NULL},
    OPTS_END,
};

#define VERB(name_, args_, summary_, run_, ...)                                                    \
    {                                                                                              \
        .cli = {.name = name_,                                                                     \
                .args = args_,                                                                     \
                .summary = summary_,                                                               \
                .tables = CMD_TABLES(__VA_ARGS__, cmd_general_options)},                           \
        .size = sizeof(struct keys_options), .run = run_                                           \
    }

const struct cmd_verb cmd_keys = VERB("keys", "",
                                      "who can read and who can write encrypted backups", run_list,
                                      cmd_repo_options, cmd_as_of_options);
const struct cmd_verb cmd_keys_list = VERB("keys list", "",
                                           "the same as keys alone: who reads and who writes, "
                                           "epoch by epoch",
                                           run_list, cmd_repo_options, cmd_as_of_options);
const struct cmd_verb cmd_keys_add = VERB("keys add", "FILE...",
                                          "let the holders of these public keys read", run_add,
                                          add_options, cmd_repo_options, cmd_key_options);
const struct cmd_verb cmd_keys_remove = VERB("keys remove", "KEY",
                                             "stop using a key; what it could read it can read",
                                             run_remove, cmd_repo_options);
const struct cmd_verb cmd_keys_revoke = VERB(
    "keys revoke", "KEY", "begin a new epoch that a key cannot read", run_revoke, cmd_repo_options);
const struct cmd_verb cmd_keys_new_epoch = VERB("keys new-epoch", "",
                                                "begin a new epoch, with new keys; or turn "
                                                "encryption on",
                                                run_new_epoch, new_epoch_options, cmd_repo_options);
const struct cmd_verb cmd_keys_trust = VERB("keys trust", "",
                                            "let this host write in the current epoch", run_trust,
                                            cmd_repo_options, cmd_key_options);
const struct cmd_verb cmd_keys_import = VERB("keys import", "FROM",
                                             "take over the epochs of another repository",
                                             run_import, cmd_repo_options);
