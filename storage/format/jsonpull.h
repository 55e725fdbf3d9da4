/*
 * jsonpull.h - reading a large JSON document piece by piece.
 *
 * A manifest can hold hundreds of thousands of ranges and chunks.  As one jansson tree they would
 * take ten times the memory of their contents.  So the outer levels are walked here, and each
 * element is parsed by jansson on its own, used and freed:
 *
 *     if (jsonpull_enter(&jp, '[', e) != 0) return -1;
 *     while ((more = jsonpull_item(&jp, e)) > 0) {
 *         json_t *v = jsonpull_value(&jp, e);
 *         ...
 *     }
 *
 * All errors are ERR_CORRUPT with the byte offset.
 */
#ifndef STORAGE_FORMAT_JSONPULL_H
#define STORAGE_FORMAT_JSONPULL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/json.h"

struct jsonpull {
    const char *start, *p, *end;
    bool        fresh; /* just entered: no comma is expected */
};

void jsonpull_init(struct jsonpull *, const void *text, size_t n);
/* Enters the object '{' or array '[' at this position. */
int jsonpull_enter(struct jsonpull *, char bracket, struct err *);
/* 1: an element of the array follows; 0: it ended (and was left); -1: error. */
int jsonpull_item(struct jsonpull *, struct err *);
/* The same for an object; *key (a string, the caller's) is read, the value follows. */
int jsonpull_key(struct jsonpull *, json_t **key, struct err *);
/* The whole value at this position; NULL on error. */
json_t *jsonpull_value(struct jsonpull *, struct err *);
/* Only white space may be left. */
int jsonpull_end(struct jsonpull *, struct err *);

#endif
