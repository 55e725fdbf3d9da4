/*
 * space.c - room for the database.
 *
 * It needs as much as it took at the source; a part, as much as its tables did, and their indexes.
 * Bloat makes that too much, which is why --no-space-check exists.  A scratch server takes some for
 * itself.  A running database that is to be swapped keeps its own room; one that is to be replaced
 * gives it up, where it lies in the same tablespace.
 *
 * While an index is built its entries are sorted, in files where they do not fit into memory: about
 * the index once more, in temp_tablespaces, or beside the database.  Nothing says that the rest of
 * the database is there by then, so it is only warned where that is lacking; but a replace must not
 * stop when the database is gone.
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

/* A scratch server gives a sort that much memory at least (scratch.c). */
#define SCRATCH_SORT_BYTES (32 * MIB)

uint64_t
preflight_disk_bytes(const struct restore *r)
{
    return parts_asked(r->o) ? plan_sizes(r).relation_bytes + plan_index_sizes(r).bytes
                             : r->label->database_bytes;
}

static uint64_t
needed(const struct restore *r)
{
    return preflight_disk_bytes(r) + (r->o->scratch ? SCRATCH_ROOM : 0);
}

/* Temporary files of the largest index, with that much memory for a sort. */
static uint64_t
sort_files(const struct restore *r, uint64_t memory)
{
    uint64_t bytes = plan_index_sizes(r).largest_bytes;

    return bytes > memory ? bytes : 0;
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

/* have, which is all of it that is or will be free in dir, against the database and, if these lie
 * there as well, the sort's files. */
static void
look_at_room(struct restore *r, const char *dir, uint64_t have, uint64_t sort, const char *hint)
{
    char  a[32], b[32], c[32];
    char *files;

    if (have >= needed(r) + sort) {
        return;
    }
    files = sort == 0 ? xstrdup("")
                      : xasprintf(
                            ", and the sort for its largest index up to about %s more in "
                            "temporary files",
                            size_human(sort, c, sizeof c));
    preflight_add(
        &r->preflight,
        (struct preflight_finding){
            .kind = have < needed(r) || r->o->replace ? PREFLIGHT_STOP : PREFLIGHT_WARNING,
            .text = xasprintf(
                "the database%s takes %s%s, but only %s are free%s in "
                "\"%s\"",
                r->o->scratch ? " with its server" : "", size_human(needed(r), a, sizeof a), files,
                size_human(have, b, sizeof b), r->dropped_bytes > 0 ? ", or will be," : "", dir),
            .hint = xstrdup(hint)});
    free(files);
}

int
check_scratch_space(struct restore *r, struct err *e)
{
    const char *dir = r->o->scratch_dir != NULL ? r->o->scratch_dir : getenv("TMPDIR");
    uint64_t    have;

    (void)e;
    dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
    if (r->o->scratch && !r->o->no_space_check && free_in(dir, &have)) {
        look_at_room(r, dir, have, sort_files(r, SCRATCH_SORT_BYTES),
                     "name a directory with more room with --scratch-dir; --no-space-check tries "
                     "all the same");
    }
    return 0;
}

static const char data_directory[] =
    "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'";
/* Of one without a place, too. */
static const char location[] =
    "SELECT COALESCE(NULLIF(pg_catalog.pg_tablespace_location(oid), ''), (SELECT setting FROM "
    "pg_catalog.pg_settings WHERE name = 'data_directory')) FROM pg_catalog.pg_tablespace WHERE "
    "spcname = $1";

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

/* ---- where indexes are sorted ---- */

/* As target.c sets it. */
static const char sort_memory[] =
    "SELECT GREATEST(131072, setting::pg_catalog.int8) * 1024 FROM pg_catalog.pg_settings WHERE "
    "name = 'maintenance_work_mem'";
/* Which of them a sort gets is chance.  One without a place is in the data directory. */
static const char temporary[] =
    "SELECT COALESCE(NULLIF(pg_catalog.pg_tablespace_location(t.oid), ''), (SELECT setting FROM "
    "pg_catalog.pg_settings WHERE name = 'data_directory')) FROM pg_catalog.pg_tablespace t, "
    "pg_catalog.regexp_split_to_table(pg_catalog.current_setting('temp_tablespaces'), '\\s*,\\s*') "
    "n "
    "WHERE n IN (t.spcname, pg_catalog.quote_ident(t.spcname))";

static bool
same_disk(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev;
}

static void
look_at_temporary(struct restore *r, const char *dir, uint64_t sort)
{
    char     a[32], b[32];
    uint64_t have;

    if (!is_here(r, dir) || !free_in(dir, &have) || have >= sort) {
        return;
    }
    preflight_add(
        &r->preflight,
        (struct preflight_finding){
            .kind = r->o->replace ? PREFLIGHT_STOP : PREFLIGHT_WARNING,
            .text = xasprintf("the sort for the largest index takes up to about %s in "
                              "temporary files, but only %s are free in \"%s\" "
                              "(temp_tablespaces)",
                              size_human(sort, a, sizeof a), size_human(have, b, sizeof b), dir),
            .hint = xstrdup("make room there, or let temp_tablespaces name tablespaces "
                            "that have some; --no-space-check tries all the same")});
}

/* *beside: those files that lie on the disk of the database, in dir (NULL: it is not known). */
static int
look_at_sort(struct restore *r, const char *dir, uint64_t *beside, uint64_t *sort, struct err *e)
{
    struct strlist dirs = {0};
    char          *memory = pg_value(r->maintenance, e, sort_memory, 0, NULL);
    int            rc = memory == NULL ? -1 : preflight_column(r, temporary, &dirs, e);

    *sort = memory == NULL ? 0 : sort_files(r, strtoull(memory, NULL, 10));
    *beside = dirs.n == 0 ? *sort : 0;
    for (size_t i = 0; rc == 0 && *sort > 0 && i < dirs.n; i++) {
        if (dir != NULL && same_disk(dirs.v[i], dir)) {
            *beside = *sort;
        } else {
            look_at_temporary(r, dirs.v[i], *sort);
        }
    }
    strlist_free(&dirs);
    free(memory);
    return rc;
}

static void
note_unknown(struct restore *r, uint64_t sort)
{
    char  need[32], more[32];
    char *files = sort == 0
        ? xstrdup("")
        : xasprintf(", and the sort for its largest index up to about %s more in temporary files",
                    size_human(sort, more, sizeof more));

    preflight_note(&r->preflight,
                   xasprintf("how much room the server has%s%s%s is not known: the database takes "
                             "about %s%s",
                             r->tablespace == NULL ? "" : " in tablespace \"",
                             r->tablespace == NULL ? "" : r->tablespace,
                             r->tablespace == NULL ? "" : "\"",
                             size_human(needed(r), need, sizeof need), files));
    free(files);
}

int
check_space(struct restore *r, struct err *e)
{
    uint64_t have, beside, sort;
    char    *dir;
    int      rc = 0;

    if (r->o->scratch || r->o->no_space_check) {
        return 0;
    }
    dir = place(r, e);
    if (e->kind != ERR_NONE) {
        return err_wrap(e, "looking at the target server");
    }
    if (look_at_sort(r, dir, &beside, &sort, e) != 0) {
        rc = err_wrap(e, "looking at the target server");
    } else if (dir == NULL || !is_here(r, dir) || !free_in(dir, &have)) {
        note_unknown(r, sort);
    } else {
        look_at_room(r, dir, have + gives_up(r), beside,
                     "make room, put it into a tablespace that has some (--tablespace-map), or "
                     "restore a part (-t); --no-space-check tries all the same");
    }
    free(dir);
    return rc;
}
