#include "storage/repo/imported.h"

#include <string.h>

#include "core/enc.h"
#include "storage/repo/backuplist.h"

void
imported_id(const struct epoch *ep, const char *sha256, char out[SHA256_HEX + 1])
{
    char   *text = xasprintf("imported file %s\n", sha256); /* no chunk says that of a file */
    uint8_t id[SHA256_BYTES];

    hmac_sha256(ep->naming.data, text, strlen(text), id);
    hex_encode(id, sizeof id, out);
    free(text);
}

static bool
is_of(struct repo *r, const struct label *l, const struct imported_file *f)
{
    char                id[SHA256_HEX + 1];
    struct err          none = ERR_INIT;
    const struct epoch *ep = keyring_write(r->keys, l->epoch, false, &none);

    if (ep == NULL || l->snapshot < f->from || l->snapshot > f->until) {
        return false;
    }
    imported_id(ep, f->sha256, id);
    return strcmp(id, l->imported_id) == 0;
}

int
imported_find(struct repo *r, const char *db, const struct imported_file *f, char id[BACKUP_ID_MAX],
              struct err *e)
{
    struct backup_list list;

    id[0] = '\0';
    if (backup_list_look(r, db, &list, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n && id[0] == '\0'; i++) {
        const struct backup_entry *b = &list.v[i];

        if (b->state == BACKUP_COMMITTED && label_is_imported(b->label) && is_of(r, b->label, f)) {
            memcpy(id, b->id, BACKUP_ID_MAX);
        }
    }
    backup_list_free(&list);
    return 0;
}
