#include "core/similar.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 64 };

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many single letters have to be changed, added, removed or swapped with their neighbour to
 * make b of a (the restricted Damerau-Levenshtein distance).  Row i of the usual matrix holds the
 * distances of a's first i letters to each beginning of b; three rows are enough, since a swap
 * looks two rows back.  Neither may be longer than WORD_MAX. */
static size_t
distance(const char *a, const char *b)
{
    size_t  rows[3][WORD_MAX + 1];
    size_t *two = rows[0], *one = rows[1], *now = rows[2];
    size_t  n = strlen(a), m = strlen(b);

    for (size_t k = 0; k <= m; k++) {
        now[k] = k;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *oldest = two;

        two = one;
        one = now;
        now = oldest;
        now[0] = i;
        for (size_t k = 1; k <= m; k++) {
            now[k] = least(one[k] + 1, least(now[k - 1] + 1, one[k - 1] + (a[i - 1] != b[k - 1])));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) {
                now[k] = least(now[k], two[k - 2] + 1);
            }
        }
    }
    return now[m];
}

/* A third of the letters may be wrong, but at least one: with more it is another word. */
static size_t
bound(size_t length)
{
    return length < 6 ? 1 : length / 3;
}

void
similar_try(struct similar *s, const char *name)
{
    size_t n = strlen(s->word);
    size_t d;

    if (n < 2 || n > WORD_MAX || strlen(name) > WORD_MAX) {
        return;
    }
    d = (n >= 3 && strncmp(name, s->word, n) == 0) || strcasecmp(name, s->word) == 0
        ? strcmp(name, s->word) != 0
        : distance(s->word, name);
    if (d > 0 && d <= (s->most > 0 ? s->most : bound(n)) && (s->best == NULL || d < s->distance)) {
        s->best = name;
        s->distance = d;
    }
}

const char *
similar_of(const char *word, const struct strlist *names)
{
    struct similar s = SIMILAR(word);

    for (size_t i = 0; i < names->n; i++) {
        similar_try(&s, names->v[i]);
    }
    return s.best;
}

int
similar_say(const char *name, struct err *e)
{
    size_t n = strlen(e->text);

    if (name != NULL) {
        (void)snprintf(e->text + n, sizeof e->text - n, " (did you mean \"%s\"?)", name);
    }
    return -1;
}
