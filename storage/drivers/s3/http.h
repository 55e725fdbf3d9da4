/*
 * http.h - HTTP requests over connections that are kept alive (libcurl).
 *
 * A request takes an idle connection, or opens one, so that each worker soon has its
 * own.  One request is one try: the caller decides about another (s3/call.h).  Nothing is
 * followed: a redirect is an answer.
 *
 * SIGINT and SIGTERM end a request at once, unless it is for cleaning up.
 */
#ifndef STORAGE_DRIVERS_S3_HTTP_H
#define STORAGE_DRIVERS_S3_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/mem.h"

struct s3_http;

struct s3_http_options {
    const char *ca_file; /* NULL: the system's */
    uint64_t
           bandwidth; /* bytes a second in each direction, all connections together; 0: no limit */
    double idle_s;    /* a connection without progress for this long is closed */
};

struct s3_request {
    const char           *method; /* GET, HEAD, PUT, POST, DELETE */
    const char           *url;
    const struct strlist *headers; /* "Name: value" */
    const void           *body;    /* of PUT and POST */
    size_t                body_len;
    bool                  fresh;   /* over a new connection */
    bool                  tidying; /* SIGINT and SIGTERM do not end it */
    double                seconds; /* at most, waiting for bandwidth not counted */
    double                timeout; /* the total of which they are left; for the message */
};

struct s3_answer {
    int            status;   /* HTTP's */
    struct strlist headers;  /* "Name: value" */
    struct buf    *body;     /* of a 2xx answer: the caller's, its ceiling counts */
    uint64_t       received; /* bytes of the body, wanted or not */
    struct buf     error;    /* the body of any other answer, as far as it was read */
};

/* Borrows the options' texts. */
struct s3_http *s3_http_new(const struct s3_http_options *, struct err *);
void            s3_http_free(struct s3_http *); /* accepts NULL; no request may be under way */

/* 0: answered, with any status.  ERR_IO, transient: no connection or no whole answer;
 * ERR_CORRUPT: the body is larger than its buffer may get; ERR_INTERRUPTED.  The seconds spent
 * waiting for bandwidth are added to *waited. */
int  s3_http_send(struct s3_http *, const struct s3_request *, struct s3_answer *, double *waited,
                  struct err *);
void s3_answer_clear(struct s3_answer *); /* the body too */
void s3_answer_free(struct s3_answer *);
/* A header's value, NULL when there is none. */
const char *s3_answer_header(const struct s3_answer *, const char *name);
/* Checks that a good answer about an object comes from an S3 store.  Something in between (a guest
 * network's login page, a proxy) may answer 200 to anything.  After reading or HEAD there is an
 * ETag; after storing an ETag and no body; after removing no body. -1: ERR_IO, transient. */
int s3_answer_of_read(void *unused, const struct s3_answer *, struct err *);
int s3_answer_of_put(void *unused, const struct s3_answer *, struct err *);
int s3_answer_of_remove(void *unused, const struct s3_answer *, struct err *);

#endif
