#include <unistd.h>

#include "core/exit.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"

struct init_options {
    struct cmd     cmd;
    struct strlist encrypt_to;
};

static int
run(const struct cmd *c, struct err *e)
{
    const struct init_options *o = CMD_OPTIONS(c, init_options);
    struct storage_given       given = c->given;
    struct storage_location    place;
    struct repo               *r;
    int                        rc = EXIT_GOOD;

    given.encrypt_to = &o->encrypt_to;
    if (storage_location_find(c->config, c->n_args == 1 ? c->args[0] : c->repo, NULL, &given,
                              &place, e) != 0 ||
        repo_init(&place, e) != 0) {
        return -1;
    }
    /* Read back: the command's user must be able to use it. */
    r = repo_open(&place, e);
    if (r == NULL) {
        return -1;
    }
    if (c->json) {
        rc = json_print(json_pack("{s:s,s:s}", "repository", place.location, "repo_id", r->id), e);
    } else if (!c->quiet && isatty(STDOUT_FILENO)) {
        print_out("new repository %s in %s\n", r->id, place.location);
    }
    repo_close(r);
    return rc;
}

static const struct opt options[] = {
    {OPT_LIST, "encrypt-to", 0, "FILE", "encrypt to this public key; repeat for more readers",
     offsetof(struct init_options, encrypt_to), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_init = {
    .cli = {.name = "init",
            .args = "[PATH]",
            .summary = "make an empty repository",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_general_options)},
    .size = sizeof(struct init_options),
    .run = run,
};
