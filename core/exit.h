/*
 * exit.h - how a tool begins and ends: the error that reached main() is printed once, and its kind
 * becomes the exit status; and all output must have been written.
 */
#ifndef CORE_EXIT_H
#define CORE_EXIT_H

#include "core/err.h"

/* Exit statuses of every tool (docs/exit-status.md). */
enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DIFFERENT = 3, EXIT_PARTLY = 4 };

/* First call in main(): the name before each message, signals (state.h, pidone.h), and the
 * descriptors 0 to 2, which may be closed: no file that is opened later may get one of these
 * numbers. */
void tool_begin(const char *program);

/* Last call in main(): flushes standard output.  Returns status, or EXIT_FAILED, after one line
 * about it, when status is EXIT_GOOD and something was not written. */
int tool_end(int status);

/* The exit status for an error's kind (never 0). */
int err_exit_status(const struct err *);

/* Prints "program: text" and, when there is one, "program: hint: ..." (log.h). */
void err_print(const struct err *);

#endif
