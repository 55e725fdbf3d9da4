#include "storage/drivers/aws/xml.h"

#include <ctype.h>
#include <expat.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/utf8.h"

enum { DEPTH_MAX = 16, TEXT_MAX = 8 << 10, PATH_LEN_MAX = 256 };

struct walk {
    const struct s3_xml *x;
    XML_Parser           parser;
    struct buf           text;
    char                 path[PATH_LEN_MAX]; /* below the root */
    size_t               depth;
    bool                 leaf;  /* nothing was opened since the last start */
    const char          *wrong; /* the first error */
};

static void
fail(struct walk *w, const char *wrong)
{
    if (w->wrong == NULL) {
        w->wrong = wrong;
        (void)XML_StopParser(w->parser, XML_FALSE);
    }
}

static void
on_start(void *ctx, const char *name, const char **attributes)
{
    struct walk *w = ctx;
    size_t       n = strlen(w->path);

    (void)attributes;
    if (w->depth == 0 && w->x->root != NULL && strcmp(name, w->x->root) != 0) {
        fail(w, "is another document");
        return;
    }
    if (w->depth > 0) {
        if (w->depth >= DEPTH_MAX || n + strlen(name) + 2 > sizeof w->path) {
            fail(w, "is too deep");
            return;
        }
        (void)snprintf(w->path + n, sizeof w->path - n, "%s%s", n == 0 ? "" : "/", name);
    }
    w->depth++;
    w->leaf = true;
    buf_clear(&w->text);
}

static void
on_text(void *ctx, const char *text, int n)
{
    struct walk *w = ctx;
    struct err   e = ERR_INIT;

    if (w->leaf && buf_append(&w->text, text, (size_t)n, &e) != 0) {
        fail(w, "has a text that is too long");
    }
}

static void
on_end(void *ctx, const char *name)
{
    struct walk *w = ctx;
    char        *slash = strrchr(w->path, '/');

    (void)name;
    w->depth--;
    if (w->depth == 0) {
        return;
    }
    w->x->element(w->x->ctx, w->path, w->leaf ? buf_str(&w->text) : NULL);
    *(slash == NULL ? w->path : slash) = '\0';
    w->leaf = false;
}

static void
on_doctype(void *ctx, const char *name, const char *system, const char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    fail(ctx, "has a DOCTYPE");
}

int
s3_xml_parse(const struct s3_xml *x, const void *bytes, size_t n, struct err *e)
{
    struct walk w = {.x = x, .text = BUF_INIT(TEXT_MAX), .parser = XML_ParserCreate(NULL)};
    int         rc = 0;

    if (w.parser == NULL || n > INT_MAX) {
        XML_ParserFree(w.parser);
        return err_set(e, ERR_IO, "expat: out of memory");
    }
    if (buf_reserve(&w.text, TEXT_MAX, e) != 0) {
        XML_ParserFree(w.parser);
        return -1;
    }
    XML_SetUserData(w.parser, &w);
    XML_SetElementHandler(w.parser, on_start, on_end);
    XML_SetCharacterDataHandler(w.parser, on_text);
    XML_SetStartDoctypeDeclHandler(w.parser, on_doctype);
    if (XML_Parse(w.parser, bytes, (int)n, XML_TRUE) != XML_STATUS_OK) {
        rc = err_set(e, ERR_CORRUPT, "the answer %s%s", w.wrong != NULL ? "" : "is not XML: ",
                     w.wrong != NULL ? w.wrong : XML_ErrorString(XML_GetErrorCode(w.parser)));
    }
    XML_ParserFree(w.parser);
    sodium_memzero(w.text.data, w.text.cap); /* STS sends secrets this way */
    buf_free(&w.text);
    return rc;
}

/* ---- errors ---- */

static void
copy_clean(char *to, size_t cap, const char *text)
{
    (void)snprintf(to, cap, "%s", text);
    utf8_clean(to);
    for (; *to != '\0'; to++) {
        if (iscntrl((unsigned char)*to)) {
            *to = ' ';
        }
    }
}

static void
error_element(void *ctx, const char *path, const char *text)
{
    struct s3_error *out = ctx;

    if (text == NULL) {
        return;
    }
    if (strcmp(path, "Code") == 0) {
        copy_clean(out->code, sizeof out->code, text);
    } else if (strcmp(path, "Message") == 0) {
        copy_clean(out->message, sizeof out->message, text);
    } else if (strcmp(path, "Region") == 0) {
        copy_clean(out->region, sizeof out->region, text);
    } else if (strcmp(path, "Endpoint") == 0) {
        copy_clean(out->endpoint, sizeof out->endpoint, text);
    }
}

void
s3_xml_error(const void *bytes, size_t n, struct s3_error *out)
{
    struct s3_xml x = {.root = "Error", .element = error_element, .ctx = out};
    struct err    e = ERR_INIT;

    *out = (struct s3_error){0};
    if (s3_xml_parse(&x, bytes, n, &e) != 0) {
        *out = (struct s3_error){0};
    }
}

/* ---- bulk deletes ---- */

struct delete_walk {
    s3_delete_error_fn *fn;
    void               *ctx;
    char               *key;
    struct s3_error     error;
};

static void
delete_element(void *ctx, const char *path, const char *text)
{
    struct delete_walk *w = ctx;

    if (strcmp(path, "Error") == 0) {
        w->fn(w->ctx, w->key == NULL ? "" : w->key, w->error.code, w->error.message);
        free(w->key);
        w->key = NULL;
        w->error = (struct s3_error){0};
    } else if (text != NULL && strcmp(path, "Error/Key") == 0) {
        free(w->key);
        w->key = xstrdup(text);
    } else if (strncmp(path, "Error/", 6) == 0) {
        error_element(&w->error, path + 6, text);
    }
}

int
s3_xml_deleted(const void *bytes, size_t n, s3_delete_error_fn *fn, void *ctx, struct err *e)
{
    struct delete_walk w = {.fn = fn, .ctx = ctx};
    struct s3_xml      x = {.root = "DeleteResult", .element = delete_element, .ctx = &w};
    int                rc = s3_xml_parse(&x, bytes, n, e);

    free(w.key);
    return rc;
}

char *
s3_xml_escape(const char *text)
{
    char *out = xmalloc(6 * strlen(text) + 1);
    char *p = out;

    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            p = stpcpy(p, "&amp;");
            break;
        case '<':
            p = stpcpy(p, "&lt;");
            break;
        case '>':
            p = stpcpy(p, "&gt;");
            break;
        case '"':
            p = stpcpy(p, "&quot;");
            break;
        default:
            *p++ = *text;
        }
    }
    *p = '\0';
    return out;
}
