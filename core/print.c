#include "core/print.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/utf8.h"

enum { SHOWN_MAX = 12 }; /* "\U000e0001" and a NUL */

/* Characters besides the controls that a terminal obeys or does not show. */
static bool
is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x034f, 0x034f},   /* combining grapheme joiner, which joins nothing */
        {0x061c, 0x061c},   /* Arabic letter mark: direction */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x17b4, 0x17b5},   /* Khmer vowels that are not written */
        {0x180e, 0x180e},   /* Mongolian vowel separator */
        {0x200b, 0x200b},   /* zero width space; the joiners after it are needed in words */
        {0x200e, 0x200f},   /* left-to-right mark, right-to-left mark */
        {0x2028, 0x202e},   /* line and paragraph separator; embeddings and overrides */
        {0x2060, 0x206f},   /* invisible operators; isolates */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xffa0, 0xffa0},   /* half-width Hangul filler */
        {0xfff9, 0xfffb},   /* interlinear annotation */
        {0xfffe, 0xffff},   /* no characters: no XML may have them */
        {0x1d173, 0x1d17a}, /* beginnings and ends in music */
        {0xe0000, 0xe007f}, /* tags */
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* How the character at *s, where n bytes are left, is shown; *s moves past it.  Returns the
 * length. */
static size_t
show(const char **s, size_t n, char out[SHOWN_MAX])
{
    uint32_t    code;
    size_t      len = utf8_decode(*s, n, &code);
    const char *at = *s;

    *s += len == 0 ? 1 : len;
    if (code == '\n' || code == '\t') {
        return (size_t)snprintf(out, SHOWN_MAX, code == '\n' ? "\\n" : "\\t");
    }
    if (len == 0 || code < 0x20 || code == 0x7f) {
        return (size_t)snprintf(out, SHOWN_MAX, "\\x%02x", (unsigned char)*at);
    }
    if ((code >= 0x80 && code < 0xa0) || is_hidden(code)) {
        return (size_t)snprintf(out, SHOWN_MAX, code > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32,
                                code);
    }
    memcpy(out, at, len);
    out[len] = '\0';
    return len;
}

size_t
print_copy(char *out, size_t cap, const char *text)
{
    size_t      all = 0, used = 0;
    const char *end = text + strlen(text);

    while (text < end) {
        char   shown[SHOWN_MAX];
        size_t n = show(&text, (size_t)(end - text), shown);

        if (all == used && used + n < cap) {
            memcpy(out + used, shown, n);
            used += n;
        }
        all += n;
    }
    if (cap > 0) {
        out[used] = '\0';
    }
    return all;
}

/* At most n bytes of text, in one line. */
static void
put_line(FILE *f, const char *text, size_t n)
{
    const char *end = text + strnlen(text, n);

    while (text < end) {
        char   shown[SHOWN_MAX];
        size_t len = show(&text, (size_t)(end - text), shown);

        (void)fwrite(shown, 1, len, f);
    }
}

/* Characters that put_line() writes. */
static size_t
width_of(const char *text, size_t n)
{
    const char *end = text + strnlen(text, n);
    size_t      width = 0;

    while (text < end) {
        char   shown[SHOWN_MAX];
        size_t len = show(&text, (size_t)(end - text), shown);

        width += shown[0] == '\\' ? len : 1;
    }
    return width;
}

static void
put_blanks(FILE *f, size_t n)
{
    while (n-- > 0) {
        (void)putc(' ', f);
    }
}

void
print_lines(FILE *f, const char *text)
{
    const char *end = text + strlen(text);

    while (text < end) {
        size_t n = strcspn(text, "\n\t");

        put_line(f, text, n);
        text += n;
        if (*text == '\n' && text[1] != '\0') {
            (void)fputs("\n    ", f);
        } else if (*text == '\t') {
            (void)putc('\t', f);
        }
        text += text < end;
    }
}

/* One conversion of a format. */
struct conversion {
    char   spec[32]; /* "%-5.1f", with * replaced by the numbers given */
    size_t n;
    bool   left;
    int    width, precision; /* < 0: none */
    char   length;           /* 'H' for hh, 'L' for ll, 0 for none */
    char   type;
};

static void
add_spec(struct conversion *c, const char *text)
{
    size_t n = strlen(text);

    if (c->n + n < sizeof c->spec) {
        memcpy(c->spec + c->n, text, n + 1);
        c->n += n;
    }
}

/* The arguments of a format, to be passed on. */
struct arguments {
    va_list ap;
};

static int
read_number(struct conversion *c, const char **p, struct arguments *a)
{
    char text[16];
    int  n = 0;

    if (**p == '*') {
        (*p)++;
        n = va_arg(a->ap, int);
    } else {
        while (**p >= '0' && **p <= '9') {
            n = n * 10 + (*(*p)++ - '0');
        }
    }
    (void)snprintf(text, sizeof text, "%d", n);
    add_spec(c, text);
    return n;
}

/* p is after the per cent sign; the return value is after the conversion. */
static const char *
read_conversion(const char *p, struct conversion *c, struct arguments *a)
{
    char one[2] = "";

    *c = (struct conversion){.width = -1, .precision = -1};
    add_spec(c, "%");
    for (; *p != '\0' && strchr("-+ #0", *p) != NULL; p++) {
        c->left = c->left || *p == '-';
        one[0] = *p;
        add_spec(c, one);
    }
    if (*p == '*' || (*p >= '1' && *p <= '9')) {
        c->width = read_number(c, &p, a);
        c->left = c->left || c->width < 0;
        c->width = c->width < 0 ? -c->width : c->width;
    }
    if (*p == '.') {
        p++;
        add_spec(c, ".");
        c->precision = read_number(c, &p, a);
    }
    for (; *p != '\0' && strchr("hlzjt", *p) != NULL; p++) {
        c->length = c->length == *p ? (char)(*p - 'a' + 'A') : *p;
        one[0] = *p;
        add_spec(c, one);
    }
    c->type = *p;
    one[0] = *p;
    add_spec(c, one);
    return *p == '\0' ? p : p + 1;
}

static void
put_string(FILE *f, const struct conversion *c, const char *text)
{
    size_t max = c->precision < 0 ? SIZE_MAX : (size_t)c->precision;
    size_t width = text == NULL ? 0 : width_of(text, max);
    size_t pad = c->width > 0 && (size_t)c->width > width ? (size_t)c->width - width : 0;

    put_blanks(f, c->left ? 0 : pad);
    put_line(f, text == NULL ? "" : text, max);
    put_blanks(f, c->left ? pad : 0);
}

/* The compiler has checked the format against the arguments at the call. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void
put_number(FILE *f, const struct conversion *c, struct arguments *a)
{
    switch (c->length) {
    case 'l':
        (void)fprintf(f, c->spec, va_arg(a->ap, long));
        break;
    case 'L':
        (void)fprintf(f, c->spec, va_arg(a->ap, long long));
        break;
    case 'z':
        (void)fprintf(f, c->spec, va_arg(a->ap, size_t));
        break;
    case 'j':
        (void)fprintf(f, c->spec, va_arg(a->ap, intmax_t));
        break;
    case 't':
        (void)fprintf(f, c->spec, va_arg(a->ap, ptrdiff_t));
        break;
    default:
        (void)fprintf(f, c->spec, va_arg(a->ap, int));
        break;
    }
}

static void
put_conversion(FILE *f, const struct conversion *c, struct arguments *a)
{
    switch (c->type) {
    case 's':
        put_string(f, c, va_arg(a->ap, const char *));
        break;
    case 'f':
    case 'g':
    case 'e':
        (void)fprintf(f, c->spec, va_arg(a->ap, double));
        break;
    case 'p':
        (void)fprintf(f, c->spec, va_arg(a->ap, void *));
        break;
    case '%':
        (void)putc('%', f);
        break;
    default:
        put_number(f, c, a);
        break;
    }
}

#pragma GCC diagnostic pop

void
print_vto(FILE *f, const char *fmt, va_list ap)
{
    struct arguments a;

    va_copy(a.ap, ap);
    flockfile(f);
    while (*fmt != '\0') {
        size_t            n = strcspn(fmt, "%");
        struct conversion c;

        (void)fwrite(fmt, 1, n, f);
        fmt += n;
        if (*fmt == '%') {
            fmt = read_conversion(fmt + 1, &c, &a);
            put_conversion(f, &c, &a);
        }
    }
    funlockfile(f);
    va_end(a.ap);
}

void
print_to(FILE *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_vto(f, fmt, ap);
    va_end(ap);
}

void
print_out(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_vto(stdout, fmt, ap);
    va_end(ap);
}

void
print_raw(FILE *f, const char *text)
{
    (void)fputs(text, f);
}
