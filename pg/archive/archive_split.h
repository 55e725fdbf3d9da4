/*
 * archive_split.h - the two texts that pg_restore prints, taken apart (for archive.c, its tests and
 * its fuzz target).
 *
 * `pg_restore -l` gives one line an entry; `pg_restore -f - -v` gives the SQL, each entry behind a
 * comment
 *
 *     --
 *     -- TOC entry 214 (class 1259 OID 16386)
 *     -- Dependencies: 5 12
 *     -- Name: orders; Type: TABLE; Schema: public; Owner: joe
 *     --
 *
 * A function body may hold such a comment too, but then there are more of them than the list has
 * lines: the text is believed only when each listed entry heads exactly one piece.
 */
#ifndef PG_ARCHIVE_ARCHIVE_SPLIT_H
#define PG_ARCHIVE_ARCHIVE_SPLIT_H

#include "pg/archive/archive.h"

struct archive_split {
    struct archive *archive;
    struct strlist  lines; /* of the list: behind "N; C O ", one an entry */
    size_t         *by_id; /* indices of entries, ascending by dump id */
};

/* Fills the archive's entries with ids only.  ERR_CORRUPT: an id twice. */
int archive_split_begin(struct archive_split *, struct archive *, const char *list, struct err *);

/* Gives SQL, names and dependencies to the n entries (indices) that text was printed for.
 * false: the headers are not just these entries', nothing was changed.  alone: text was printed
 * for one entry, so its first header is the true one. */
bool archive_split_text(struct archive_split *, const size_t *entries, size_t n, const char *text,
                        bool alone);

/* Sections, now that every entry is known. */
void archive_split_sections(struct archive *);
void archive_split_end(struct archive_split *);

#endif
