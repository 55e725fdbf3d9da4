#include "core/cli/opts_log.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/log.h"
#include "core/progress.h"

static struct {
    const char *name, *text; /* the option; its other value */
    void (*set)(bool json);
    bool json;
} known[] = {{"log-format", "text", log_as_json, false},
             {"progress", "line", progress_as_json, false}};

int
opts_log_set(const char *name, const char *text, struct err *e)
{
    size_t i = strcmp(name, known[0].name) == 0 ? 0 : 1;
    bool   json = strcmp(text, "json") == 0;

    if (!json && strcmp(text, known[i].text) != 0) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is neither %s nor json", name, text,
                       known[i].text);
    }
    known[i].json = json;
    known[i].set(json);
    return 0;
}

const char *
opts_log_text(const char *name)
{
    size_t i = strcmp(name, known[0].name) == 0 ? 0 : 1;

    return known[i].json ? "json" : known[i].text;
}
