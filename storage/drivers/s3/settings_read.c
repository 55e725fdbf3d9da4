/* s3/settings.h: a setting as a text, and what is wrong with it. */
#include <stdbool.h>
#include <stdlib.h>

#include "core/mem.h"
#include "storage/contract/location.h"
#include "storage/drivers/s3/settings_in.h"

/* "region \"x\" (AWS_REGION): words" */
int
s3_setting_refuse(const struct storage_location *p, const char *key, const char *const *env,
                  const char *words, struct err *e)
{
    char *origin = storage_location_origin(p, key, env);

    err_set(e, ERR_USAGE, "%s: \"%s\" %s", origin, storage_location_get(p, key, env), words);
    free(origin);
    return -1;
}

/* What may stand in a header's value: no line break, nothing beyond ASCII. */
static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

int
s3_setting_text(const struct storage_location *p, const char *key, const char *const *env,
                char **out, struct err *e)
{
    const char *text = storage_location_get(p, key, env);

    if (text != NULL && !is_plain(text)) {
        return s3_setting_refuse(p, key, env, "holds a character that no header may", e);
    }
    *out = text == NULL ? NULL : xstrdup(text);
    return 0;
}
