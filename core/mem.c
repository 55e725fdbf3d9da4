#include "core/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/print.h"

/* _exit(), and not through log.h: other threads, and this one, may be in the middle of anything. */
static _Noreturn void
out_of_memory(void)
{
    print_to(stderr, "%s: out of memory\n", program_invocation_short_name);
    _exit(1);
}

void *
xmalloc(size_t n)
{
    void *p = malloc(n == 0 ? 1 : n);

    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *
xcalloc(size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *
xrealloc(void *old, size_t n)
{
    void *p = realloc(old, n == 0 ? 1 : n);

    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *
xreallocarray(void *old, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total)) {
        out_of_memory();
    }
    return xrealloc(old, total);
}

char *
xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t max)
{
    size_t n = strnlen(s, max);
    char  *p = xmalloc(n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *
xasprintf(const char *fmt, ...)
{
    va_list ap;
    char   *p;
    int     n;

    va_start(ap, fmt);
    n = vasprintf(&p, fmt, ap);
    va_end(ap);
    if (n < 0) {
        out_of_memory();
    }
    return p;
}

void
strlist_add(struct strlist *l, const char *s)
{
    strlist_take(l, xstrdup(s));
}

void
strlist_take(struct strlist *l, char *s)
{
    VEC_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = s;
}

void
strlist_add_all(struct strlist *l, const struct strlist *from)
{
    for (size_t i = 0; i < from->n; i++) {
        strlist_add(l, from->v[i]);
    }
}

void
strlist_split(struct strlist *l, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, ",");
        size_t skip = strspn(text, " \t");
        size_t end = n;

        while (end > skip && isspace((unsigned char)text[end - 1])) {
            end--;
        }
        if (end > skip) {
            strlist_take(l, xstrndup(text + skip, end - skip));
        }
        text += n + (text[n] == ',');
    }
}

int
strlist_has(const struct strlist *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->v[i], s) == 0) {
            return 1;
        }
    }
    return 0;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strlist_sort(struct strlist *l)
{
    if (l->n > 1) {
        qsort(l->v, l->n, sizeof *l->v, by_bytes);
    }
}

static int
compare(const void *s, const void *element)
{
    return strcmp(s, *(char *const *)element);
}

int
strlist_find(const struct strlist *sorted, const char *s)
{
    return sorted->n > 0 && bsearch(s, sorted->v, sorted->n, sizeof *sorted->v, compare) != NULL;
}

void
strlist_free(struct strlist *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i]);
    }
    free(l->v);
    *l = (struct strlist){0};
}
