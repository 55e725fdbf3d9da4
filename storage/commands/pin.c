#include <string.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"
#include "storage/read/backup_find.h"
#include "storage/repo/pins.h"
#include "storage/retention/forget.h"

struct pin_options {
    struct cmd  cmd;
    const char *text; /* pin: the note; accept: the reason */
};

static void
say(const struct cmd *c, const char *what, const char *backup)
{
    if (c->verbose || (isatty(STDOUT_FILENO) && !c->quiet)) {
        print_out("backup %s %s\n", backup, what);
    }
}

static int
needs_text(const char *text, const char *option, const char *why, struct err *e)
{
    if (text != NULL && *text != '\0') {
        return 0;
    }
    return err_set(e, ERR_USAGE, "--%s is missing: %s", option, why);
}

static int
done(const struct cmd *c, struct repo *r, const char *verb, const char *backup, struct err *e)
{
    if (c->json) {
        return json_print(json_pack("{s:s, s:o, s:s, s:s}", "repository", r->st->location, "db",
                                    json_text(c->args[0]), "backup", backup, "state", verb),
                          e);
    }
    say(c, verb, backup);
    return EXIT_GOOD;
}

static int
pin(const struct cmd *c, struct err *e)
{
    const char   *note = CMD_OPTIONS(c, pin_options)->text;
    struct repo  *r;
    struct label *l = NULL;
    int           rc = -1;

    if (needs_text(note, "note", "say for whom or until when the backup is to stay", e) != 0) {
        return -1;
    }
    r = cmd_open(c, c->args[0], e);
    if (r != NULL && (l = backup_find(r, c->args[0], c->args[1], 0, e)) != NULL &&
        pin_put(r, c->args[0], l->id, note, e) == 0) {
        rc = done(c, r, "pinned", l->id, e);
    }
    label_free(l);
    repo_close(r);
    return rc;
}

/* By its id also when the backup is damaged or missing. */
static int
unpin(const struct cmd *c, struct err *e)
{
    struct repo  *r = cmd_open(c, c->args[0], e);
    struct label *l = NULL;
    const char   *id = c->args[1];
    int           rc = -1;

    if (r == NULL) {
        return -1;
    }
    if (!backup_id_valid(id)) {
        l = backup_find(r, c->args[0], id, 0, e);
        id = l == NULL ? NULL : l->id;
    }
    if (id != NULL && pin_remove(r, c->args[0], id, e) == 0) {
        rc = done(c, r, "unpinned", id, e);
    }
    label_free(l);
    repo_close(r);
    return rc;
}

static int
accept_size(const struct cmd *c, struct err *e)
{
    const char   *reason = CMD_OPTIONS(c, pin_options)->text;
    struct repo  *r;
    struct label *l = NULL;
    int           rc = -1;

    if (needs_text(reason, "reason", "say why the backup is right although it is so much smaller",
                   e) != 0) {
        return -1;
    }
    r = cmd_open(c, c->args[0], e);
    if (r != NULL && (l = backup_find(r, c->args[0], c->args[1], 0, e)) != NULL &&
        accept_put(r, c->args[0], l, reason, e) == 0) {
        rc = done(c, r, "accepted", l->id, e);
    }
    label_free(l);
    repo_close(r);
    return rc;
}

/* Only by its id: "latest" is never meant to be given up. */
static int
forget(const struct cmd *c, struct err *e)
{
    const char  *reason = CMD_OPTIONS(c, pin_options)->text;
    struct repo *r;
    int          rc = -1;

    if (needs_text(reason, "reason", "say why the backup is given up", e) != 0) {
        return -1;
    }
    r = cmd_open(c, c->args[0], e);
    if (r != NULL && forget_backup(r, c->args[0], c->args[1], reason, e) == 0) {
        rc = done(c, r, "forgotten", c->args[1], e);
    }
    repo_close(r);
    return rc;
}

static const struct opt pin_options[] = {
    {OPT_TEXT, "note", 0, "TEXT", "for whom or until when the backup is to stay",
     offsetof(struct pin_options, text), 0, 0, NULL, NULL},
    OPTS_END,
};

static const struct opt accept_options[] = {
    {OPT_TEXT, "reason", 0, "TEXT", "why, which is kept with the decision",
     offsetof(struct pin_options, text), 0, 0, NULL, NULL},
    OPTS_END,
};

static const struct opt forget_options[] = {
    {OPT_TEXT, "reason", 0, "TEXT", "why, which is kept with the decision",
     offsetof(struct pin_options, text), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_pin = {
    .cli = {.name = "pin",
            .args = "DB BACKUP",
            .summary = "keep a backup whatever the rules say",
            .tables = CMD_TABLES(pin_options, cmd_repo_options, cmd_key_options,
                                 cmd_general_options)},
    .size = sizeof(struct pin_options),
    .run = pin,
};

const struct cmd_verb cmd_unpin = {
    .cli = {.name = "unpin",
            .args = "DB BACKUP",
            .summary = "let the rules decide again about a pinned backup",
            .tables = CMD_TABLES(cmd_repo_options, cmd_key_options, cmd_general_options)},
    .size = sizeof(struct cmd),
    .run = unpin,
};

const struct cmd_verb cmd_accept = {
    .cli = {.name = "accept",
            .args = "DB BACKUP",
            .summary = "say that a backup is right although it is much smaller than earlier ones",
            .tables = CMD_TABLES(accept_options, cmd_repo_options, cmd_key_options,
                                 cmd_general_options)},
    .size = sizeof(struct pin_options),
    .run = accept_size,
};

const struct cmd_verb cmd_forget = {
    .cli = {.name = "forget",
            .args = "DB BACKUP",
            .summary = "give up a backup that is damaged, lost, or from the future",
            .tables = CMD_TABLES(forget_options, cmd_repo_options, cmd_key_options,
                                 cmd_general_options)},
    .size = sizeof(struct pin_options),
    .run = forget,
};
