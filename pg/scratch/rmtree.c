#include "pg/scratch/rmtree.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    if (where->level == 0) {
        return 0;
    }
    /* What cannot be removed is reported by the last rmdir(); the rest goes all the same. */
    (void)(type == FTW_DP ? rmdir(path) : unlink(path));
    return 0;
}

int
rmtree_contents(const char *path)
{
    return nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
