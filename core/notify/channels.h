/*
 * channels.h - whom to tell, and which dead man's switches to ping: the sections [notify NAME] and
 * [ping NAME], and what the environment adds for runs without a file.
 *
 * An address is a secret: whoever knows it may write there.  It comes from the configuration, from
 * a file (webhook-file, url-file) or from the environment, goes to curl in memory, and appears in
 * no message: there a channel is called by its section's name.
 */
#ifndef CORE_NOTIFY_CHANNELS_H
#define CORE_NOTIFY_CHANNELS_H

#include "core/config/config.h"
#include "core/err.h"
#include "core/mem.h"

enum channel_kind { CHANNEL_WEBHOOK, CHANNEL_SLACK, CHANNEL_MAIL, CHANNEL_COMMAND };

struct channel {
    const char       *name; /* of its section; borrowed */
    enum channel_kind kind;
    char             *url;               /* of a webhook */
    struct strlist    to;                /* of mail */
    const char       *from;              /* ... or NULL */
    const char       *program;           /* sendmail, or the command for /bin/sh */
    struct strlist    databases, events; /* empty: all */
};

struct ping {
    const char    *name, *job;             /* "backup", "drill", "scrub" */
    char          *start, *success, *fail; /* start and fail NULL: none */
    struct strlist databases;
};

struct channels {
    struct channel *v;
    size_t          n, cap;
    struct ping    *pings;
    size_t          n_pings, cap_pings;
};

/* ERR_USAGE names the section.  *out is to be freed in any case. */
int  channels_read(const struct config *, struct channels *out, struct err *);
void channels_free(struct channels *);

/* The conditions that may be named by the key events: NULL at the end. */
extern const char *const channel_events[];

#endif
