/*
 * ledger_name.c - the names of records: "20261121T021500Z-123456-scrub-<sha256>".
 */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "storage/repo/ledger_impl.h"

char *
ledger_key(const char *db, const char *name)
{
    char *enc = name_encode(db);
    char *key = name == NULL ? xasprintf("%s/ledger/", enc)
                             : xasprintf("%s/ledger/%s.json", enc, name);

    free(enc);
    return key;
}

const char *
ledger_name_digest(const char *name)
{
    size_t n = strlen(name);

    return n <= LEDGER_EVENT_AT + 1 + SHA256_HEX || n >= LEDGER_NAME_MAX ? NULL
                                                                         : name + n - SHA256_HEX;
}

bool
ledger_name_valid(const char *name)
{
    const char *digest = ledger_name_digest(name);

    return digest != NULL && name[16] == '-' && name[LEDGER_EVENT_AT - 1] == '-' &&
        digest[-1] == '-' && strspn(digest, "0123456789abcdef") == SHA256_HEX &&
        strchr(name, '/') == NULL && strchr(name, '.') == NULL;
}

static int
add_name(void *names, const struct object_info *info, struct err *e)
{
    const char *slash = strrchr(info->key, '/');
    const char *name = slash == NULL ? info->key : slash + 1;
    size_t      n = strcspn(name, ".");
    char       *copy = xstrndup(name, n);

    (void)e;
    if (strcmp(name + n, ".json") == 0 && ledger_name_valid(copy)) {
        strlist_take(names, copy);
    } else {
        free(copy);
    }
    return 0;
}

int
ledger_names(struct repo *r, const char *db, struct strlist *names, struct err *e)
{
    char *prefix = ledger_key(db, NULL);
    int   rc = storage_list(r->st, prefix, add_name, names, e);

    free(prefix);
    strlist_sort(names);
    return rc == 0 ? 0 : err_wrap(e, "ledger of \"%s\"", db);
}
