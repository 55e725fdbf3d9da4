#include "core/config/config_in.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* Both before any section and in "[database NAME]". */
static const char *const common[] = {"repo",        "jobs",         "compress",
                                     "copy-format", "lock-timeout", "exclude-table-data",
                                     "note",        "prune",                /* backup */
                                     "host",        "port",         "user", /* connection */
                                     "role",        "no-owner",     "no-privileges", /* restore */
                                     "max-age", /* and drill, live */
                                     "scratch-dir", "scratch-user", "pg-bindir",
                                     NULL}; /* this host */

/* "[repo NAME]". */
static const char *const repo[] = {"path",
                                   "listing-delay", /* what every store has */
                                   "endpoint",
                                   "region",
                                   "style",
                                   "ca-file",
                                   "profile", /* where an S3 store is */
                                   "bandwidth",
                                   "timeout",
                                   "idle-timeout", /* how it is talked to */
                                   "storage-class",
                                   "sse",
                                   "sse-kms-key",
                                   "sse-customer-key-file",
                                   "tags",
                                   "checksum", /* and how it keeps things */
                                   "object-lock",
                                   "object-lock-days", /* and for how long nobody removes them */
                                   "sign-key",
                                   "trust-backup",
                                   "trust-prune",
                                   "trust-drill",
                                   "trust-admin", /* and who is believed (storage/keys/trust.h) */
                                   "encrypt-to",
                                   "must-encrypt",
                                   "repo-id", /* and what is insisted on (storage/keys/keyring.h) */
                                   "identity",
                                   "passphrase-file",
                                   "passphrase-command",
                                   "passphrase-fd", /* and who reads */
                                   "as-of",         /* and when it is looked at */
                                   NULL};

/* "[database NAME]" only. */
static const char *const database[] = {"conninfo", "dbname", NULL};

static bool
is_in(const char *const *list, const char *key)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, key) == 0) {
            return true;
        }
    }
    return false;
}

/* text, which is freed, and the list behind it. */
static char *
joined(char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        char *longer = xasprintf("%s%s%s", text, *text != '\0' ? ", " : "", *list);

        free(text);
        text = longer;
    }
    return text;
}

char *
config_keys_text(const char *kind)
{
    if (strcmp(kind, "repo") == 0) {
        return joined(xstrdup(""), repo);
    }
    if (strcmp(kind, "database") == 0) {
        return joined(joined(xstrdup(""), database), common);
    }
    return joined(xstrdup(""), common);
}

bool
config_kind_known(const char *kind)
{
    return strcmp(kind, "repo") == 0 || strcmp(kind, "database") == 0;
}

bool
config_key_known(const char *kind, const char *key)
{
    if (strcmp(kind, "repo") == 0) {
        return is_in(repo, key);
    }
    return is_in(common, key) || (strcmp(kind, "database") == 0 && is_in(database, key));
}

int
config_check_key(const char *kind, const char *key, struct err *e)
{
    char *known;

    if (config_key_known(kind, key)) {
        return 0;
    }
    known = config_keys_text(kind);
    err_set(e, ERR_USAGE, "unknown key \"%s\"", key);
    err_hint(e, "there are %s", known);
    free(known);
    return -1;
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
