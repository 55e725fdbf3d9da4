/*
 * texttable.h - rows and columns on a terminal: as wide as the widest cell, two blanks between.
 *
 * A last column of free text (a note) can go below its row when the row would be wider than 80
 * characters.
 */
#ifndef CORE_CLI_TEXTTABLE_H
#define CORE_CLI_TEXTTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/mem.h"

struct texttable {
    const char    *heads; /* "id|age|>rows": '>' aligns right */
    struct strlist cells; /* row by row */
    bool           fold;  /* the last column may go below */
};

void texttable_add(struct texttable *, const char *cell); /* NULL: empty */
void texttable_print(const struct texttable *, FILE *);
void texttable_free(struct texttable *);
/* "1,234,567" and "12.3 MB" cells. */
void texttable_count(struct texttable *, uint64_t);
void texttable_size(struct texttable *, uint64_t);

#endif
