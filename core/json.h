/*
 * json.h - jansson with our rules (docs/repository-format.md, "Rules for all objects").
 *
 * Reading refuses duplicate keys, depth beyond 32, trailing bytes and NUL in
 * strings.  64-bit values that are not counts (fingerprints, identifiers) travel
 * as 16 hex digits; counts, sizes and times are plain integers, all below 2^53.
 * Bytes that are not UTF-8 travel as {"b64": "..."}.
 *
 * Nothing is silently left out.  No function of jansson's fails for lack of memory: the program
 * ends instead (mem.h).  And jansson's json_string() and json_pack() give NULL for text that is not
 * UTF-8, so that a key would be missing, or the whole object: here they are replaced.
 *
 * Getters name the key in their error (ERR_CORRUPT: key "x" is missing | is not a
 * string | ...).  What they return is borrowed from the object.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum { JSON_DEPTH_MAX = 32 };

/* The object or array in text; NULL and ERR_CORRUPT with line and reason. */
json_t *json_read(const void *text, size_t n, struct err *);
/* The same for secrets: the error quotes nothing of it. */
json_t *json_read_secret(const void *text, size_t n, struct err *);
/* Appends compact JSON, keys sorted, no newline. */
int json_write(const json_t *, struct buf *, struct err *);
/* "run_id": this run's (runid.h). */
void json_set_run(json_t *);
/* What a run has to say, to stdout: indented, keys sorted, with "run_id".  Takes the reference. */
int json_print(json_t *, struct err *);
/* The same of what is stored: its "run_id", if it has one, is that of the run that wrote it. */
int json_print_stored(json_t *, struct err *);

int json_get_str(const json_t *, const char *key, const char **, struct err *);
int json_get_int(const json_t *, const char *key, int64_t *, struct err *); /* >= 0 */
int json_get_bool(const json_t *, const char *key, bool *, struct err *);
int json_get_hex64(const json_t *, const char *key, uint64_t *, struct err *);
int json_get_array(const json_t *, const char *key, json_t **, struct err *);
int json_get_object(const json_t *, const char *key, json_t **, struct err *);
/* Value of a key that may be missing (then the default). */
const char *json_opt_str(const json_t *, const char *key, const char *dflt);
int64_t     json_opt_int(const json_t *, const char *key, int64_t dflt);
bool        json_opt_bool(const json_t *, const char *key, bool dflt);

json_t *json_hex64(uint64_t);
/* Keys, digests: bytes as lower-case hex digits.  The bytes may be a secret: the only copy left is
 * the object's. */
void json_set_hex(json_t *, const char *key, const uint8_t *, size_t n);
int  json_get_hex(const json_t *, const char *key, uint8_t *, size_t n,
                  struct err *); /* exactly n bytes */
/* Overwrites a string of the object before it is freed: it was a secret. */
void json_wipe(const json_t *, const char *key);
/* A string that may hold any bytes: a JSON string when it is UTF-8, else {"b64": …}. */
json_t *json_bytes(const char *, size_t);
json_t *json_text(const char *); /* json_bytes() of a C string; NULL gives null */
#define json_string(text) json_text(text)
/* An object: "{s:s, s:o}" as json_pack() takes it, of pairs of a key and one of s (json_text()), o,
 * O, I, b, f.  NULL only for an object that is NULL, and for a number that JSON cannot express. */
json_t *json_flat(const char *format, ...);
#define json_pack(...) json_flat(__VA_ARGS__)
/* The inverse; allocated.  NULL and ERR_CORRUPT when it is neither. */
char *json_bytes_get(const json_t *, size_t *n, struct err *);

#endif
