/*
 * replace_impl.h - shared by replace.c, replace_choose.c and replace_resume.c; private to them.
 */
#ifndef RESTORE_REPLACE_IMPL_H
#define RESTORE_REPLACE_IMPL_H

#include "restore/replace.h"

struct replace {
    struct replacing      now;
    struct replacing_list old;     /* of this name, to be believed; the newest first */
    bool                  begins;  /* the database is there, and has to be replaced */
    bool                  resumes; /* in the working database of old.v[0] */
};

#endif
