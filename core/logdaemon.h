/*
 * logdaemon.h - messages to the daemons of this host that keep logs: systemd's journal, with
 * fields, and syslog.
 *
 * Both take datagrams at a socket, in a form that is laid down (systemd.io/JOURNAL_NATIVE_PROTOCOL;
 * RFC 3164), and are written to here: libsystemd would be one more library in every tool, and none
 * where there is no systemd; syslog(3) cannot say that nobody takes the message, and waits for ever
 * for a daemon that hangs.  Here that is an error, after SEND_SECONDS at most.
 */
#ifndef CORE_LOGDAEMON_H
#define CORE_LOGDAEMON_H

#include "core/err.h"

enum logdaemon { LOGDAEMON_JOURNAL, LOGDAEMON_SYSLOG, LOGDAEMON_N };

/* label: "warning: " or the like, or "". */
struct logdaemon_message {
    int         priority;            /* 0 to 7, as syslog has them */
    const char *label, *text, *hint; /* hint: NULL for none */
};

const char *logdaemon_name(enum logdaemon); /* "journal" */
/* ERR_IO: nobody takes it.  Several threads: one at a time. */
int logdaemon_send(enum logdaemon, const struct logdaemon_message *, struct err *);
/* Its socket, when it is not where it belongs. */
void logdaemon_at(enum logdaemon, const char *path);

#endif
