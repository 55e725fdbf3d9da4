#include "storage/format/backupid.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/mem.h"

bool
backup_id_valid(const char *id)
{
    static const char shape[] =
        "dddddddd"
        "T"
        "dddddd"
        "Z-"
        "xxxx";
    size_t n = strlen(id);

    if (n != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *allowed = shape[i] == 'd' ? "0123456789"
            : shape[i] == 'x'                 ? "0123456789abcdef"
                                              : NULL;

        if (allowed == NULL ? id[i] != shape[i] : strchr(allowed, id[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static char *
key_in(const char *db, const char *dir, const char *id, const char *object)
{
    char *enc = name_encode(db);
    char *key = xasprintf("%s/%s/%s/%s", enc, dir, id, object);

    free(enc);
    return key;
}

char *
backup_key(const char *db, const char *id, const char *object)
{
    return key_in(db, "backups", id, object);
}

char *
baseline_key(const char *db, const char *id, const char *object)
{
    return key_in(db, "baselines", id, object);
}
