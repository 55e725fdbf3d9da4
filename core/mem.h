/*
 * mem.h - small allocations, which either succeed or end the program.
 *
 * A tool that cannot allocate a few bytes cannot report anything either: it prints "out of memory"
 * and exits with status 1; the repository protocol makes that as harmless as kill -9.  Anything
 * whose size comes from outside goes into a struct buf (buf.h), which has a ceiling and reports an
 * error.  jansson and libcrypto allocate through here, too (json.c, hash.c).
 */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stddef.h>

void *xmalloc(size_t);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Makes room for one more element in a growing array: VEC_GROW(v, n, cap). */
#define VEC_GROW(v, n, cap)                                                                        \
    do {                                                                                           \
        if ((v) == NULL || (n) == (cap)) {                                                         \
            (cap) = (cap) == 0 ? 16 : 2 * (cap);                                                   \
            (v) = xreallocarray((v), (cap), sizeof *(v));                                          \
        }                                                                                          \
    } while (0)
void *xreallocarray(void *, size_t n, size_t size);

/* A growing list of strings, owned by the list.  Zero-initialised is empty. */
struct strlist {
    char **v;
    size_t n, cap;
};
void strlist_add(struct strlist *, const char *); /* copies */
void strlist_take(struct strlist *, char *);      /* takes ownership */
void strlist_split(
    struct strlist *,
    const char *text); /* adds the parts between commas, without blanks around them */
void strlist_add_all(struct strlist *, const struct strlist *); /* copies */
int  strlist_has(const struct strlist *, const char *);         /* linear */
int  strlist_find(const struct strlist *sorted, const char *);  /* the same, by bisection */
void strlist_sort(struct strlist *);                            /* by bytes */
void strlist_free(struct strlist *);

#endif
