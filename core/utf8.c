#include "core/utf8.h"

#include <string.h>

size_t
utf8_decode(const char *text, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char  *s = (const unsigned char *)text;
    size_t                len;

    *code = s[0];
    if (s[0] < 0x80) {
        return 1;
    }
    len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len) {
        return 0;
    }
    *code = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (s[i] & 0x3f);
    }
    return *code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : len;
}

bool
utf8_valid(const char *s, size_t n)
{
    while (n > 0) {
        uint32_t code;
        size_t   len = utf8_decode(s, n, &code);

        if (len == 0) {
            return false;
        }
        s += len;
        n -= len;
    }
    return true;
}

void
utf8_clean(char *s)
{
    size_t n = strlen(s);

    while (n > 0) {
        uint32_t code;
        size_t   len = utf8_decode(s, n, &code);

        if (len == 0) {
            *s = '?';
            len = 1;
        }
        s += len;
        n -= len;
    }
}
