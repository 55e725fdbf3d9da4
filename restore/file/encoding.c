#include "restore/file/encoding.h"

#include <string.h>

bool
encoding_is_clients(const char *name, size_t n)
{
    static const char *const names[] = {
        "sjis",   "shiftjis",   "mskanji",    "win932", "windows932",  "big5",
        "win950", "windows950", "gbk",        "win936", "windows936",  "gb18030",
        "uhc",    "win949",     "windows949", "johab",  "shiftjis2004"};
    char   plain[16];
    size_t m = 0;

    /* As the server compares: letters and digits, in any case. */
    for (size_t i = 0; i < n && m + 1 < sizeof plain; i++) {
        char b = name[i];

        if ((b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z')) {
            plain[m++] = b >= 'A' ? (char)(b | 0x20) : b;
        }
    }
    plain[m] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], plain) == 0) {
            return true;
        }
    }
    return false;
}
