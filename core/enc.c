#include "core/enc.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static const char digits[] = "0123456789abcdef";

void
hex_encode(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static int
hex_digit(char c)
{
    const char *p = c == '\0' ? NULL : strchr(digits, c);

    return p == NULL ? -1 : (int)(p - digits);
}

int
hex_decode(const char *text, size_t text_len, uint8_t *bytes, size_t n)
{
    if (text_len != 2 * n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return -1;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static bool
is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

char *
name_encode(const char *name)
{
    char *text = xmalloc(3 * strlen(name) + 1);
    char *p = text;

    for (; *name != '\0'; name++) {
        if (is_plain(*name)) {
            *p++ = *name;
        } else {
            *p++ = '%';
            hex_encode((const uint8_t *)name, 1, p);
            p += 2;
        }
    }
    *p = '\0';
    return text;
}

char *
name_decode(const char *text)
{
    char *name = xmalloc(strlen(text) + 1);
    char *p = name;

    for (; *text != '\0'; p++) {
        if (is_plain(*text)) {
            *p = *text++;
        } else if (*text == '%' &&
                   hex_decode(text + 1, strnlen(text + 1, 2), (uint8_t *)p, 1) == 0 && *p != '\0' &&
                   !is_plain(*p)) {
            text += 3;
        } else {
            p = name;
            break;
        }
    }
    if (p == name) { /* nothing, or not ours */
        free(name);
        return NULL;
    }
    *p = '\0';
    return name;
}

/* Bytes of the sequence that starts at s, or 0 when it is not valid. */
static size_t
utf8_len(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t              code;
    size_t                len;

    if (s[0] < 0x80) {
        return 1;
    }
    len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len) {
        return 0;
    }
    code = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3f);
    }
    return code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : len;
}

bool
utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;

    while (n > 0) {
        size_t len = utf8_len(p, n);

        if (len == 0) {
            return false;
        }
        p += len;
        n -= len;
    }
    return true;
}

void
utf8_clean(char *s)
{
    size_t n = strlen(s);

    while (n > 0) {
        size_t len = utf8_len((unsigned char *)s, n);

        if (len == 0) {
            *s = '?';
            len = 1;
        }
        s += len;
        n -= len;
    }
}

char *
utf8_printable(const char *text)
{
    char *clean = xstrdup(text);

    utf8_clean(clean);
    for (char *p = clean; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
    return clean;
}
