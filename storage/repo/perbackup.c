#include "storage/repo/perbackup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/human.h"
#include "storage/format/object.h"

char *
perbackup_key(const char *db, const char *dir, const char *backup, const char *suffix)
{
    char *enc = name_encode(db);
    char *key = xasprintf("%s/%s/%s%s.json", enc, dir, backup, suffix);

    free(enc);
    return key;
}

bool
perbackup_backup(const char *key, char *id)
{
    const char *slash = strrchr(key, '/');
    const char *name = slash == NULL ? key : slash + 1;
    size_t      n = strcspn(name, ".");

    if (n >= BACKUP_ID_MAX || name[n] == '\0') {
        return false;
    }
    memcpy(id, name, n);
    id[n] = '\0';
    return backup_id_valid(id);
}

static int
add_key(void *ctx, const struct object_info *info, struct err *e)
{
    char id[BACKUP_ID_MAX];

    (void)e;
    if (perbackup_backup(info->key, id)) {
        strlist_add(ctx, info->key);
    }
    return 0;
}

int
perbackup_list(struct repo *r, const char *db, const char *dir, struct strlist *keys, struct err *e)
{
    char *enc = name_encode(db);
    char *prefix = xasprintf("%s/%s/", enc, dir);
    int   rc = storage_list(r->st, prefix, add_key, keys, e);

    free(prefix);
    free(enc);
    return rc;
}

json_t *
perbackup_object(const char *type, const char *backup)
{
    json_t *o = object_new(type);
    char    host[256] = "", at[32];

    (void)gethostname(host, sizeof host - 1);
    (void)json_object_set_new(o, "backup", json_string(backup));
    (void)json_object_set_new(o, "created", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    object_set_text(o, "host", host);
    return o;
}
