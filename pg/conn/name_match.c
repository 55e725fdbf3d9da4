#include "pg/conn/name_match.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "pg/conn/pattern.h"

/* "?" is one character, of one byte or of several in UTF-8; the expression is matched byte by byte.
 * A full stop without a backslash is always "?", or the beginning of "*". */
static char *
by_bytes(const char *regex)
{
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (const char *p = regex; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0') {
            (void)buf_append(&out, p++, 2, &never);
        } else if (*p == '.' && p[1] != '*') {
            (void)buf_puts(&out, "([^\x80-\xbf][\x80-\xbf]*)", &never);
        } else {
            (void)buf_append(&out, p, 1, &never);
        }
    }
    text = xstrdup(buf_str(&out));
    buf_free(&out);
    return text;
}

static int
compile(regex_t *out, const char *regex, const char *pattern, struct err *e)
{
    char *text = by_bytes(regex);
    char  why[128];
    int   code = regcomp(out, text, REG_EXTENDED | REG_NOSUB);

    free(text);
    if (code == 0) {
        return 0;
    }
    (void)regerror(code, out, why, sizeof why);
    err_set(e, ERR_USAGE, "pattern \"%s\": %s", pattern, why);
    return err_hint(e, "in double quotes, which are part of the pattern, each character is itself");
}

static int
read_one(const char *pattern, bool of_schemas, struct name_pattern *out, struct err *e)
{
    char *schema, *name;
    int   rc = pattern_parse(pattern, &schema, &name, e);

    *out = (struct name_pattern){.text = pattern, .has_schema = schema != NULL};
    if (rc == 0 && of_schemas && schema != NULL) {
        rc = err_set(e, ERR_USAGE, "schema pattern \"%s\" has a dot outside quotes", pattern);
    }
    rc = rc == 0 ? compile(&out->name, name, pattern, e) : rc;
    if (rc == 0 && schema != NULL && compile(&out->schema, schema, pattern, e) != 0) {
        regfree(&out->name);
        rc = -1;
    }
    free(schema);
    free(name);
    return rc;
}

int
name_patterns_read(const struct strlist *patterns, bool of_schemas, struct name_patterns *out,
                   struct err *e)
{
    *out = (struct name_patterns){.v = xcalloc(patterns->n + 1, sizeof *out->v)};
    for (size_t i = 0; i < patterns->n; i++) {
        if (read_one(patterns->v[i], of_schemas, &out->v[i], e) != 0) {
            name_patterns_free(out);
            return -1;
        }
        out->n++;
    }
    return 0;
}

void
name_patterns_free(struct name_patterns *l)
{
    for (size_t i = 0; i < l->n; i++) {
        regfree(&l->v[i].name);
        if (l->v[i].has_schema) {
            regfree(&l->v[i].schema);
        }
    }
    free(l->v);
    *l = (struct name_patterns){0};
}

bool
name_patterns_match(struct name_patterns *l, const char *schema, const char *name)
{
    bool any = false;

    for (size_t i = 0; i < l->n; i++) {
        struct name_pattern *p = &l->v[i];

        if (regexec(&p->name, name, 0, NULL, 0) == 0 &&
            (!p->has_schema || (schema != NULL && regexec(&p->schema, schema, 0, NULL, 0) == 0))) {
            p->matched = any = true;
        }
    }
    return any;
}

const char *
name_patterns_idle(const struct name_patterns *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!l->v[i].matched) {
            return l->v[i].text;
        }
    }
    return NULL;
}
