#include "verify/checks/own.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"

enum { TIMEOUT_DEFAULT_S = 300, TIMEOUT_MAX_S = 86400 };

static const char *
get(const struct config *c, const char *name, const char *key)
{
    return config_get(c, "check", name, key);
}

/* The lines of a query as they stand there. */
static char *
joined(const struct config *c, const char *name, const char *key)
{
    struct strlist lines = {0};
    char          *text = xstrdup("");

    (void)config_list(c, "check", name, key, &lines);
    for (size_t i = 0; i < lines.n; i++) {
        char *longer = xasprintf("%s%s%s", text, i > 0 ? "\n" : "", lines.v[i]);

        free(text);
        text = longer;
    }
    strlist_free(&lines);
    return text;
}

/* What it asks: one thing. */
static int
read_kind(const struct config *c, struct own_check *k, struct err *e)
{
    static const char *const keys[] = {
        [OWN_QUERY] = "query", [OWN_NEWEST] = "newest", [OWN_COMMAND] = "command"};
    size_t given = 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (get(c, k->name, keys[i]) != NULL) {
            k->kind = (enum own_kind)i;
            given++;
        }
    }
    if (given != 1)
        return err_set(e, ERR_USAGE, "it needs one of query, newest and command");
    k->text = joined(c, k->name, keys[k->kind]);
    if (*k->text == '\0')
        return err_set(e, ERR_USAGE, "%s is empty", keys[k->kind]);
    return k->kind == OWN_NEWEST ? column_parse(k->text, &k->column, e) : 0;
}

static int
refuse_key(const struct config *c, const struct own_check *k, const char *key, const char *owner,
           struct err *e)
{
    return get(c, k->name, key) == NULL ? 0 : err_set(e, ERR_USAGE, "%s is for %s", key, owner);
}

static int
read_expect(const struct config *c, struct own_check *k, struct err *e)
{
    k->expect_text = get(c, k->name, "expect");
    k->expects = k->expect_text != NULL;
    if (k->kind == OWN_NEWEST)
        return refuse_key(c, k, "expect", "a query or a command", e);
    if (!k->expects)
        return k->kind == OWN_COMMAND ? 0
                                      : err_set(e, ERR_USAGE,
                                                "expect is missing: what is right?  expect = 0, or "
                                                "> 0, or no rows");
    if (expect_parse(k->expect_text, &k->expect, e) != 0)
        return err_wrap(e, "expect");
    if (k->kind == OWN_COMMAND && k->expect.kind >= EXPECT_NULL)
        return err_set(e, ERR_USAGE, "a command prints no \"%s\"", k->expect_text);
    return 0;
}

static int
read_age(const struct config *c, struct own_check *k, struct err *e)
{
    const char *text = get(c, k->name, "not-older");

    if (k->kind != OWN_NEWEST)
        return refuse_key(c, k, "not-older", "newest", e);
    if (text == NULL || duration_parse(text, &k->not_older_s) != 0)
        return err_set(e, ERR_USAGE, "not-older is %s, not a time such as 90m, 26h or 3d",
                       text == NULL ? "missing" : text);
    return 0;
}

static int
read_timeout(const struct config *c, struct own_check *k, struct err *e)
{
    const char *text = get(c, k->name, "timeout");
    uint64_t    seconds = TIMEOUT_DEFAULT_S;

    if (text != NULL &&
        (duration_parse(text, &seconds) != 0 || seconds == 0 || seconds > TIMEOUT_MAX_S))
        return err_set(e, ERR_USAGE, "timeout \"%s\" is not a time such as 30s or 5m, up to a day",
                       text);
    k->timeout_s = (int)seconds;
    return 0;
}

static int
read_live(const struct config *c, struct own_check *k, struct err *e)
{
    const char *text = get(c, k->name, "live");

    k->live = text != NULL && strcmp(text, "yes") == 0;
    if (text != NULL && !k->live && strcmp(text, "no") != 0)
        return err_set(e, ERR_USAGE, "live is \"%s\", not yes or no", text);
    if (k->live && k->kind == OWN_COMMAND) {
        err_set(e, ERR_USAGE, "a command is never run on a live database");
        return err_hint(e, "a query can be: it is read-only");
    }
    return 0;
}

static int
read_check(const struct config *c, struct own_check *k, struct err *e)
{
    if (read_kind(c, k, e) != 0 || read_expect(c, k, e) != 0 || read_age(c, k, e) != 0 ||
        read_timeout(c, k, e) != 0 || read_live(c, k, e) != 0)
        return -1;
    k->search_path = get(c, k->name, "search-path");
    return k->kind == OWN_COMMAND ? refuse_key(c, k, "search-path", "a query or newest", e) : 0;
}

static void
check_free(struct own_check *k)
{
    free(k->text);
    column_free(&k->column);
    expect_free(&k->expect);
}

int
own_checks_read(const struct config *c, const char *database, bool live, struct own_checks *out,
                struct err *e)
{
    const char *name;
    int         rc = 0;

    *out = (struct own_checks){0};
    for (size_t i = 0; rc == 0 && (name = config_section(c, "check", i)) != NULL; i++) {
        struct own_check k = {.name = name};
        struct strlist   databases = {0};

        (void)config_list(c, "check", name, "database", &databases);
        rc = read_check(c, &k, e);
        if (rc == 0 && databases.n == 0)
            rc = err_set(e, ERR_USAGE, "database is missing: whose drills make it?");
        if (rc != 0)
            err_wrap(e, "%s: [check %s]", config_path(c), name);
        if (rc == 0 && strlist_has(&databases, database) && (k.live || !live)) {
            VEC_GROW(out->v, out->n, out->cap);
            out->v[out->n++] = k;
        } else {
            check_free(&k);
        }
        strlist_free(&databases);
    }
    if (rc != 0)
        own_checks_free(out);
    return rc;
}

void
own_checks_free(struct own_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        check_free(&checks->v[i]);
    free(checks->v);
    *checks = (struct own_checks){0};
}

/* ---- of which databases ---- */

static bool
has_section(const struct config *c, const char *database)
{
    const char *name;

    for (size_t i = 0; (name = config_section(c, "database", i)) != NULL; i++)
        if (strcmp(name, database) == 0)
            return true;
    return false;
}

bool
own_checks_name_another(const struct config *c, const char *database)
{
    const char *name;
    bool        another = false;

    for (size_t i = 0; !another && (name = config_section(c, "check", i)) != NULL; i++) {
        struct strlist databases = {0};

        (void)config_list(c, "check", name, "database", &databases);
        for (size_t k = 0; k < databases.n; k++)
            another |= strcmp(databases.v[k], database) != 0;
        strlist_free(&databases);
    }
    return another;
}

void
own_checks_warn(const struct config *c, const struct strlist *known)
{
    const char *name;

    for (size_t i = 0; (name = config_section(c, "check", i)) != NULL; i++) {
        struct strlist databases = {0};

        (void)config_list(c, "check", name, "database", &databases);
        for (size_t k = 0; k < databases.n; k++)
            if (!strlist_has(known, databases.v[k]) && !has_section(c, databases.v[k]))
                log_warn(
                    "[check %s] is for database \"%s\", of which there is neither a backup here "
                    "nor a section [database %s]: it is not made",
                    name, databases.v[k], databases.v[k]);
        strlist_free(&databases);
    }
}
