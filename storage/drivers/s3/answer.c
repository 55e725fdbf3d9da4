/* s3/http.h: what was answered. */
#include <string.h>

#include "storage/drivers/s3/http.h"

enum { ERROR_MAX = 64 << 10 }; /* of an error's body we want */

void
s3_answer_clear(struct s3_answer *a)
{
    a->status = 0;
    strlist_free(&a->headers);
    a->headers = (struct strlist){0};
    a->error.max = ERROR_MAX;
    buf_clear(&a->error);
    if (a->body != NULL) {
        buf_clear(a->body);
    }
}

void
s3_answer_free(struct s3_answer *a)
{
    strlist_free(&a->headers);
    buf_free(&a->error);
}

const char *
s3_answer_header(const struct s3_answer *a, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < a->headers.n; i++) {
        const char *line = a->headers.v[i];

        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            return line + n + 1 + strspn(line + n + 1, " \t");
        }
    }
    return NULL;
}
