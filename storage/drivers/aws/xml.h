/*
 * xml.h - the XML that S3 stores answer with (expat).
 *
 * Unknown elements are ignored; a DOCTYPE, depth beyond 16, a text beyond 8 KiB or another root
 * element is ERR_CORRUPT.  Numbers and names are not checked here, but by callers.
 */
#ifndef STORAGE_DRIVERS_AWS_XML_H
#define STORAGE_DRIVERS_AWS_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"

/* <Error>: texts are truncated to fit, cleaned for terminals, empty when missing. */
struct s3_error {
    char code[64];
    char message[256];
    char region[64]; /* the right one, if the store names it */
    char endpoint[128];
};
/* Any other body leaves everything empty. */
void s3_xml_error(const void *, size_t, struct s3_error *);

/* <DeleteResult>: calls back for each <Error>. */
typedef void s3_delete_error_fn(void *ctx, const char *key, const char *code, const char *message);
int          s3_xml_deleted(const void *, size_t, s3_delete_error_fn *, void *ctx, struct err *);

/* Text for an XML element, with & < > " escaped; allocated. */
char *s3_xml_escape(const char *);

/* ---- any other answer ---- */

struct s3_xml {
    const char *root; /* the required root element; NULL: any */
    /* path: elements below the root, "Error/Key".  text: of a leaf; NULL at the end of an
     * element that has children. */
    void (*element)(void *ctx, const char *path, const char *text);
    void *ctx;
};
int s3_xml_parse(const struct s3_xml *, const void *, size_t, struct err *);

#endif
