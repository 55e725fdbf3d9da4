#include "restore/job/preflight_findings.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/log.h"

void
preflight_add(struct preflight *p, struct preflight_finding x)
{
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n++] = x;
}

void
preflight_stop(struct preflight *p, const char *hint, char *text)
{
    preflight_add(
        p, (struct preflight_finding){.kind = PREFLIGHT_STOP, .text = text, .hint = xstrdup(hint)});
}

void
preflight_warn(struct preflight *p, char *text)
{
    preflight_add(p, (struct preflight_finding){.kind = PREFLIGHT_WARNING, .text = text});
}

void
preflight_note(struct preflight *p, char *text)
{
    preflight_add(p, (struct preflight_finding){.kind = PREFLIGHT_NOTE, .text = text});
}

bool
preflight_stops(const struct preflight *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].kind == PREFLIGHT_STOP) {
            return true;
        }
    }
    return false;
}

/* What to do: allocated, NULL when there is nothing. */
static char *
advice(const struct preflight_finding *x)
{
    if (x->sql == NULL) {
        return x->hint == NULL ? NULL : xstrdup(x->hint);
    }
    return x->hint == NULL ? xasprintf("SQL: %s", x->sql)
                           : xasprintf("%s; SQL: %s", x->hint, x->sql);
}

static void
say(const struct preflight_finding *x)
{
    static const enum log_level levels[] = {
        [PREFLIGHT_STOP] = LOG_ERROR, [PREFLIGHT_WARNING] = LOG_WARN, [PREFLIGHT_NOTE] = LOG_INFO};
    char *todo = advice(x);

    log_hinted(levels[x->kind], todo, "%s", x->text);
    free(todo);
}

int
preflight_report(const struct preflight *p, struct strlist *warnings, struct err *e)
{
    const struct preflight_finding *first = NULL;
    char                           *todo;

    for (size_t i = 0; i < p->n; i++) {
        const struct preflight_finding *x = &p->v[i];

        if (x->kind == PREFLIGHT_WARNING) {
            strlist_add(warnings, x->text);
        }
        if (x->kind == PREFLIGHT_STOP && first == NULL) {
            first = x;
        } else {
            say(x);
        }
    }
    if (first == NULL) {
        return 0;
    }
    err_set(e, ERR_PG, "%s", first->text);
    todo = advice(first);
    if (todo != NULL) {
        err_hint(e, "%s", todo);
    }
    free(todo);
    return -1;
}

json_t *
preflight_json(const struct preflight *p)
{
    static const char *const words[] = {"stop", "warning", "note"};
    json_t                  *all = json_array();

    for (size_t i = 0; i < p->n; i++) {
        const struct preflight_finding *x = &p->v[i];

        json_array_append_new(all,
                              json_pack("{s:s, s:o, s:o, s:o}", "class", words[x->kind], "text",
                                        json_text(x->text), "hint", json_text(x->hint), "sql",
                                        json_text(x->sql)));
    }
    return all;
}

void
preflight_free(struct preflight *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].text);
        free(p->v[i].hint);
        free(p->v[i].sql);
    }
    free(p->v);
    *p = (struct preflight){0};
}

char *
preflight_names(const struct strlist *l)
{
    enum { SHOWN = 12 };
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (size_t i = 0; i < l->n; i++) {
        if (i == SHOWN && l->n > SHOWN + 1) {
            (void)buf_printf(&b, &never, " and %zu more", l->n - i);
            break;
        }
        (void)buf_printf(&b, &never, "%s\"%s\"", i == 0 ? "" : ", ", l->v[i]);
    }
    text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}
