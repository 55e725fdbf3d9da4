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
    if (p == name) { /* empty, or not written by name_encode() */
        free(name);
        return NULL;
    }
    *p = '\0';
    return name;
}
