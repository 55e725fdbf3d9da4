/*
 * http.h - one small HTTP exchange with a service that issues credentials.
 *
 * Short time limits, no redirects, at most answer->max bytes back.  Interrupted by cancel.h.  The
 * answer's memory is reserved beforehand so that wiping it wipes all; URLs never appear in errors
 * beyond scheme and host.
 */
#ifndef STORAGE_DRIVERS_AWS_HTTP_H
#define STORAGE_DRIVERS_AWS_HTTP_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/mem.h"

enum { AWS_ANSWER_MAX = 64 << 10 };

struct aws_request {
    const char           *method;
    const char           *url;
    const struct strlist *headers; /* "Name: value" */
    const char           *body;    /* or NULL */
    int                   connect_ms, total_ms;
    int                   tries; /* number of tries, when there is no answer, 429 or 5xx */
    bool                  local; /* a service of this host: never through a proxy */
};

/* 0: answered, with any status.  ERR_IO: no whole answer within the time. */
int aws_http(const struct aws_request *, struct buf *answer, int *status, struct err *);

/* "https://sts.eu-central-1.amazonaws.com": the part of a URL that may appear in a message;
 * allocated. */
char *aws_url_host(const char *url);

#endif
