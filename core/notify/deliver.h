/*
 * deliver.h - messages to channels, all channels at once, and none for longer than the deadline.
 */
#ifndef CORE_NOTIFY_DELIVER_H
#define CORE_NOTIFY_DELIVER_H

#include "core/err.h"
#include "core/notify/channels.h"
#include "core/notify/message.h"

/* One message for one channel, or one ping. */
struct delivery {
    const struct channel *channel; /* NULL: a ping */
    const char           *url;     /* of a ping */
    const char           *name;    /* ... its section */
    const struct message *message; /* of a ping: its text is the body; NULL: none */
    struct err            err;     /* filled in: ERR_NONE, it was taken */
};

/* Deliveries of one channel are made one after another, in their order.  Returns at the deadline
 * (clock_seconds()), or 2 s later when a program must be killed. */
void deliver_all(struct delivery *, size_t n, double deadline);

#endif
