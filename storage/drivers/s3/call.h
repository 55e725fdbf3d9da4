/*
 * call.h - one request to an S3 store, with its retries.
 *
 * Tried again, with pauses that double and vary: no connection, no whole answer, 5xx, 429,
 * SlowDown, RequestTimeout, a body that was altered on the way, an invalid answer (three times).
 * Once: a clock that is off (the store's own Date is used from then on), credentials that the
 * store calls expired (new ones are fetched).  Never: any other 4xx.  A store's Retry-After is
 * obeyed.  If the store has never answered, seven tries (a few seconds) are made.  Long retries are
 * reported: after a minute, on a terminal after some seconds.  Everything together takes at most
 * the `timeout` of the settings.
 *
 * SIGINT and SIGTERM end a call.  One that begins after the signal is for cleaning up, and has ten
 * seconds.
 */
#ifndef STORAGE_DRIVERS_S3_CALL_H
#define STORAGE_DRIVERS_S3_CALL_H

#include "storage/drivers/aws/xml.h"
#include "storage/drivers/s3/bucket.h"

struct s3_call {
    const char *verb; /* for messages: "store", "read" */
    const char *method;
    const char *key; /* relative to the repository; NULL: the bucket itself */
    const char
        *below; /* of the bucket: the prefix that it is about, for messages; NULL: everything */
    struct strlist query;   /* s3_query_add() */
    struct strlist headers; /* more of them, "Name: value" */
    const void    *body;
    size_t         body_len;
    bool           fresh;          /* over a new connection */
    bool           once;           /* not tried again: a query whose refusal is an answer, too */
    const char    *payload_sha256; /* sent instead of the body's own; NULL: the body's */
    struct buf    *out;            /* the body of a good answer; NULL: none is expected */
    /* Looks at a good answer: -1 with *e transient repeats the request.  NULL: any answer is
     * accepted. */
    int (*accept)(void *ctx, const struct s3_answer *, struct err *);
    void *ctx;

    /* filled: */
    struct s3_answer answer; /* the last */
    struct s3_error  error;  /* from its body, if it was an error */
};

#define S3_CALL_INIT                                                                               \
    {                                                                                              \
        .key = NULL                                                                                \
    }

/* 0: 2xx, and accepted.  -1: kinds as in storage.h: a missing object is ERR_NOT_FOUND, a missing
 * bucket ERR_IO; call->answer and call->error hold the store's answer. */
int  s3_call(struct s3_storage *, struct s3_call *, struct err *);
void s3_call_free(struct s3_call *);

#endif
