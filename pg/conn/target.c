#include "pg/conn/target.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static PQconninfoOption *
parse(const char *conninfo)
{
    return conninfo != NULL && strpbrk(conninfo, "=/") != NULL ? PQconninfoParse(conninfo, NULL)
                                                               : NULL;
}

static bool
says(const PQconninfoOption *parsed, const char *key)
{
    for (const PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++) {
        if (strcmp(o->keyword, key) == 0) {
            return o->val != NULL && *o->val != '\0';
        }
    }
    return false;
}

void
pg_target_settle(struct pg_target *t, const struct opts_result *given, bool conninfo_given)
{
    PQconninfoOption *parsed = parse(t->conninfo);
    const struct {
        const char **value, *option, *key, *or_key;
    } parts[] = {
        {&t->host, "host", "host", "hostaddr"},
        {&t->port, "port", "port", "port"},
        {&t->user, "username", "user", "user"},
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bool in_string = says(parsed, parts[i].key) || says(parsed, parts[i].or_key) ||
            says(parsed, "service");

        if (strlist_has(&given->given, parts[i].option)) {
            continue;
        }
        if (strlist_has(&given->from_env, parts[i].option)) {
            /* libpq itself reads from the environment what a string does not set. */
            *parts[i].value = conninfo_given ? NULL : *parts[i].value;
        } else if (in_string || getenv("PGSERVICE") != NULL) {
            *parts[i].value = NULL;
        }
    }
    PQconninfoFree(parsed);
}

char *
pg_conninfo_without(const char *conninfo, const char *key)
{
    PQconninfoOption *parsed = parse(conninfo);
    struct buf        out = BUF_INIT(BUF_NO_LIMIT);
    char             *text = NULL;

    if (says(parsed, key)) {
        for (const PQconninfoOption *o = parsed; o->keyword != NULL; o++) {
            if (o->val != NULL && strcmp(o->keyword, key) != 0) {
                pg_conninfo_add(&out, o->keyword, o->val);
            }
        }
        text = xstrdup(buf_str(&out));
    }
    buf_free(&out);
    PQconninfoFree(parsed);
    return text;
}
