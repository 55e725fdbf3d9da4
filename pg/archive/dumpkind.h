/*
 * dumpkind.h - what a file is, by its first bytes, never by its name.
 *
 * A table, one row a kind: what pg_dump and pg_dumpall write, and what people take for a dump and
 * is none, with the reason.
 */
#ifndef PG_ARCHIVE_DUMPKIND_H
#define PG_ARCHIVE_DUMPKIND_H

#include <stdbool.h>
#include <stddef.h>

enum dump_kind {
    DUMP_NONE,      /* not known */
    DUMP_REFUSED,   /* known, and no dump: dump_kind.why */
    DUMP_PLAIN,     /* pg_dump: SQL */
    DUMP_CLUSTER,   /* pg_dumpall: SQL */
    DUMP_CUSTOM,    /* pg_dump -Fc */
    DUMP_TAR,       /* pg_dump -Ft */
    DUMP_DIRECTORY, /* the toc.dat of pg_dump -Fd */
    DUMP_BUNDLE,    /* of pgassay storage export: by what lies in it, not by its first bytes */
};

struct dump_kind_row {
    enum dump_kind kind;
    const char    *word; /* in JSON: "custom" */
    const char    *name; /* "custom archive of pg_dump" */
    const char    *why;  /* why it is refused, and what to do; NULL: it is not */
    bool (*is)(const char *head, size_t n);
};

/* So many bytes from the beginning are enough. */
enum { DUMP_HEAD_BYTES = 64 << 10 };

/* The row that the bytes belong to; NULL: none. */
const struct dump_kind_row *dump_kind_of(const void *head, size_t n);
/* The row of a kind. */
const struct dump_kind_row *dump_kind_row(enum dump_kind);
/* SQL, as opposed to what pg_restore reads. */
bool dump_kind_is_sql(enum dump_kind);

#endif
