/*
 * archive_digest.c - the part of an entry's SQL that says what the object is.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/mem.h"
#include "pg/archive/archive.h"

static const char *
behind_line(const char *p)
{
    const char *nl = strchr(p, '\n');

    return nl == NULL ? p + strlen(p) : nl + 1;
}

/* Only at the beginning: further down, such lines belong to bodies. */
char *
archive_entry_normalised(const struct archive_entry *entry)
{
    const char *p = entry->sql == NULL ? "" : entry->sql, *end;

    for (;;) {
        if (isspace((unsigned char)*p)) {
            p++;
        } else if (strncmp(p, "--", 2) == 0 || strncmp(p, "SET default_", 12) == 0) {
            p = behind_line(p);
        } else {
            break;
        }
    }
    end = p + strlen(p);
    while (end > p && isspace((unsigned char)end[-1])) {
        end--;
    }
    return xstrndup(p, (size_t)(end - p));
}

void
archive_entry_digest(const struct archive_entry *entry, char out[65])
{
    char *text = archive_entry_normalised(entry);

    sha256_hex(text, strlen(text), out);
    free(text);
}
