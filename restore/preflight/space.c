/* space.c - room for the database. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "core/human.h"
#include "restore/part/parts.h"
#include "restore/preflight/checks.h"

int
check_scratch_space(struct restore *r, struct err *e)
{
    const char    *dir = r->o->scratch_dir != NULL ? r->o->scratch_dir : getenv("TMPDIR");
    struct statvfs fs;
    uint64_t       have, wanted;
    char           a[32], b[32];

    (void)e;
    dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
    if (!r->o->scratch || statvfs(dir, &fs) != 0) {
        return 0;
    }
    have = (uint64_t)fs.f_bavail * fs.f_frsize;
    wanted = parts_asked(r->o) ? plan_sizes(r).relation_bytes : r->label->database_bytes;
    if (have < wanted) {
        preflight_stop(&r->preflight, "name a directory with more room with --scratch-dir",
                       xasprintf("the database takes %s, but only %s are free in \"%s\"",
                                 size_human(wanted, a, sizeof a), size_human(have, b, sizeof b),
                                 dir));
    }
    return 0;
}
