#include "core/runid.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/human.h"

static char id[RUN_ID_MAX];

static int
is_id(const char *s)
{
    static const char may[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";

    return s != NULL && *s != '\0' && strlen(s) < RUN_ID_MAX && s[strspn(s, may)] == '\0';
}

void
run_id_begin(void)
{
    const char *given = getenv("PGASSAY_RUN_ID");
    char        at[20];
    uint32_t    any;

    if (id[0] != '\0') {
        return;
    }
    if (is_id(given)) {
        (void)snprintf(id, sizeof id, "%s", given);
        return;
    }
    if (getrandom(&any, sizeof any, GRND_NONBLOCK) != (ssize_t)sizeof any) {
        any = (uint32_t)getpid();
    }
    (void)snprintf(id, sizeof id, "%s-%08x", time_compact(time(NULL), at, sizeof at), any);
    (void)setenv("PGASSAY_RUN_ID", id, 1);
}

const char *
run_id(void)
{
    return id;
}
