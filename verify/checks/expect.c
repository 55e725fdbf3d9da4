#include "verify/checks/expect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include "core/mem.h"

/* ---- numbers of any length ------------------------------------------------------------------ */

enum { EXPONENT_MAX = 1000000 };

/* 0.DIGITS * 10^point; no digits: zero. */
struct decimal {
    char  *digits; /* without leading zeros; owned */
    size_t n;
    long   point;
    bool   negative;
};

static const char *
take_digits(const char *s, struct decimal *d, bool before_point)
{
    for (; isdigit((unsigned char)*s); s++) {
        if (d->n > 0 || *s != '0')
            d->digits[d->n++] = *s;
        if (before_point && d->n > 0)
            d->point++;
        else if (!before_point && d->n == 0)
            d->point--;
    }
    return s;
}

/* -12, +0.50, .5, 1e+20. */
static bool
decimal_read(const char *text, struct decimal *d)
{
    const char *s = text, *from;
    char       *end;
    long        exponent = 0;
    size_t      seen;

    *d = (struct decimal){.digits = xcalloc(strlen(text) + 1, 1), .negative = *s == '-'};
    s += *s == '-' || *s == '+';
    from = s;
    s = take_digits(s, d, true);
    seen = (size_t)(s - from);
    if (*s == '.') {
        from = ++s;
        s = take_digits(s, d, false);
        seen += (size_t)(s - from);
    }
    if (seen > 0 && (*s == 'e' || *s == 'E') &&
        (isdigit((unsigned char)s[1]) ||
         ((s[1] == '-' || s[1] == '+') && isdigit((unsigned char)s[2])))) {
        exponent = strtol(s + 1, &end, 10);
        s = end;
    }
    while (d->n > 0 && d->digits[d->n - 1] == '0')
        d->n--;
    d->point += exponent;
    return seen > 0 && *s == '\0' && labs(exponent) <= EXPONENT_MAX;
}

/* Of the absolute values: below 0, 0, above. */
static int
compare_size(const struct decimal *a, const struct decimal *b)
{
    int order;

    if (a->n == 0 || b->n == 0)
        return (a->n > 0) - (b->n > 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    order = memcmp(a->digits, b->digits, MIN(a->n, b->n));
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

static int
compare_decimals(const struct decimal *a, const struct decimal *b)
{
    bool a_below = a->negative && a->n > 0, b_below = b->negative && b->n > 0;

    if (a_below != b_below)
        return a_below ? -1 : 1;
    return a_below ? compare_size(b, a) : compare_size(a, b);
}

/* False: one of them is no number. */
static bool
compare_numbers(const char *a, const char *b, int *order)
{
    struct decimal x, y;
    bool           x_is = decimal_read(a, &x), y_is = decimal_read(b, &y);

    *order = x_is && y_is ? compare_decimals(&x, &y) : 0;
    free(x.digits);
    free(y.digits);
    return x_is && y_is;
}

static bool
is_number(const char *text)
{
    int order;

    return compare_numbers(text, "0", &order);
}

/* ---- reading it ----------------------------------------------------------------------------- */

static const struct {
    const char      *text;
    enum expect_kind kind;
} words[] = {{"null", EXPECT_NULL}, {"not null", EXPECT_NOT_NULL}, {"no rows", EXPECT_NO_ROWS}};

/* Those of two characters first. */
static const struct {
    const char      *text;
    enum expect_kind kind;
} operators[] = {
    {"<>", EXPECT_OTHER}, {"!=", EXPECT_OTHER}, {"<=", EXPECT_AT_MOST}, {">=", EXPECT_AT_LEAST},
    {"<", EXPECT_LESS},   {">", EXPECT_MORE},   {"=", EXPECT_EQUAL},
};

static const char *
skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

static int
not_a_number(const char *text, struct err *e)
{
    return err_set(e, ERR_USAGE, "\"%s\" is not a number, and only numbers have an order", text);
}

/* What follows "between". */
static int
parse_between(const char *rest, struct expect *x, struct err *e)
{
    const char *low = skip_blanks(rest), *low_end = low + strcspn(low, " \t");
    const char *word = skip_blanks(low_end);
    const char *high = strncasecmp(word, "and", 3) == 0 ? skip_blanks(word + 3) : "";

    if (*low == '\0' || *high == '\0')
        return err_set(e, ERR_USAGE, "\"between\" needs two numbers: between 90 and 110");
    x->kind = EXPECT_BETWEEN;
    x->low = xstrndup(low, (size_t)(low_end - low));
    x->high = xstrdup(high);
    if (!is_number(x->low) || !is_number(x->high))
        return not_a_number(is_number(x->low) ? x->high : x->low, e);
    return 0;
}

static int
parse_operand(const char *text, struct expect *x, struct err *e)
{
    x->low = xstrdup(skip_blanks(text));
    if (x->kind == EXPECT_EQUAL || x->kind == EXPECT_OTHER || is_number(x->low))
        return 0;
    return not_a_number(x->low, e);
}

static int
parse(const char *text, struct expect *x, struct err *e)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i].text) == 0) {
            x->kind = words[i].kind;
            return 0;
        }
    }
    if (strncasecmp(text, "between", 7) == 0 && (text[7] == ' ' || text[7] == '\t'))
        return parse_between(text + 7, x, e);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t n = strlen(operators[i].text);

        if (strncmp(text, operators[i].text, n) == 0) {
            x->kind = operators[i].kind;
            return parse_operand(text + n, x, e);
        }
    }
    return parse_operand(text, x, e);
}

int
expect_parse(const char *text, struct expect *x, struct err *e)
{
    *x = (struct expect){.kind = EXPECT_EQUAL};
    if (*text == '\0')
        return err_set(e, ERR_USAGE, "nothing is expected");
    if (parse(text, x, e) == 0)
        return 0;
    expect_free(x);
    return -1;
}

void
expect_free(struct expect *x)
{
    free(x->low);
    free(x->high);
    *x = (struct expect){0};
}

/* ---- judging -------------------------------------------------------------------------------- */

/* A boolean is "t" from a server, and "true" to people. */
static bool
same_text(const char *want, const char *have)
{
    return strcmp(want, have) == 0 || (strcmp(want, "true") == 0 && strcmp(have, "t") == 0) ||
        (strcmp(want, "false") == 0 && strcmp(have, "f") == 0);
}

static bool
is_equal(const char *want, const char *have)
{
    int order;

    return compare_numbers(have, want, &order) ? order == 0 : same_text(want, have);
}

static int
judge_order(const struct expect *x, const char *value, bool *met, struct err *e)
{
    int low, high = 0;

    if (!compare_numbers(value, x->low, &low) ||
        (x->kind == EXPECT_BETWEEN && !compare_numbers(value, x->high, &high)))
        return err_set(e, ERR_PG, "\"%.80s\" is not a number", value);
    *met = x->kind == EXPECT_LESS    ? low < 0
        : x->kind == EXPECT_AT_MOST  ? low <= 0
        : x->kind == EXPECT_MORE     ? low > 0
        : x->kind == EXPECT_AT_LEAST ? low >= 0
                                     : low >= 0 && high <= 0;
    return 0;
}

int
expect_judge(const struct expect *x, const char *value, bool *met, struct err *e)
{
    *met = x->kind == EXPECT_NULL;
    if (value == NULL)
        return 0; /* is like nothing but null, as in SQL */
    switch (x->kind) {
    case EXPECT_NULL:
        *met = false;
        return 0;
    case EXPECT_NOT_NULL:
        *met = true;
        return 0;
    case EXPECT_EQUAL:
    case EXPECT_OTHER:
        *met = is_equal(x->low, value) == (x->kind == EXPECT_EQUAL);
        return 0;
    default:
        return judge_order(x, value, met, e);
    }
}
