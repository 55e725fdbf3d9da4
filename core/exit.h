/*
 * exit.h - how a tool ends: the error that reached main() is printed once, and its kind becomes the
 * exit status.
 */
#ifndef CORE_EXIT_H
#define CORE_EXIT_H

#include "core/err.h"

/* Exit statuses of every tool (docs/exit-status.md). */
enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DIFFERENT = 3, EXIT_PARTLY = 4 };

/* The exit status for an error's kind (never 0). */
int err_exit_status(const struct err *);

/* Prints "program: text" and, when there is one, "program: hint: ..." through log_error(). */
void err_print(const struct err *);

#endif
