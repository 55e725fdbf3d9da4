#include "pg/archive/dumpkind.h"

#include <string.h>

static bool
begins(const char *head, size_t n, const char *with, size_t len)
{
    return n >= len && memcmp(head, with, len) == 0;
}
#define BEGINS(with) begins(head, n, with, sizeof(with) - 1)

/* A line of its own, in text (a tar may have it, too): comments of other makers and settings may be
 * before it. */
static bool
has_line(const char *head, size_t n, const char *line)
{
    size_t      len = strlen(line);
    const char *p = head, *end = head + n;

    if (memchr(head, '\0', n) != NULL) {
        return false;
    }
    while ((size_t)(end - p) >= len && (p = memmem(p, (size_t)(end - p), line, len)) != NULL) {
        if ((p == head || p[-1] == '\n') && p + len < end && (p[len] == '\n' || p[len] == '\r')) {
            return true;
        }
        p++;
    }
    return false;
}

/* pg_backup_archiver.c: "PGDMP", version (3), sizes of integers and offsets, format. */
enum { FORMAT_AT = 10, FORMAT_CUSTOM = 1, FORMAT_TAR = 3 };

static bool
is_archive(const char *head, size_t n, int format)
{
    return BEGINS("PGDMP") && n > FORMAT_AT && head[FORMAT_AT] == format;
}

static bool
is_custom(const char *head, size_t n)
{
    return is_archive(head, n, FORMAT_CUSTOM);
}

/* pg_dump writes toc.dat first. */
static bool
is_tar(const char *head, size_t n)
{
    enum { TAR_HEADER = 512 };

    return begins(head, n, "toc.dat", sizeof "toc.dat") && n > TAR_HEADER &&
        is_archive(head + TAR_HEADER, n - TAR_HEADER, FORMAT_TAR);
}

static bool
is_directory(const char *head, size_t n)
{
    return is_archive(head, n, FORMAT_TAR); /* it says so, too */
}

static bool
is_cluster(const char *head, size_t n)
{
    return has_line(head, n, "-- PostgreSQL database cluster dump");
}

static bool
is_plain(const char *head, size_t n)
{
    return has_line(head, n, "-- PostgreSQL database dump");
}

static bool
never(const char *head, size_t n)
{
    (void)head;
    (void)n;
    return false;
}

static bool
is_utf16(const char *head, size_t n)
{
    return BEGINS("\xff\xfe") || BEGINS("\xfe\xff");
}

static bool
is_encrypted(const char *head, size_t n)
{
    return BEGINS("age-encryption.org/") || BEGINS("-----BEGIN PGP") || BEGINS("Salted__") ||
        BEGINS("-----BEGIN AGE") || BEGINS("\x85\x01") || BEGINS("\x85\x02") || BEGINS("\x8c\x0d");
}

static bool
is_mysql(const char *head, size_t n)
{
    return BEGINS("-- MySQL dump") || BEGINS("-- MariaDB dump") || BEGINS("/*M!999999");
}

static bool
is_sqlite(const char *head, size_t n)
{
    return BEGINS("SQLite format 3");
}

static bool
is_page(const char *head, size_t n)
{
    return BEGINS("<!DOCTYPE") || BEGINS("<!doctype") || BEGINS("<html") || BEGINS("<?xml");
}

static const struct dump_kind_row kinds[] = {
    {DUMP_CUSTOM, "custom", "custom archive of pg_dump", NULL, is_custom},
    {DUMP_TAR, "tar", "tar archive of pg_dump", NULL, is_tar},
    {DUMP_DIRECTORY, "directory", "directory archive of pg_dump", NULL, is_directory},
    {DUMP_CLUSTER, "cluster", "plain dump of pg_dumpall", NULL, is_cluster},
    {DUMP_PLAIN, "plain", "plain dump of pg_dump", NULL, is_plain},
    {DUMP_BUNDLE, "bundle", "bundle of pgassay storage export", NULL, never},
    {DUMP_REFUSED, NULL, "text in UTF-16",
     "PowerShell's > writes that; iconv -f UTF-16 -t UTF-8 makes a dump of it again", is_utf16},
    {DUMP_REFUSED, NULL, "encrypted file", "decrypt it first", is_encrypted},
    {DUMP_REFUSED, NULL, "dump of MySQL", "only dumps of PostgreSQL are restored", is_mysql},
    {DUMP_REFUSED, NULL, "database of SQLite", "only dumps of PostgreSQL are restored", is_sqlite},
    {DUMP_REFUSED, NULL, "web page or XML document",
     "perhaps a download that failed: look into it, and download the dump again", is_page},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

const struct dump_kind_row *
dump_kind_of(const void *head, size_t n)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i].is(head, n)) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct dump_kind_row *
dump_kind_row(enum dump_kind kind)
{
    size_t i = 0;

    while (i < N_KINDS && kinds[i].kind != kind) {
        i++;
    }
    return i < N_KINDS ? &kinds[i] : NULL;
}

bool
dump_kind_is_sql(enum dump_kind kind)
{
    return kind == DUMP_PLAIN || kind == DUMP_CLUSTER;
}
