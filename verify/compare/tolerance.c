#include "verify/compare/tolerance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/conn/name_match.h"

struct tolerance_section {
    const char          *name; /* borrowed from the configuration */
    struct strlist       text; /* of the pattern, which borrows it */
    struct name_patterns pattern;
    struct tolerance     allowed;
};

struct tolerances {
    struct tolerance_section *v;
    size_t                    n, cap;
};

/* "±5%", "+-0.5%", "+/-5%", "5%". */
static int
parse_percent(const char *text, double *percent)
{
    static const char *const signs[] = {"\xc2\xb1", "+/-", "+-"};
    char                    *end;
    size_t                   n;

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strncmp(text, signs[i], strlen(signs[i])) == 0) {
            text += strlen(signs[i]);
            break;
        }
    }
    text += strspn(text, " ");
    n = strspn(text, "0123456789.");
    if (n == 0 || n > 8) {
        return -1;
    }
    *percent = strtod(text, &end);
    if (end != text + n) {
        return -1;
    }
    end += strspn(end, " ");
    return strcmp(end, "%") == 0 && *percent > 0 && *percent <= 1000 ? 0 : -1;
}

int
tolerance_parse(const char *rows, struct tolerance *x, struct err *e)
{
    static const char *const words[] = {[TOLERANCE_EXACT] = "exact",
                                        [TOLERANCE_STATIC] = "static",
                                        [TOLERANCE_GROWS] = "only-grows",
                                        [TOLERANCE_WITHIN] = "",
                                        [TOLERANCE_IGNORE] = "ignore"};

    *x = (struct tolerance){.said = true};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (*rows != '\0' && strcmp(rows, words[i]) == 0) {
            x->kind = (enum tolerance_kind)i;
            return 0;
        }
    }
    x->kind = TOLERANCE_WITHIN;
    return parse_percent(rows, &x->percent) == 0 ? 0
                                                 : err_set(e, ERR_USAGE,
                                                           "rows \"%s\" is none of exact, static, "
                                                           "only-grows, ignore and a share such as "
                                                           "\xc2\xb1"
                                                           "5%%",
                                                           rows);
}

bool
tolerance_holds(const struct tolerance *x, uint64_t want, uint64_t have, bool estimated)
{
    double slack = (estimated ? TOLERANCE_ESTIMATE_PERCENT : 0.0) +
        (x->kind == TOLERANCE_WITHIN ? x->percent : 0.0);
    double apart = (have > want ? (double)(have - want) : (double)(want - have)) * 100;

    if (x->kind == TOLERANCE_IGNORE || (x->kind == TOLERANCE_GROWS && have >= want)) {
        return true;
    }
    return slack > 0 ? apart <= slack * (double)want : have == want;
}

const char *
tolerance_text(const struct tolerance *x, char *text, size_t size)
{
    if (x->kind == TOLERANCE_GROWS) {
        (void)snprintf(text, size, ", which only grows");
    } else if (x->kind == TOLERANCE_WITHIN) {
        (void)snprintf(text, size, ", give or take %g %%", x->percent);
    } else {
        (void)snprintf(text, size, "%s", "");
    }
    return text;
}

/* ---- the sections ---- */

static int
read_section(const struct config *config, const char *name, const char *pattern,
             struct tolerance_section *s, struct err *e)
{
    const char *rows = config_get(config, "expect", name, "rows");

    if (rows == NULL) {
        err_set(e, ERR_USAGE, "there is no \"rows\"");
        return err_hint(e,
                        "rows = exact, static, only-grows, \xc2\xb1"
                        "5%%, or ignore with a reason");
    }
    if (tolerance_parse(rows, &s->allowed, e) != 0) {
        return -1;
    }
    s->name = name;
    s->allowed.reason = config_get(config, "expect", name, "reason");
    if (s->allowed.kind == TOLERANCE_IGNORE &&
        (s->allowed.reason == NULL || *s->allowed.reason == '\0')) {
        return err_set(e, ERR_USAGE, "rows = ignore needs a reason");
    }
    strlist_add(&s->text, pattern);
    return name_patterns_read(&s->text, false, &s->pattern, e);
}

int
tolerances_load(const struct config *config, const char *db, struct tolerances **out, struct err *e)
{
    size_t      n = strlen(db);
    const char *name;
    int         rc = 0;

    *out = xcalloc(1, sizeof **out);
    for (size_t i = 0; rc == 0 && (name = config_section(config, "expect", i)) != NULL; i++) {
        struct tolerances *x = *out;

        if (strncmp(name, db, n) != 0 || name[n] != '.') {
            continue;
        }
        VEC_GROW(x->v, x->n, x->cap);
        x->v[x->n] = (struct tolerance_section){0};
        rc = read_section(config, name, name + n + 1, &x->v[x->n], e);
        if (rc != 0) {
            (void)err_wrap(e, "[expect %s]", name);
        }
        x->n++;
    }
    if (rc != 0) {
        tolerances_free(*out);
        *out = NULL;
    }
    return rc;
}

void
tolerances_free(struct tolerances *x)
{
    if (x == NULL) {
        return;
    }
    for (size_t i = 0; i < x->n; i++) {
        name_patterns_free(&x->v[i].pattern);
        strlist_free(&x->v[i].text);
    }
    free(x->v);
    free(x);
}

struct tolerance
tolerances_of(struct tolerances *x, const char *schema, const char *name)
{
    struct tolerance found = {.kind = TOLERANCE_EXACT};

    for (size_t i = 0; x != NULL && i < x->n; i++) {
        if (name_patterns_match(&x->v[i].pattern, schema, name)) {
            found = x->v[i].allowed;
        }
    }
    return found;
}

bool
tolerances_any(const struct tolerances *x)
{
    return x != NULL && x->n > 0;
}

const char *
tolerances_idle(const struct tolerances *x, size_t *at)
{
    for (; x != NULL && *at < x->n; (*at)++) {
        if (name_patterns_idle(&x->v[*at].pattern) != NULL) {
            return x->v[(*at)++].name;
        }
    }
    return NULL;
}
