/*
 * template.h - a page is a template filled with JSON.
 *
 *     {{name}}              a text or a whole number, escaped (markup.h); nothing when it is
 * missing
 *     {{#name}} … {{/name}} for each element of an array; once for an object, a true or a text that
 *                           is not empty
 *     {{^name}} … {{/name}} when there is none of that
 *     {{.}}                 the element itself
 *
 * Names are looked up in the element, then in what is around it.  A template belongs to the
 * program: there is no way to get unescaped text into a page.
 */
#ifndef CORE_REPORT_TEMPLATE_H
#define CORE_REPORT_TEMPLATE_H

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

/* ERR_CORRUPT: the template is wrong, which names the place. */
int template_fill(const char *text, size_t n, const json_t *data, struct buf *out, struct err *);

#endif
