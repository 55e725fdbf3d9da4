/*
 * space.c - room for the database.
 *
 * It needs as much as it took at the source; a part, as much as its tables did.  Bloat makes that
 * too much, which is why --no-space-check exists.  A scratch server takes some for itself.  A
 * running database that is to be swapped keeps its own room; one that is to be replaced gives it
 * up, where it lies in the same tablespace.
 *
 * Only the machine that has the disks knows how much is free.  The server's directory is looked at
 * here if it is the same: the server says when its directory was last changed, and a directory of
 * that name and time is the one.  Otherwise nothing is known, and a note says so.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/human.h"
#include "restore/part/parts.h"
#include "restore/preflight/checks.h"

static uint64_t
needed(const struct restore *r)
{
    return (parts_asked(r->o) ? plan_sizes(r).relation_bytes : r->label->database_bytes) +
        (r->o->scratch ? SCRATCH_ROOM : 0);
}

/* False: not known. */
static bool
free_in(const char *dir, uint64_t *bytes)
{
    struct statvfs fs;

    if (statvfs(dir, &fs) != 0) {
        return false;
    }
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

static void
stop_space(struct restore *r, uint64_t have, const char *dir, const char *hint)
{
    char a[32], b[32];

    preflight_stop(&r->preflight, hint,
                   xasprintf("the database%s takes %s, but only %s are free%s in \"%s\"",
                             r->o->scratch ? " with its server" : "",
                             size_human(needed(r), a, sizeof a), size_human(have, b, sizeof b),
                             r->dropped_bytes > 0 ? ", or will be," : "", dir));
}

int
check_scratch_space(struct restore *r, struct err *e)
{
    const char *dir = r->o->scratch_dir != NULL ? r->o->scratch_dir : getenv("TMPDIR");
    uint64_t    have;

    (void)e;
    dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
    if (r->o->scratch && !r->o->no_space_check && free_in(dir, &have) && have < needed(r)) {
        stop_space(r, have, dir,
                   "name a directory with more room with --scratch-dir; --no-space-check tries all "
                   "the same");
    }
    return 0;
}

static const char data_directory[] =
    "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'";
static const char location[] =
    "SELECT pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace WHERE spcname = "
    "$1";

/* Where the new database's files will be, as the server names it; allocated, NULL with an error, or
 * without when this role may not see it. */
static char *
place(struct restore *r, struct err *e)
{
    const char *params[] = {r->tablespace};
    char       *dir = r->tablespace == NULL ? pg_value(r->maintenance, e, data_directory, 0, NULL)
                                            : pg_value(r->maintenance, e, location, 1, params);

    if (dir == NULL && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
    }
    return dir;
}

/* Is it a directory of this machine? */
static bool
is_here(struct restore *r, const char *dir)
{
    const char *params[] = {dir};
    struct err  refused = ERR_INIT;
    struct stat st;
    char       *changed;
    bool        same;

    if (stat(dir, &st) != 0) {
        return false;
    }
    changed = pg_value(r->maintenance, &refused,
                       "SELECT pg_catalog.date_part('epoch', modification)::bigint FROM "
                       "pg_catalog.pg_stat_file($1)",
                       1, params);
    same = changed != NULL && strtoll(changed, NULL, 10) == (long long)st.st_mtime;
    free(changed);
    return same;
}

/* What is dropped before anything is restored. */
static uint64_t
gives_up(const struct restore *r)
{
    const char *space = json_opt_str(r->live, "tablespace", "pg_default");

    return strcmp(space, r->tablespace == NULL ? "pg_default" : r->tablespace) == 0
        ? r->dropped_bytes
        : 0;
}

int
check_space(struct restore *r, struct err *e)
{
    char     need[32];
    uint64_t have;
    char    *dir;

    if (r->o->scratch || r->o->no_space_check) {
        return 0;
    }
    dir = place(r, e);
    if (e->kind != ERR_NONE) {
        return err_wrap(e, "looking at the target server");
    }
    if (dir == NULL || !is_here(r, dir) || !free_in(dir, &have)) {
        preflight_note(&r->preflight,
                       xasprintf("how much room the server has%s%s%s is not known: the database "
                                 "takes about %s",
                                 r->tablespace == NULL ? "" : " in tablespace \"",
                                 r->tablespace == NULL ? "" : r->tablespace,
                                 r->tablespace == NULL ? "" : "\"",
                                 size_human(needed(r), need, sizeof need)));
    } else if (have + gives_up(r) < needed(r)) {
        stop_space(r, have + gives_up(r), dir,
                   "make room, put it into a tablespace that has some (--tablespace-map), or "
                   "restore a part (-t); --no-space-check tries all the same");
    }
    free(dir);
    return 0;
}
