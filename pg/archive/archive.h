/*
 * archive.h - a pg_dump custom-format archive as a list of entries with their SQL.
 *
 * The SQL comes from `pg_restore -f - -v`, cut at its "-- TOC entry N (class C OID O)" comments
 * (archive_split.h); they must be those of `pg_restore -l`, else entries are requested separately
 * with -L. Each entry carries the SET default_tablespace / default_table_access_method in force for
 * it; \restrict lines are dropped.
 *
 * No name here may be one of libarchive's (archive_free), which pgassay-restore links, too: the
 * library would call ours.
 */
#ifndef PG_ARCHIVE_ARCHIVE_H
#define PG_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"

enum archive_section { SECTION_NONE, SECTION_PRE_DATA, SECTION_DATA, SECTION_POST_DATA };

struct archive_entry {
    int                  dump_id;
    uint32_t             class_oid, oid; /* of the source's catalog */
    char                *desc;           /* "TABLE", "FK CONSTRAINT", "ACL" … */
    char                *schema;         /* NULL: "-" */
    char                *tag;            /* "orders orders_user_fk" */
    char                *owner;          /* "" when none */
    enum archive_section section;        /* as pg_restore sorts it */
    int                 *depends;        /* dump ids */
    size_t               n_depends;
    char                *sql; /* "" when the entry prints nothing */
};

struct archive {
    struct archive_entry *v; /* in pg_restore's own order */
    size_t                n, cap;
    bool                  is_open;
    char                 *path; /* path for a child that has fd; the file has no name */
    int                   fd;
};

struct archive_options {
    bool        no_owner, no_privileges, no_tablespaces;
    const char *pg_restore; /* path of the program */
};

/* In a temporary file without a name, which lives until archive_close(). */
int  archive_open_bytes(struct archive *, const void *, size_t, const struct archive_options *,
                        struct err *);
void archive_close(struct archive *);
/* Leaves the entries (by index) to be kept, in their order. */
void archive_keep(struct archive *, const bool *keep);

/* SHA-256 (hex) of an entry's SQL after normalising: comments, SET lines and white space at the
 * ends dropped. */
void  archive_entry_sha256(const struct archive_entry *, char out[65]);
char *archive_entry_normalised(
    const struct archive_entry *); /* allocated: for showing a difference */

#endif
