#include "core/cli/opts_args.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 32 };

/* Meaning of the words. */
static const struct {
    const char     *name;
    enum opts_offer offer;
    const char     *question; /* when it is missing */
} known[] = {
    {"DB", OFFER_DATABASES, "which database?"},
    {"DBNAME", OFFER_DATABASES, NULL},
    {"BACKUP", OFFER_BACKUPS, "which backup?"},
    {"ID", OFFER_BACKUPS, NULL},
    {"FROM", OFFER_REPOSITORIES, "from which repository?"},
    {"TO", OFFER_REPOSITORIES, "into which repository?"},
    {"PATH|NAME", OFFER_REPOSITORIES, NULL},
    {"PATH", OFFER_FILES, "which path?"},
    {"FILE", OFFER_FILES, "which file?"},
    {"DIR", OFFER_FILES, NULL},
    {"KEY", OFFER_FILES, "which key?"},
    {"KEY=VALUE", OFFER_KEYS, NULL},
};
enum { N_KNOWN = sizeof known / sizeof known[0] };

struct arg {
    char name[NAME_MAX_BYTES];
    bool optional, again;
};

/* The next argument in *args, which moves on; false at the end. */
static bool
next(const char **args, struct arg *out)
{
    const char *word = *args + strspn(*args, " ");
    size_t      n = strcspn(word, " ");

    *args = word + n;
    if (n == 0) {
        return false;
    }
    out->optional = *word == '[';
    out->again = memmem(word, n, "...", 3) != NULL;
    word += out->optional;
    n = strcspn(word, "]. ");
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)n, word);
    return true;
}

static const char *
question(const char *name)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (strcmp(known[i].name, name) == 0 && known[i].question != NULL) {
            return known[i].question;
        }
    }
    return NULL;
}

static int
missing(const char *verb, const char *name, struct err *e)
{
    const char *text = question(name);

    if (text != NULL) {
        err_set(e, ERR_USAGE, "%s", text);
    } else {
        err_set(e, ERR_USAGE, "%s is missing", name);
    }
    return verb == NULL ? -1 : err_wrap(e, "%s", verb);
}

int
opts_args_check(const char *args, const char *verb, const struct strlist *given, struct err *e)
{
    struct arg a = {0};
    size_t     n = 0;

    while (next(&args, &a)) {
        if (n == given->n && !a.optional) {
            return missing(verb, a.name, e);
        }
        n = a.again ? given->n : n + (n < given->n);
    }
    if (n == given->n) {
        return 0;
    }
    err_set(e, ERR_USAGE, "too many arguments: \"%s\"", given->v[n]);
    return verb == NULL ? -1 : err_wrap(e, "%s", verb);
}

void
opts_args_name(const char *args, size_t i, char *out, size_t cap)
{
    struct arg a;

    *out = '\0';
    while (next(&args, &a)) {
        if (i-- == 0 || a.again) {
            (void)snprintf(out, cap, "%s", a.name);
            return;
        }
    }
}

enum opts_offer
opts_args_offer(const char *name)
{
    for (size_t i = 0; name != NULL && i < N_KNOWN; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].offer;
        }
    }
    return OFFER_NOTHING;
}

const char *
opts_offer_text(enum opts_offer o)
{
    static const char *const texts[OFFERS] = {"nothing", "files",        "databases",
                                              "backups", "repositories", "keys"};

    return texts[o];
}
