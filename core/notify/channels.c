#include "core/notify/channels.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/envsecret.h"
#include "core/host/ownership.h"
#include "core/notify/http.h"

enum { ADDRESS_MAX = 4096 };

#define SENDMAIL "/usr/sbin/sendmail"

const char *const channel_events[] = {"backup", "prune", "drill",  "key-drill", "damage",
                                      "scrub",  "chain", "status", NULL};

/* The first line of a file; allocated. */
static char *
read_address(const char *path, struct err *e)
{
    char    text[ADDRESS_MAX + 1];
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd < 0) {
        err_errno(e, "could not open \"%s\"", path);
        return NULL;
    }
    if (ownership_check(fd, "file", path, e) == 0 && (n = read(fd, text, ADDRESS_MAX)) < 0) {
        err_errno(e, "could not read \"%s\"", path);
    }
    (void)close(fd);
    if (n < 0) {
        return NULL;
    }
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    return xstrdup(text);
}

/* From the key, or from the file that KEY-file names; NULL: neither is set, or the error. */
static char *
address(const struct config *c, const char *kind, const char *name, const char *key, struct err *e)
{
    char       *of_file = xasprintf("%s-file", key);
    const char *path = config_get(c, kind, name, of_file), *text = config_get(c, kind, name, key);
    char       *out = NULL;

    if (text != NULL && path != NULL) {
        err_set(e, ERR_USAGE, "%s and %s exclude each other", key, of_file);
    } else if (text != NULL) {
        out = xstrdup(text);
    } else if (path != NULL) {
        out = read_address(path, e);
    }
    free(of_file);
    return out;
}

/* Quotes nothing of it. */
static int
check_address(const char *url, struct err *e)
{
    for (const char *p = url; *p != '\0'; p++) {
        if (!isgraph((unsigned char)*p)) {
            return err_set(e, ERR_USAGE,
                           "the address has a blank or another character that no URL "
                           "has");
        }
    }
    return http_check(url, e);
}

static int
read_shape(const char *text, enum channel_kind *kind, struct err *e)
{
    if (text == NULL || strcmp(text, "json") == 0) {
        *kind = CHANNEL_WEBHOOK;
    } else if (strcmp(text, "slack") == 0) {
        *kind = CHANNEL_SLACK;
    } else {
        return err_set(e, ERR_USAGE, "shape is \"json\" or \"slack\", not \"%s\"", text);
    }
    return 0;
}

static int
check_events(const struct channel *ch, struct err *e)
{
    for (size_t i = 0; i < ch->events.n; i++) {
        bool known = false;

        for (const char *const *k = channel_events; *k != NULL; k++) {
            known |= strcmp(*k, ch->events.v[i]) == 0;
        }
        if (!known) {
            err_set(e, ERR_USAGE, "events: there is no \"%s\"", ch->events.v[i]);
            return err_hint(e,
                            "there are backup, prune, drill, key-drill, damage, scrub, chain "
                            "and status");
        }
    }
    return 0;
}

/* Addresses go into a header, which one of them must not end. */
static int
check_mail(const struct channel *ch, struct err *e)
{
    for (size_t i = 0; i <= ch->to.n; i++) {
        const char *a = i < ch->to.n ? ch->to.v[i] : ch->from;

        for (; a != NULL && *a != '\0'; a++) {
            if (iscntrl((unsigned char)*a)) {
                return err_set(e, ERR_USAGE, "an address has a control character");
            }
        }
    }
    return 0;
}

static int
read_channel(const struct config *c, struct channel *ch, struct err *e)
{
    const char *command = config_get(c, "notify", ch->name, "command");
    const char *sendmail = config_get(c, "notify", ch->name, "sendmail");

    ch->url = address(c, "notify", ch->name, "webhook", e);
    (void)config_list(c, "notify", ch->name, "mail", &ch->to);
    (void)config_list(c, "notify", ch->name, "database", &ch->databases);
    (void)config_list(c, "notify", ch->name, "events", &ch->events);
    ch->from = config_get(c, "notify", ch->name, "mail-from");
    if (e->kind != ERR_NONE) {
        return -1;
    }
    if ((ch->url != NULL) + (ch->to.n > 0) + (command != NULL) != 1) {
        return err_set(e, ERR_USAGE, "needs one of webhook, webhook-file, mail and command");
    }
    if (ch->to.n > 0) {
        ch->kind = CHANNEL_MAIL;
        ch->program = sendmail != NULL ? sendmail : SENDMAIL;
    } else if (command != NULL) {
        ch->kind = CHANNEL_COMMAND;
        ch->program = command;
    }
    if (ch->url != NULL &&
        (check_address(ch->url, e) != 0 ||
         read_shape(config_get(c, "notify", ch->name, "shape"), &ch->kind, e) != 0)) {
        return -1;
    }
    return check_events(ch, e) != 0 ? -1 : check_mail(ch, e);
}

/* healthchecks' way: the same address with a word behind its path. */
static char *
with_word(const char *url, const char *word)
{
    size_t n = strcspn(url, "?#");
    size_t path = n > 0 && url[n - 1] == '/' ? n - 1 : n;

    return xasprintf("%.*s/%s%s", (int)path, url, word, url + n);
}

static char *
ping_address(const struct config *c, const struct ping *p, const char *key)
{
    const char *own = config_get(c, "ping", p->name, key);

    if (own == NULL) {
        return with_word(p->success, key);
    }
    return strcmp(own, "none") == 0 ? NULL : xstrdup(own);
}

static int
read_ping(const struct config *c, struct ping *p, struct err *e)
{
    const char *job = config_get(c, "ping", p->name, "job");

    p->job = job != NULL ? job : "backup";
    p->success = address(c, "ping", p->name, "url", e);
    (void)config_list(c, "ping", p->name, "database", &p->databases);
    if (p->success == NULL) {
        return e->kind != ERR_NONE ? -1 : err_set(e, ERR_USAGE, "needs url or url-file");
    }
    if (strcmp(p->job, "backup") != 0 && strcmp(p->job, "drill") != 0 &&
        strcmp(p->job, "scrub") != 0) {
        return err_set(e, ERR_USAGE, "job is backup, drill or scrub, not \"%s\"", p->job);
    }
    p->start = ping_address(c, p, "start");
    p->fail = ping_address(c, p, "fail");
    if (check_address(p->success, e) != 0 ||
        (p->start != NULL && check_address(p->start, e) != 0) ||
        (p->fail != NULL && check_address(p->fail, e) != 0)) {
        return -1;
    }
    return 0;
}

static char *
from_environment(const char *name, struct err *e)
{
    char *out = envsecret_get(name, e);

    if (out != NULL && check_address(out, e) != 0) {
        err_wrap(e, "%s", name);
    }
    return out;
}

static int
read_environment(struct channels *out, struct err *e)
{
    char           *url = from_environment("PGASSAY_WEBHOOK", e);
    struct channel *ch;
    struct ping    *p;

    if (url != NULL) {
        VEC_GROW(out->v, out->n, out->cap);
        ch = &out->v[out->n++];
        *ch = (struct channel){.name = "PGASSAY_WEBHOOK", .url = url};
        if (e->kind == ERR_NONE && read_shape(getenv("PGASSAY_WEBHOOK_SHAPE"), &ch->kind, e) != 0) {
            err_wrap(e, "PGASSAY_WEBHOOK_SHAPE");
        }
    }
    url = e->kind != ERR_NONE ? NULL : from_environment("PGASSAY_PING_URL", e);
    if (url != NULL) {
        VEC_GROW(out->pings, out->n_pings, out->cap_pings);
        p = &out->pings[out->n_pings++];
        *p = (struct ping){.name = "PGASSAY_PING_URL", .job = "backup", .success = url};
        p->start = with_word(url, "start");
        p->fail = with_word(url, "fail");
    }
    return e->kind == ERR_NONE ? 0 : -1;
}

int
channels_read(const struct config *c, struct channels *out, struct err *e)
{
    const char *name;

    *out = (struct channels){0};
    for (size_t i = 0; (name = config_section(c, "notify", i)) != NULL; i++) {
        VEC_GROW(out->v, out->n, out->cap);
        out->v[out->n] = (struct channel){.name = name};
        if (read_channel(c, &out->v[out->n++], e) != 0) {
            return err_wrap(e, "%s: [notify %s]", config_path(c), name);
        }
    }
    for (size_t i = 0; (name = config_section(c, "ping", i)) != NULL; i++) {
        VEC_GROW(out->pings, out->n_pings, out->cap_pings);
        out->pings[out->n_pings] = (struct ping){.name = name};
        if (read_ping(c, &out->pings[out->n_pings++], e) != 0) {
            return err_wrap(e, "%s: [ping %s]", config_path(c), name);
        }
    }
    return read_environment(out, e);
}

void
channels_free(struct channels *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].url);
        strlist_free(&c->v[i].to);
        strlist_free(&c->v[i].databases);
        strlist_free(&c->v[i].events);
    }
    for (size_t i = 0; i < c->n_pings; i++) {
        free(c->pings[i].start);
        free(c->pings[i].success);
        free(c->pings[i].fail);
        strlist_free(&c->pings[i].databases);
    }
    free(c->v);
    free(c->pings);
    *c = (struct channels){0};
}
