/* keys: who can read what is encrypted, and who can write it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/texttable.h"
#include "core/enc.h"
#include "core/exit.h"
#include "core/json.h"
#include "storage/commands/cmd.h"
#include "storage/format/object.h"
#include "storage/repo/readers.h"

/* What a verb did, for people: one line, on a terminal only. */
static void say(const struct cmd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(const struct cmd *c, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet || c->json || !isatty(STDOUT_FILENO)) {
        return;
    }
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)printf("\n");
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
        char *name = utf8_printable(o->v[i].name);

        texttable_add(t, number);
        texttable_add(t, o->v[i].role == EPOCH_READER ? "reads" : "writes");
        texttable_add(t, o->v[i].id);
        texttable_add(t, name);
        free(name);
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
    for (size_t i = 1; i < c->n_args; i++) {
        struct public_key k;
        unsigned          done;
        int               rc = public_key_load(c->args[i], &k, e);

        if (rc == 0) {
            rc = readers_add(r, c->writer ? EPOCH_WRITER : EPOCH_READER, &k, &done, e);
        }
        if (rc == 0) {
            char *name = utf8_printable(k.name);

            say(c, "key %s (%s) can %s now, in %u epoch%s", k.id, name,
                c->writer ? "write" : "read", done, done == 1 ? "" : "s");
            free(name);
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

    if (key_id(c->args[1], id, e) != 0 || readers_remove(r, id, false, &done, e) != 0) {
        return -1;
    }
    say(c,
        "key %s is out, in %u epoch%s; what it could read before it may have kept: see \"keys "
        "revoke\"",
        id, done, done == 1 ? "" : "s");
    return EXIT_GOOD;
}

/* A new epoch first: from then on nothing is within his reach, whatever happens to the rest. */
static int
keys_revoke(const struct cmd *c, struct repo *r, struct err *e)
{
    char     id[KEY_ID_HEX + 1];
    unsigned done;

    if (key_id(c->args[1], id, e) != 0 || readers_next_epoch(r, id, e) != 0 ||
        readers_remove(r, id, true, &done, e) != 0) {
        return -1;
    }
    say(c,
        "key %s is revoked: backups from now on are in epoch %u, which it cannot read; what it "
        "could read before it may have kept",
        id, r->epoch + 1);
    return EXIT_GOOD;
}

static int
keys_new_epoch(const struct cmd *c, struct repo *r, struct err *e)
{
    if (readers_next_epoch(r, NULL, e) != 0) {
        return -1;
    }
    say(c, "epoch %u begins: the next backup stores everything anew", r->epoch + 1);
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

    if (storage_location_find(c->config, c->args[1], NULL, &(struct strlist){0}, &place, e) == 0 &&
        (from = repo_open(&place, e)) != NULL && readers_import(r, from, &done, e) == 0) {
        say(c, "%u epoch%s taken over", done, done == 1 ? "" : "s");
        rc = EXIT_GOOD;
    }
    repo_close(from);
    return rc;
}

static const struct {
    const char *name;
    int (*run)(const struct cmd *, struct repo *, struct err *);
    size_t      min_args, max_args;
    const char *what; /* is missing */
} verbs[] = {
    {"list", keys_list, 0, 0, ""},
    {"add", keys_add, 1, 16, "whose public key?"},
    {"remove", keys_remove, 1, 1, "which key?"},
    {"revoke", keys_revoke, 1, 1, "which key?"},
    {"new-epoch", keys_new_epoch, 0, 0, ""},
    {"trust", keys_trust, 0, 0, ""},
    {"import", keys_import, 1, 1, "from which repository?"},
};

/* For machines: what came of it. */
static int
now(const struct cmd *c, struct err *e)
{
    struct repo *r = cmd_open(c, NULL, e);
    int          rc = r == NULL ? -1 : keys_list(c, r, e);

    repo_close(r);
    return rc;
}

int
cmd_keys(const struct cmd *c, struct err *e)
{
    const char  *name = c->n_args == 0 ? "list" : c->args[0];
    size_t       n = c->n_args == 0 ? 0 : c->n_args - 1;
    struct repo *r;
    int          rc;

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) != 0) {
            continue;
        }
        if (n < verbs[i].min_args || n > verbs[i].max_args) {
            return err_set(e, ERR_USAGE, "keys %s: %s", name,
                           n < verbs[i].min_args ? verbs[i].what : "too many arguments");
        }
        r = cmd_open(c, NULL, e);
        rc = r == NULL ? -1 : verbs[i].run(c, r, e);
        repo_close(r);
        return rc == EXIT_GOOD && c->json && i > 0 ? now(c, e) : rc;
    }
    err_set(e, ERR_USAGE, "keys: \"%s\" is nothing that can be done", name);
    return err_hint(e, "list, add, remove, revoke, new-epoch, trust or import");
}
