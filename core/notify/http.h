/*
 * http.h - one POST, tried again while there is time.
 */
#ifndef CORE_NOTIFY_HTTP_H
#define CORE_NOTIFY_HTTP_H

#include "core/err.h"

/* Refuses what is no http:// or https:// URL; quotes nothing of it. */
int http_check(const char *url, struct err *);

/* 0: answered with 2xx.  No answer, 429 and 5xx are tried again until the deadline
 * (clock_seconds()); a redirection is not followed.  The error names the host, and nothing else of
 * the address. Thread-safe. */
int http_post(const char *url, const char *content_type, const char *body, double deadline,
              struct err *);

#endif
