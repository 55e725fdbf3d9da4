#include "core/cli/texttable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/print.h"

enum { COLUMNS_MAX = 16, FOLD_WIDTH = 80 };

void
texttable_add(struct texttable *t, const char *cell)
{
    size_t n = print_copy(NULL, 0, cell != NULL ? cell : "") + 1;
    char  *shown = xmalloc(n);

    (void)print_copy(shown, n, cell != NULL ? cell : "");
    strlist_take(&t->cells, shown);
}

void
texttable_count(struct texttable *t, uint64_t n)
{
    char out[32];

    texttable_add(t, count_human(n, NULL, out, sizeof out));
}

void
texttable_size(struct texttable *t, uint64_t bytes)
{
    char text[16];

    texttable_add(t, size_human(bytes, text, sizeof text));
}

/* Characters as a terminal shows them: UTF-8 continuation bytes have no width. */
static size_t
width_of(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

/* Is the last cell put below the row? */
static bool
folds(char *const *cells, const size_t *widths, size_t columns)
{
    size_t row = width_of(cells[columns - 1]);

    for (size_t c = 0; c + 1 < columns; c++) {
        row += widths[c] + 2;
    }
    return row > FOLD_WIDTH && cells[columns - 1][0] != '\0';
}

static void
print_row(char *const *cells, const char *const *heads, const size_t *widths, size_t columns,
          bool fold, FILE *f)
{
    size_t owed = 0; /* blanks not printed yet, so that no line ends with them */

    for (size_t c = 0; c < columns - fold; c++) {
        bool   right = heads[c][0] == '>';
        size_t pad = widths[c] - width_of(cells[c]);

        if (cells[c][0] != '\0') {
            print_to(f, "%*s%s", (int)(owed + (right ? pad : 0)), "", cells[c]);
            owed = right ? 0 : pad;
        } else {
            owed += pad;
        }
        owed += 2;
    }
    print_to(f, "\n");
    if (fold) {
        print_to(f, "    %s\n", cells[columns - 1]);
    }
}

void
texttable_print(const struct texttable *t, FILE *f)
{
    char       *heads = xstrdup(t->heads);
    char       *save = NULL;
    const char *head[COLUMNS_MAX] = {0};
    char       *shown[COLUMNS_MAX] = {0};
    size_t      widths[COLUMNS_MAX] = {0};
    size_t      n = 0;

    for (char *h = strtok_r(heads, "|", &save); h != NULL && n < COLUMNS_MAX;
         h = strtok_r(NULL, "|", &save)) {
        head[n] = h;
        shown[n] = h + (h[0] == '>');
        widths[n] = width_of(shown[n]);
        n++;
    }
    for (size_t i = 0; n > 0 && i < t->cells.n; i++) {
        size_t w = width_of(t->cells.v[i]);

        if (w > widths[i % n]) {
            widths[i % n] = w;
        }
    }
    print_row(shown, head, widths, n, false, f);
    for (size_t i = 0; n > 0 && i + n <= t->cells.n; i += n) {
        print_row(t->cells.v + i, head, widths, n, t->fold && folds(t->cells.v + i, widths, n), f);
    }
    free(heads);
}

void
texttable_free(struct texttable *t)
{
    strlist_free(&t->cells);
}
