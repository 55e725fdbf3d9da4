/*
 * dumpscan.h - the dumps in a directory, as home-grown scripts leave them there (dumpname.h), the
 * oldest first.
 *
 * Links count under what they lead to, once: "latest" has no date and adds nothing.  The directory
 * is not searched below, except for directories that are dumps themselves.
 */
#ifndef STORAGE_EXCHANGE_DUMPSCAN_H
#define STORAGE_EXCHANGE_DUMPSCAN_H

#include <sys/types.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/exchange/dumpname.h"

struct dump_file {
    char            *path;
    struct dump_name name;
    bool             link;
    dev_t            dev;
    ino_t            ino;
};

struct dump_scan {
    struct dump_file *v;
    size_t            n, cap;
    struct strlist    passed; /* what was passed over: "NAME: why" */
    struct strlist
        undated; /* of these, what is named like a dump, but for a date, and is no link */
};

/* named: only dumps of this name; NULL: all.  Free it in any case. */
int  dump_scan(const char *dir, const char *named, struct dump_scan *, struct err *);
void dump_scan_free(struct dump_scan *);

#endif
