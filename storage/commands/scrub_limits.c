/* The values of --share and --max-time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/commands/scrub.h"

/* A whole number from 1 to max; *end after it.  0: there is none. */
static unsigned long
take_number(const char *text, char **end, unsigned long max)
{
    unsigned long n;

    errno = 0;
    n = strtoul(text, end, 10);
    return *text >= '0' && *text <= '9' && errno == 0 && n <= max ? n : 0;
}

int
scrub_share(const char *text, uint64_t *span, struct err *e)
{
    enum { PARTS_MAX = 1000000 };
    char         *end;
    unsigned long n = take_number(text, &end, PARTS_MAX);
    unsigned long m = n > 0 && *end == '/' ? take_number(end + 1, &end, PARTS_MAX) : 0;

    if (m == 0 || n > m || *end != '\0') {
        return err_set(e, ERR_USAGE, "--share \"%s\" is not a share such as 1/7", text);
    }
    /* Rounded up: seven nights of 1/7 are all. */
    *span = n == m ? UINT64_MAX : UINT64_MAX / m * n + n - 1;
    return 0;
}

int
scrub_duration(const char *text, double *seconds, struct err *e)
{
    uint64_t n;

    if (duration_parse(text, &n) == 0 && n > 0) {
        *seconds = (double)n;
        return 0;
    }
    return err_set(e, ERR_USAGE, "--max-time \"%s\" is not a time such as 90s, 30m or 2h", text);
}
