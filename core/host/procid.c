#include "core/host/procid.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
read_machine(char *out, size_t cap)
{
    char    boot[37] = "", space[32] = "";
    FILE   *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    size_t  got = f == NULL ? 0 : fread(boot, 1, sizeof boot - 1, f);

    if (f != NULL) {
        (void)fclose(f);
    }
    if (n > 0 && got == sizeof boot - 1) {
        (void)snprintf(out, cap, "%s %s", boot, space);
    } else {
        out[0] = '\0';
    }
}

/* proc(5): the state, and the time of the start.  False: it cannot be read. */
static bool
read_stat(int64_t pid, char *state, int64_t *started)
{
    enum { FIELDS_BETWEEN = 19 };
    char  path[64], text[1024] = "";
    char *p;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    f = fopen(path, "re");
    if (f == NULL) {
        return false;
    }
    p = fgets(text, sizeof text, f) == NULL ? NULL : strrchr(text, ')'); /* ends the name */
    (void)fclose(f);
    if (p == NULL || p[1] != ' ') {
        return false;
    }
    *state = p[2];
    p += 2;
    for (int i = 0; i < FIELDS_BETWEEN && p != NULL; i++) {
        p = strchr(p + 1, ' ');
    }
    *started = p == NULL ? 0 : strtoll(p, NULL, 10);
    return p != NULL;
}

void
procid_self(struct procid *out)
{
    char state;

    *out = (struct procid){.pid = getpid()};
    read_machine(out->machine, sizeof out->machine);
    if (!read_stat(out->pid, &state, &out->started)) {
        out->started = 0;
    }
}

bool
procid_gone(const struct procid *p)
{
    char    here[sizeof p->machine], state;
    int64_t started;

    read_machine(here, sizeof here);
    if (here[0] == '\0' || strcmp(here, p->machine) != 0 || p->pid < 1 || p->pid > INT32_MAX) {
        return false;
    }
    if (kill((pid_t)p->pid, 0) != 0 && errno == ESRCH) {
        return true;
    }
    /* A process that has ended but has not been waited for still exists; so may a later one with
     * that number.  If /proc does not show other users' processes, it is taken for alive. */
    return read_stat(p->pid, &state, &started) &&
        (state == 'Z' || state == 'X' || (p->started > 0 && started != p->started));
}
