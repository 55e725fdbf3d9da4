#include "pg/scratch/clusters.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "/tmp/pgassay-Xy12ab/data": a scratch server. */
static bool
is_scratch(const char *data)
{
    static const char mark[] = "/pgassay-";
    const char       *end = strrchr(data, '/');
    const char       *begin = end;

    while (begin != NULL && begin > data && *--begin != '/') {
    }
    return end != NULL && strcmp(end, "/data") == 0 &&
        (size_t)(end - begin) == sizeof mark - 1 + 6 && strncmp(begin, mark, sizeof mark - 1) == 0;
}

/* A server's processes are named postgres, and have its data directory as working directory. */
static void
look_at(const char *pid, struct strlist *out)
{
    char    path[64], comm[32] = "", data[4096];
    FILE   *f;
    ssize_t n;
    char   *control;

    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    if ((f = fopen(path, "re")) == NULL) {
        return;
    }
    (void)!fgets(comm, sizeof comm, f);
    (void)fclose(f);
    (void)snprintf(path, sizeof path, "/proc/%.20s/cwd", pid);
    if ((strcmp(comm, "postgres\n") != 0 && strcmp(comm, "postmaster\n") != 0) ||
        (n = readlink(path, data, sizeof data - 1)) < 0) {
        return;
    }
    data[n] = '\0';
    control = xasprintf("%s/global/pg_control", data);
    if (!is_scratch(data) && access(control, F_OK) == 0 && !strlist_has(out, control)) {
        strlist_add(out, control);
    }
    free(control);
}

void
clusters_running(struct strlist *out)
{
    DIR           *proc = opendir("/proc");
    struct dirent *entry;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            look_at(entry->d_name, out);
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
}
