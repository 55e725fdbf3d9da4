/*
 * message.h - one thing to be told, in the forms in which it is sent.
 *
 * Names and errors come from outside: JSON is made by jansson, Slack's text is escaped, and no name
 * ends a header of a mail.
 */
#ifndef CORE_NOTIFY_MESSAGE_H
#define CORE_NOTIFY_MESSAGE_H

#include <stdbool.h>
#include <time.h>

#include "core/mem.h"

struct message {
    const char *event;     /* "backup-failed", "backup-recovered", "test" */
    const char *condition; /* "backup", "status" ... */
    const char *level;     /* "failed", "warning", "critical", "unknown"; "good": it is over */
    const char *database;  /* empty: none in particular, as is repository */
    const char *repository;
    const char *backup; /* its id; empty: none */
    const char *text;   /* what happened and why, one line or more */
    time_t      since;  /* when the condition was first told of */
};

/* All of them allocated; docs/schema/notification.json. */
char *message_json(const struct message *);
char *message_slack(const struct message *);
/* Headers and all; from may be NULL. */
char *message_mail(const struct message *, const struct strlist *to, const char *from);
/* In one line, nothing that a terminal or a header could obey. */
char *message_plain(const char *text);
/* "pgassay: backup of shop failed", in one line. */
char *message_subject(const struct message *);

#endif
