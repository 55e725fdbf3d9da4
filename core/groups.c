#include "core/groups.h"

#include <stdlib.h>

#include "core/mem.h"

struct groups
groups_new(size_t n)
{
    struct groups g = {.leads = xcalloc(n + 1, sizeof *g.leads)};

    for (size_t i = 0; i < n; i++) {
        g.leads[i] = i;
    }
    return g;
}

void
groups_free(struct groups *g)
{
    free(g->leads);
    g->leads = NULL;
}

size_t
groups_first(struct groups *g, size_t i)
{
    while (g->leads[i] != i) {
        g->leads[i] = g->leads[g->leads[i]];
        i = g->leads[i];
    }
    return i;
}

void
groups_join(struct groups *g, size_t i, size_t j)
{
    size_t x = groups_first(g, i), y = groups_first(g, j);

    g->leads[x < y ? y : x] = x < y ? x : y;
}

size_t *
groups_share(const size_t *group, size_t n, size_t n_groups, size_t most, size_t *shares)
{
    size_t *sizes = xcalloc(n_groups + 1, sizeof *sizes);
    size_t *share = xcalloc(n_groups + 1, sizeof *share), in_share = 0;

    for (size_t i = 0; i < n; i++) {
        if (group[i] < n_groups) {
            sizes[group[i]]++;
        }
    }
    *shares = 0;
    for (size_t g = 0; g < n_groups; g++) {
        if (*shares == 0 || in_share + sizes[g] > most) {
            (*shares)++;
            in_share = 0;
        }
        in_share += sizes[g];
        share[g] = *shares - 1;
    }
    free(sizes);
    return share;
}
