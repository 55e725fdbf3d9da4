/*
 * texttable.h - rows and columns on a terminal: as wide as the widest cell, two blanks between.
 */
#ifndef CORE_CLI_TEXTTABLE_H
#define CORE_CLI_TEXTTABLE_H

#include <stdint.h>
#include <stdio.h>

#include "core/mem.h"

struct texttable {
    const char    *heads; /* "id|age|>rows": '>' puts to the right */
    struct strlist cells; /* row by row */
};

void texttable_add(struct texttable *, const char *cell); /* NULL: empty */
void texttable_print(const struct texttable *, FILE *);
void texttable_free(struct texttable *);
/* "1,234,567" and "12.3 MB" cells. */
void texttable_count(struct texttable *, uint64_t);
void texttable_size(struct texttable *, uint64_t);

#endif
