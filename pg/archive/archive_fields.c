#include "pg/archive/archive_fields.h"

#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_kind.h"

/* One way to cut. */
struct cut {
    struct sql_span tag, desc, schema, owner; /* owner: as the list has it */
    int             score;
};

static size_t
length(const struct sql_span *s)
{
    return (size_t)(s->to - s->from);
}

/* The position after the part and a blank, or NULL. */
static const char *
after_part(const char *line, const struct sql_span *part)
{
    size_t n = length(part);

    return line != NULL && strncmp(line, part->from, n) == 0 && line[n] == ' ' ? line + n + 1
                                                                               : NULL;
}

/* The header's owner may be hidden (--no-owner), and a tablespace may follow it. */
static bool
owner_agrees(const char *in_header, const char *in_list)
{
    static const char next[] = "; Tablespace: ";
    size_t            n = strlen(in_list);

    return strncmp(in_header, in_list, n) == 0 &&
        (in_header[n] == '\0' || strncmp(in_header + n, next, sizeof next - 1) == 0);
}

static int
score(const struct cut *c, const char *owner_in_header, const struct sql_statement *first)
{
    char *desc = xstrndup(c->desc.from, length(&c->desc));
    /* If two kinds fit, one's name begins with the other's, and the longer one is right. */
    int points = archive_kind_fits(desc, first) ? 10 + (int)strlen(desc) : 1;

    free(desc);
    return 2 * points + owner_agrees(owner_in_header, c->owner.from);
}

/* Keeps the better of *best and the cut of header at these three places. */
static void
consider(struct cut *best, const char *line, const char *header, const char *const at[3],
         const struct sql_statement *first)
{
    struct cut c = {
        .tag = {header, at[0]},
        .desc = {at[0] + strlen("; Type: "), at[1]},
        .schema = {at[1] + strlen("; Schema: "), at[2]},
    };

    if (c.desc.from > c.desc.to || c.schema.from > c.schema.to) {
        return;
    }
    line = after_part(line, &c.desc);
    line = after_part(line, &c.schema);
    line = after_part(line, &c.tag);
    if (line == NULL) {
        return;
    }
    c.owner = (struct sql_span){line, line + strlen(line)};
    c.score = score(&c, at[2] + strlen("; Owner: "), first);
    if (c.score > best->score) {
        *best = c;
    }
}

bool
archive_fields_read(struct archive_entry *entry, const char *line, const char *header,
                    const struct sql_statement *first)
{
    char       *h = xstrndup(header, strcspn(header, "\n"));
    struct cut  best = {0};
    const char *at[3];

    for (at[0] = h; (at[0] = strstr(at[0], "; Type: ")) != NULL; at[0]++) {
        for (at[1] = at[0]; (at[1] = strstr(at[1], "; Schema: ")) != NULL; at[1]++) {
            for (at[2] = at[1]; (at[2] = strstr(at[2], "; Owner: ")) != NULL; at[2]++) {
                consider(&best, line, h, at, first);
            }
        }
    }
    archive_fields_free(entry);
    if (best.score > 0) {
        size_t n_schema = length(&best.schema);

        entry->desc = xstrndup(best.desc.from, length(&best.desc));
        entry->schema = n_schema == 1 && *best.schema.from == '-'
            ? NULL
            : xstrndup(best.schema.from, n_schema);
        entry->tag = xstrndup(best.tag.from, length(&best.tag));
        entry->owner = xstrdup(best.owner.from);
    }
    free(h);
    return best.score > 0;
}

void
archive_fields_free(struct archive_entry *entry)
{
    free(entry->desc);
    free(entry->schema);
    free(entry->tag);
    free(entry->owner);
    entry->desc = entry->schema = entry->tag = entry->owner = NULL;
}
