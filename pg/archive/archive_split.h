/*
 * archive_split.h - parsing the two texts that pg_restore prints (for archive.c, its tests and its
 * fuzz target).
 *
 * `pg_restore -l` gives one line an entry; `pg_restore -f - -v` gives the SQL, each entry after a
 * comment
 *
 *     --
 *     -- TOC entry 214 (class 1259 OID 16386)
 *     -- Dependencies: 5 12
 *     -- Name: orders; Type: TABLE; Schema: public; Owner: joe
 *     --
 *
 * The SQL is read token by token (sqltoken.h).  A name, a comment on an object or a body may hold
 * such lines too, but within quotes; a comment between two statements is pg_restore's own, in which
 * it writes line ends in names as blanks.  And the text is accepted only when each listed entry has
 * exactly one such comment.
 *
 * The entries' SQL then holds the statements of the text, token for token and in its order, except
 * for three rewrites:
 *
 *   - the text before the first entry (settings of the session) is left out: pgassay's sessions
 *     have their own;
 *   - SET default_tablespace and SET default_table_access_method, which pg_restore prints between
 *     entries and only on a change, are left out there and put before each entry that they affect;
 *   - if standard_conforming_strings is off, '…' with a backslash becomes E'…'.
 */
#ifndef PG_ARCHIVE_ARCHIVE_SPLIT_H
#define PG_ARCHIVE_ARCHIVE_SPLIT_H

#include "pg/archive/archive.h"

struct archive_split {
    struct archive *archive;
    struct strlist  lines; /* of the list: after "N; C O ", one an entry */
    size_t         *by_id; /* indices of entries, ascending by dump id */
};

/* Fills the archive's entries with ids only.  ERR_CORRUPT: an id twice. */
int archive_split_begin(struct archive_split *, struct archive *, const char *list, struct err *);

/* Gives SQL, names and dependencies to the n entries (indices) that text was printed for.
 * false: the text is not exactly these entries'; their contents are then undefined. */
bool archive_split_text(struct archive_split *, const size_t *entries, size_t n, const char *text);

/* Sections, now that every entry is known. */
void archive_split_sections(struct archive *);
void archive_split_end(struct archive_split *);

#endif
