/*
 * encoding.h - encodings that a dump must not be in.
 *
 * A server converts what comes in such an encoding before it reads it.  Their characters may hold
 * an ASCII byte, a quote or a backslash among them, so sqltoken.h would read the text otherwise
 * than the server.  No database can be in one of them.
 */
#ifndef RESTORE_FILE_ENCODING_H
#define RESTORE_FILE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

/* The name as a user may write it, quotes around it or not. */
bool encoding_is_clients(const char *name, size_t n);

#endif
