/*
 * marks.h - rows of a chunk as digests, by which the next backup finds what has not changed.
 *
 * A unit is a row, or a few short ones: a row ends its unit with a probability of its length by
 * MARKS_UNIT, decided by its own digest, so that units begin and end at the same rows whatever
 * happens to others.  On average a unit has some MARKS_UNIT bytes, or a row's, and never less than
 * MARKS_UNIT_MIN, however short the rows are and however many of them are equal.  Its mark is a
 * digest of 64 bits under a key of this host (kept.h).
 */
#ifndef BACKUP_DELTA_MARKS_H
#define BACKUP_DELTA_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "pg/rows/fingerprint.h"

enum { MARKS_UNIT = 256, MARKS_UNIT_MIN = 64, MARKS_KEY = 16 };

/* Zeroed at first. */
struct marks {
    uint64_t *digest; /* 0: nothing equals it */
    uint32_t *length; /* bytes */
    size_t    n, cap;
    uint64_t  open; /* digest of the unit at hand */
    uint32_t  open_length;
};

uint64_t marks_digest(const uint8_t key[MARKS_KEY], const void *, size_t);
/* A row of n bytes, with its fingerprint. */
void marks_row(struct marks *, const uint8_t key[MARKS_KEY], const struct row_print *, size_t n);
/* Bytes that are no whole row: a unit that equals nothing. */
void marks_part(struct marks *, size_t n);
/* Ends the unit at hand. */
void marks_end(struct marks *);
void marks_clear(struct marks *); /* keeps the memory */
void marks_free(struct marks *);

#endif
