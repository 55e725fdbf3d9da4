/*
 * http_script.h - an HTTP server in a thread that answers what it was told to, in order, and keeps
 * what it was asked.
 *
 *     struct http_script s;
 *     http_script_start(&s, (const struct http_step[]){{"HTTP/1.1 503 ...\r\n\r\n"}, {NULL}}, 2);
 *     ... s.port ...
 *     http_script_stop(&s);      then s.asked[0 .. s.n_asked) are the requests' heads, s.bodies[]
 * their bodies
 */
#ifndef TESTS_UNIT_HTTP_SCRIPT_H
#define TESTS_UNIT_HTTP_SCRIPT_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"

enum { HTTP_ASKED_MAX = 64, HTTP_HEAD_MAX = 16 << 10, HTTP_BODY_MAX = 1 << 20 };

struct http_step {
    const char *answer; /* all of it; NULL: the connection is closed without one */
    bool        keep;   /* the connection stays open; otherwise it is closed after the answer */
    bool        hang;   /* nothing is sent and nothing closed until the end */
};

struct http_script {
    int                     port;
    const struct http_step *steps; /* the last one is used for all that follows */
    size_t                  n_steps;
    char *(*make)(size_t nth); /* NULL, or instead of steps: the answer to request nth, from 0 */
    size_t      requests;      /* all, of which the first are kept: */
    char       *asked[HTTP_ASKED_MAX], *bodies[HTTP_ASKED_MAX];
    size_t      n_asked;
    size_t      accepted; /* connections */
    int         listener, hanging[HTTP_ASKED_MAX];
    size_t      n_hanging;
    atomic_bool stop;
    pthread_t   thread;
};

/* A whole answer with this status line, more headers (each with its line end) and body. */
static inline char *
http_answer(const char *status, const char *headers, const char *body)
{
    return xasprintf("HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                     strlen(body), body);
}

static inline bool
http_script_wait(struct http_script *s, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (!atomic_load(&s->stop)) {
        if (poll(&p, 1, 20) > 0) {
            return true;
        }
    }
    return false;
}

/* One request; false when the connection has ended. */
static inline bool
http_script_read(struct http_script *s, int fd)
{
    char       *head = xcalloc(1, HTTP_HEAD_MAX);
    char       *body = xcalloc(1, HTTP_BODY_MAX + 1);
    size_t      n = 0;
    size_t      want = 0;
    size_t      got = 0;
    const char *length;

    while (strstr(head, "\r\n\r\n") == NULL) {
        if (n + 1 >= HTTP_HEAD_MAX || !http_script_wait(s, fd) || read(fd, head + n, 1) != 1) {
            free(head);
            free(body);
            return false;
        }
        n++;
    }
    length = strcasestr(head, "\r\ncontent-length:");
    want = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
    while (got < want && got < HTTP_BODY_MAX && http_script_wait(s, fd)) {
        ssize_t more = read(fd, body + got, (want < HTTP_BODY_MAX ? want : HTTP_BODY_MAX) - got);

        if (more <= 0) {
            break;
        }
        got += (size_t)more;
    }
    if (s->n_asked < HTTP_ASKED_MAX) {
        s->asked[s->n_asked] = head;
        s->bodies[s->n_asked] = body;
        s->n_asked++;
        return true;
    }
    free(head);
    free(body);
    return true;
}

/* A client that is not content comes back over another connection: none is kept. */
static inline void
http_script_made(struct http_script *s, int fd, size_t nth)
{
    char *answer = s->make(nth);

    if (write(fd, answer, strlen(answer)) < 0) {
        perror("write");
    }
    free(answer);
}

static inline void
http_script_connection(struct http_script *s, int fd)
{
    bool keep = true;

    while (keep && http_script_read(s, fd)) {
        size_t                  nth = s->requests++;
        const struct http_step *step = &s->steps[nth < s->n_steps ? nth : s->n_steps - 1];

        if (s->make != NULL) {
            http_script_made(s, fd, nth);
            break;
        }
        if (step->hang) {
            s->hanging[s->n_hanging++] = fd;
            return;
        }
        keep = step->keep && step->answer != NULL;
        if (step->answer != NULL && write(fd, step->answer, strlen(step->answer)) < 0) {
            break;
        }
    }
    (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
}

static inline void *
http_script_run(void *arg)
{
    struct http_script *s = arg;

    while (http_script_wait(s, s->listener)) {
        int fd = accept(s->listener, NULL, NULL);

        if (fd >= 0) {
            s->accepted++;
            http_script_connection(s, fd);
        }
    }
    return NULL;
}

static inline void
http_script_start(struct http_script *s, const struct http_step *steps, size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof at;

    *s = (struct http_script){.steps = steps, .n_steps = n, .make = s->make};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, len) != 0 ||
        listen(s->listener, 16) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&s->thread, NULL, http_script_run, s) != 0) {
        abort();
    }
    s->port = ntohs(at.sin_port);
}

/* The thread has ended when this returns: what was asked can be looked at until
 * http_script_free(). */
static inline void
http_script_stop(struct http_script *s)
{
    atomic_store(&s->stop, true);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    for (size_t i = 0; i < s->n_hanging; i++) {
        (void)close(s->hanging[i]);
    }
}

static inline void
http_script_free(struct http_script *s)
{
    for (size_t i = 0; i < s->n_asked; i++) {
        free(s->asked[i]);
        free(s->bodies[i]);
    }
    s->n_asked = 0;
}

#endif
