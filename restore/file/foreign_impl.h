/*
 * foreign_impl.h - what the files of a foreign restore share.
 */
#ifndef RESTORE_FILE_FOREIGN_IMPL_H
#define RESTORE_FILE_FOREIGN_IMPL_H

#include "restore/file/contents.h"
#include "restore/file/foreign.h"

struct foreign {
    struct found          found;
    struct spool          spool;
    struct pg_tool        pg_restore; /* of an archive */
    struct script         script;
    struct policy_options options;
    struct contents       contents;
    struct strlist        done_without; /* statements that were left out, and why */
    uint64_t              dropped;      /* DROP of what is not there */
};

/* bundled_run.c: of a bundle, between the definitions and after all of them. */
int bundled_run_rows(struct restore *, struct err *);
int bundled_run_rest(struct restore *, struct err *);

/* run.c: the session that the dump runs in; its first database. */
int dump_run(struct restore *, struct err *);

#endif
