/* What the name of a dump says of its time is a time, and the name of the database is a part of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/when.h"
#include "storage/exchange/dumpname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char            *file = xstrndup((const char *)data, n);
    struct dump_name d;
    struct when      w;
    struct err       e = ERR_INIT;

    if (dump_name_parse(file, n % 2 == 0, &d) == DUMP_NAME_GOOD &&
        ((d.db != NULL && (*d.db == '\0' || strstr(file, d.db) == NULL)) ||
         when_parse(d.taken, (time_t)7300000000, &w, &e) != 0)) {
        abort();
    }
    free(d.db);
    free(file);
    return 0;
}
