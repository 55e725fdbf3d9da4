/*
 * reader.h - the role that asks a copy: it reads every table, and can do nothing else.
 *
 * On a copy there are no other users' rights to keep to; but a query may call functions of the
 * backup, and what they could do as the scratch server's superuser they need not.  A role without
 * any right beyond reading reaches no files and no programs.  It is made for the checks and dropped
 * after them, with all that it was granted.
 */
#ifndef VERIFY_CHECKS_READER_H
#define VERIFY_CHECKS_READER_H

#include "pg/conn/conn.h"

#define READER_ROLE "pgassay_drill_reader"

enum { READER_PASSWORD_MAX = 33 };

/* superuser: of the copy's database.  password: filled in, a new one, for servers that ask for it.
 */
int reader_make(PGconn *superuser, char password[READER_PASSWORD_MAX], struct err *);
int reader_drop(PGconn *superuser, struct err *);

#endif
