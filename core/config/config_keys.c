#include "core/config/config_impl.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/similar.h"

static const struct config_key common[] = {
    {"repo", CONFIG_COMMA_LIST, "where backups are: a directory, a URL, or the NAME of a [repo]",
     NULL},
    /* backup */
    {"jobs", CONFIG_TEXT, "parallel workers", NULL},
    {"compress", CONFIG_TEXT, "zstd[:LEVEL], gzip[:LEVEL] or none", NULL},
    {"copy-format", CONFIG_TEXT, "auto or text", NULL},
    {"whole", CONFIG_TEXT, "yes: what has changed is stored as whole chunks", NULL},
    {"delta-state", CONFIG_TEXT, "MiB of row digests that this host may keep of a database", NULL},
    {"read-all-every", CONFIG_TEXT, "each N-th backup reads what has not changed, too", NULL},
    {"lock-timeout", CONFIG_TEXT, "seconds to wait for a locked table", NULL},
    {"exclude-table-data", CONFIG_LIST, "definitions of what matches, but not its rows", NULL},
    {"note", CONFIG_TEXT, "a remark to keep with backups", NULL},
    {"prune", CONFIG_TEXT, "yes: prune after every backup", NULL},
    /* hooks */
    {"before-backup", CONFIG_TEXT, "a command for /bin/sh; if it fails, nothing is backed up",
     NULL},
    {"after-backup", CONFIG_TEXT, "a command for /bin/sh, however the backup ended", NULL},
    {"before-restore", CONFIG_TEXT, "likewise of restores into running servers", NULL},
    {"after-restore", CONFIG_TEXT, "... afterwards", NULL},
    {"before-drill", CONFIG_TEXT, "likewise of drills", NULL},
    {"after-drill", CONFIG_TEXT, "... afterwards", NULL},
    {"hook-timeout", CONFIG_TEXT, "how long each of these may take: 30s, 10m", NULL},
    /* notifications */
    {"notify-timeout", CONFIG_TEXT, "how long telling people may take at the end of a run", NULL},
    /* connection */
    {"host", CONFIG_TEXT, "the server, for backups and comparisons", NULL},
    {"port", CONFIG_TEXT, "the server's port", NULL},
    {"user", CONFIG_TEXT, "connect as this role", NULL},
    /* restore, and drill, live */
    {"role", CONFIG_TEXT, "SET ROLE to this", NULL},
    {"drop-old-after", CONFIG_TEXT, "what a swap has set aside may be dropped after this time",
     NULL},
    {"no-owner", CONFIG_TEXT, "yes: restores leave everything to the restoring user", NULL},
    {"no-privileges", CONFIG_TEXT, "yes: restores leave GRANT and REVOKE out", NULL},
    {"max-age", CONFIG_TEXT, "how old the newest backup may be: 30m, 26h, 3d", NULL},
    /* targets of verify status */
    {"rpo", CONFIG_TEXT, "how old the newest backup may be before it is critical", NULL},
    {"rto", CONFIG_TEXT, "how long a restore may take", NULL},
    {"proven-within", CONFIG_TEXT, "how old the newest proven backup may be", NULL},
    {"scrubbed-within", CONFIG_TEXT, "within what time all that is stored is read again", NULL},
    {"key-drilled-within", CONFIG_TEXT, "within what time a key drill opens the newest backup",
     NULL},
    {"warm", CONFIG_TEXT, "where drills keep their copy, to load only what has changed", NULL},
    {"cold-every", CONFIG_TEXT, "one of so many such drills makes it anew", NULL},
    /* this host */
    {"log-format", CONFIG_TEXT, "messages as text, long or json", NULL},
    {"log-to", CONFIG_TEXT, "where messages go: stderr, journal, syslog", NULL},
    {"scratch-dir", CONFIG_TEXT, "where throw-away servers live", NULL},
    {"scratch-user", CONFIG_TEXT, "the user who runs throw-away servers started by root", NULL},
    {"scratch-unconfined", CONFIG_TEXT, "yes: also where their user could read keys", NULL},
    {"pg-bindir", CONFIG_TEXT, "directory of PostgreSQL's programs", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static const struct config_key database[] = {
    {"conninfo", CONFIG_TEXT, "how to reach the database: key=value words or a URI", NULL},
    {"dbname", CONFIG_TEXT, "the database's name on its server", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static const struct config_key check[] = {
    {"database", CONFIG_LIST, "whose drills make this check", NULL},
    {"query", CONFIG_LIST, "what to ask: one SELECT", NULL},
    {"expect", CONFIG_TEXT, "what is right: a value, > 0, between 1 and 9, null, no rows ...",
     NULL},
    {"newest", CONFIG_TEXT, "SCHEMA.TABLE.COLUMN: a time in the newest row", NULL},
    {"not-older", CONFIG_TEXT, "how long before the backup it may be", NULL},
    {"command", CONFIG_TEXT, "a command for /bin/sh, which finds the copy by PG* variables", NULL},
    {"timeout", CONFIG_TEXT, "how long it may take", NULL},
    {"search-path", CONFIG_TEXT, "schemas in which a query finds names without one", NULL},
    {"live", CONFIG_TEXT, "yes: verify live makes it, too", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static const struct config_key expect[] = {
    {"rows", CONFIG_TEXT, "how many there may be: exact, static, only-grows, +-5% or ignore", NULL},
    {"reason", CONFIG_TEXT, "why they are ignored", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static const struct config_key server[] = {
    {"conninfo", CONFIG_TEXT, "how to reach it: key=value words or a URI", NULL},
    {"scratch", CONFIG_TEXT, "yes: drills may make and drop databases there", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static const struct config_key notify[] = {
    {"webhook", CONFIG_SECRET, "the URL to send it to", NULL},
    {"webhook-file", CONFIG_TEXT, "... is the first line of this file", NULL},
    {"shape", CONFIG_TEXT, "of what a webhook gets: json or slack", NULL},
    {"mail", CONFIG_COMMA_LIST, "addresses to mail it to, by the local sendmail", NULL},
    {"mail-from", CONFIG_TEXT, "the sender's address", NULL},
    {"sendmail", CONFIG_TEXT, "the program that takes mail", NULL},
    {"command", CONFIG_TEXT, "a command for /bin/sh, which finds JSON on standard input", NULL},
    {"events", CONFIG_COMMA_LIST, "what to tell; all of it if not given", NULL},
    {"database", CONFIG_COMMA_LIST, "about which databases; all of them if not given", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

static const struct config_key ping[] = {
    {"url", CONFIG_SECRET, "the URL for a run that ended well", NULL},
    {"url-file", CONFIG_TEXT, "... is the first line of this file", NULL},
    {"start", CONFIG_SECRET, "that for its beginning, or none (default: url and /start)", NULL},
    {"fail", CONFIG_SECRET, "that for one that failed, or none (default: url and /fail)", NULL},
    {"job", CONFIG_TEXT, "whose runs: backup, drill or scrub", NULL},
    {"database", CONFIG_COMMA_LIST, "of which databases; all of them if not given", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

const struct config_kind config_other_kinds[] = {{"check", check},   {"expect", expect},
                                                 {"server", server}, {"notify", notify},
                                                 {"ping", ping},     {NULL, NULL}};

const struct config_key *const config_common_keys[] = {common, NULL};
const struct config_key *const config_database_keys[] = {database, NULL};

static const struct config_key *
keys_of_kind(const struct config *c, const char *kind)
{
    for (const struct config_kind *k = c->keys->others; k->name != NULL; k++) {
        if (strcmp(kind, k->name) == 0) {
            return k->keys;
        }
    }
    return NULL;
}

bool
config_is_one(const struct config_key *key)
{
    return key->form == CONFIG_TEXT || key->form == CONFIG_SECRET;
}

bool
config_kind_known(const struct config *c, const char *kind)
{
    return strcmp(kind, "repo") == 0 || strcmp(kind, "database") == 0 ||
        keys_of_kind(c, kind) != NULL;
}

int
config_kind_unknown(const struct config *c, const char *kind, struct err *e)
{
    struct similar s = SIMILAR(kind);
    char          *text = xstrdup("[repo NAME], [database NAME]");

    for (const struct config_kind *k = c->keys->others; k->name != NULL; k++) {
        char *longer = xasprintf("%s%s[%s NAME]", text, k[1].name != NULL ? ", " : " and ",
                                 k->name);

        free(text);
        text = longer;
        similar_try(&s, k->name);
    }
    similar_try(&s, "repo");
    similar_try(&s, "database");
    err_set(e, ERR_USAGE, "unknown kind of section \"%s\"", kind);
    (void)similar_say(s.best, e);
    (void)err_hint(e, "there are %s; see man pgassay.conf", text);
    free(text);
    return -1;
}

/* The i-th table of the keys that a section of this kind may have; NULL at the end. */
static const struct config_key *
table_of(const struct config *c, const char *kind, size_t i)
{
    const struct config_key *const *t;

    if (strcmp(kind, "repo") == 0) {
        return c->keys->repo[i];
    }
    if (keys_of_kind(c, kind) != NULL) {
        return i == 0 ? keys_of_kind(c, kind) : NULL;
    }
    if (strcmp(kind, "database") == 0) {
        for (t = c->keys->database; *t != NULL; t++) {
            if (i-- == 0) {
                return *t;
            }
        }
    }
    return c->keys->common[i];
}

const struct config_key *
config_key_find(const struct config *c, const char *kind, const char *key)
{
    const struct config_key *k;

    for (size_t i = 0; (k = table_of(c, kind, i)) != NULL; i++) {
        for (; k->name != NULL; k++) {
            if (strcmp(k->name, key) == 0) {
                return k;
            }
        }
    }
    return NULL;
}

static void
find_similar(const struct config *c, const char *kind, struct similar *s)
{
    const struct config_key *k;

    for (size_t i = 0; (k = table_of(c, kind, i)) != NULL; i++) {
        for (; k->name != NULL; k++) {
            similar_try(s, k->name);
        }
    }
}

bool
config_key_likely(const struct config *c, const char *kind, const char *key)
{
    struct similar s = SIMILAR(key);

    find_similar(c, kind, &s);
    return s.best != NULL || config_key_find(c, kind, key) != NULL;
}

void
config_key_normalise(char *key)
{
    for (; *key != '\0'; key++) {
        if (*key == '_') {
            *key = '-';
        }
    }
}

/* The keys of a kind of section, with commas between; allocated. */
static char *
all_keys(const struct config *c, const char *kind)
{
    const struct config_key *k;
    char                    *text = xstrdup("");

    for (size_t i = 0; (k = table_of(c, kind, i)) != NULL; i++) {
        for (; k->name != NULL; k++) {
            char *longer = xasprintf("%s%s%s", text, *text != '\0' ? ", " : "", k->name);

            free(text);
            text = longer;
        }
    }
    return text;
}

int
config_key_unknown(const struct config *c, const char *kind, const char *key, struct err *e)
{
    struct similar s = SIMILAR(key);
    char          *known = all_keys(c, kind);

    find_similar(c, kind, &s);
    err_set(e, ERR_USAGE, "unknown key \"%s\"", key);
    (void)similar_say(s.best, e);
    if (*kind == '\0') {
        (void)err_hint(e, "before any section there may be %s", known);
    } else {
        (void)err_hint(e, "[%s NAME] may have %s", kind, known);
    }
    free(known);
    return -1;
}

int
config_check_key(const struct config *c, const char *kind, const char *key, struct err *e)
{
    return config_key_find(c, kind, key) != NULL ? 0 : config_key_unknown(c, kind, key, e);
}

bool
config_is_secret(const char *value)
{
    const char *host = strstr(value, "://");
    const char *at;

    if (strcasestr(value, "password") != NULL) {
        return true;
    }
    if (host == NULL) {
        return false;
    }
    at = strchr(host + 3, '@');
    return at != NULL && memchr(host + 3, ':', (size_t)(at - host - 3)) != NULL;
}
