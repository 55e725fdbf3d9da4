#include "core/report/markup.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/print.h"

static const char *
reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

int
markup_text(struct buf *out, const char *text, struct err *e)
{
    size_t n = print_copy(NULL, 0, text);
    char  *shown = xcalloc(n + 1, 1);
    int    rc = 0;

    (void)print_copy(shown, n + 1, text);
    for (const char *s = shown; rc == 0 && *s != '\0';) {
        size_t plain = strcspn(s, "&<>\"'");

        rc = buf_append(out, s, plain, e);
        s += plain;
        if (rc == 0 && *s != '\0') {
            rc = buf_puts(out, reference(*s++), e);
        }
    }
    free(shown);
    return rc;
}
