/* s3/http.h: examining answers. */
#include <string.h>

#include "storage/drivers/s3/http.h"

enum { ERROR_MAX = 64 << 10 }; /* of an error's body that are kept */

void
s3_answer_clear(struct s3_answer *a)
{
    a->status = 0;
    a->received = 0;
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

static int
not_a_stores(const struct s3_answer *a, const char *why, struct err *e)
{
    (void)err_set(e, ERR_IO, "the answer (HTTP %d) is not one of an S3 store: %s", a->status, why);
    e->transient = true;
    return err_hint(e,
                    "does something in between answer in the store's place, such as a proxy or "
                    "the login page of a network?");
}

int
s3_answer_of_read(void *unused, const struct s3_answer *a, struct err *e)
{
    const char *etag = s3_answer_header(a, "ETag");

    (void)unused;
    return etag != NULL && *etag != '\0' ? 0 : not_a_stores(a, "it has no ETag", e);
}

int
s3_answer_of_remove(void *unused, const struct s3_answer *a, struct err *e)
{
    (void)unused;
    return a->received == 0 ? 0 : not_a_stores(a, "it has a body", e);
}

int
s3_answer_of_put(void *unused, const struct s3_answer *a, struct err *e)
{
    return s3_answer_of_remove(unused, a, e) != 0 ? -1 : s3_answer_of_read(unused, a, e);
}
