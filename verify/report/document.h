/*
 * document.h - a report: what was found, and what is known besides, as one JSON document
 * (docs/schema/report.json), of which pages and JUnit files are made (core/report/).
 *
 * Texts are for people, and finished; numbers are only in plots.  A class is "good", "warning",
 * "bad", "unknown", "skipped" or "note".
 */
#ifndef VERIFY_REPORT_DOCUMENT_H
#define VERIFY_REPORT_DOCUMENT_H

#include <stddef.h>
#include <time.h>

#include "core/json.h"

json_t *document_new(const char *title, time_t now);
void    document_verdict(json_t *, const char *class, const char *word, const char *text);
/* To a document or one of its sections.  value NULL, or empty: nothing is added. */
void document_fact(json_t *, const char *name, const char *value);
void document_check(json_t *, const char *name, const char *class, const char *word,
                    const char *text);
/* f: "class", "word", "check", "object", "what" and what else is known; taken. */
void document_finding(json_t *, json_t *f);
/* A table to be filled, its columns named "a|b|c"; borrowed. */
json_t *document_table(json_t *, const char *title, const char *columns);
/* The same, at the end: a long one. */
json_t *document_appendix(json_t *, const char *title, const char *columns);
/* A row of n texts; NULL is an empty cell. */
void document_row(json_t *table, const char *const *cells, size_t n);
/* A part about one database; borrowed, until the document goes. */
json_t *document_section(json_t *, const char *title, const char *anchor);

/* A plot to be filled: borrowed, until the section goes.  unit: "bytes", "seconds", "count". */
json_t *document_plot(json_t *section, const char *title, const char *text, const char *unit);
/* Its next series; borrowed. */
json_t *document_series(json_t *plot, const char *name);
void    document_point(json_t *series, time_t at, double value);
void    document_limit(json_t *plot, const char *name, double value, const char *class);
/* Without any point there is nothing to show. */
void document_drop_empty(json_t *section);

#endif
