#include <unistd.h>

#include "core/exit.h"
#include "core/json.h"
#include "storage/commands/cmd.h"

int
cmd_init(const struct cmd *c, struct err *e)
{
    struct storage_location place;
    struct repo            *r;
    int                     rc = EXIT_GOOD;

    if (storage_location_find(c->config, c->n_args == 1 ? c->args[0] : c->repo, NULL,
                              &c->repo_options, &place, e) != 0 ||
        repo_init(&place, e) != 0) {
        return -1;
    }
    /* Read back: whoever made it must be able to use it. */
    r = repo_open(&place, e);
    if (r == NULL) {
        return -1;
    }
    if (c->json) {
        rc = json_print(json_pack("{s:s,s:s}", "repository", place.location, "repo_id", r->id), e);
    } else if (!c->quiet && isatty(STDOUT_FILENO)) {
        (void)printf("new repository %s in %s\n", r->id, place.location);
    }
    repo_close(r);
    return rc;
}
