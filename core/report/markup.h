/*
 * markup.h - text inside HTML and XML: the one place where it is escaped.
 *
 * What a browser or a parser could take for markup becomes a reference; what could obey or mislead
 * a reader (control characters, those that change the direction of a line or are invisible, bytes
 * that are not UTF-8) is shown as core/print.h shows it: \x1b, \u202e.  So the result is text,
 * between tags and in quoted attributes alike, and valid in XML 1.0.
 */
#ifndef CORE_REPORT_MARKUP_H
#define CORE_REPORT_MARKUP_H

#include "core/buf.h"
#include "core/err.h"

/* Appends it, escaped. */
int markup_text(struct buf *, const char *text, struct err *);

#endif
