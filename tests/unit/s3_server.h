/*
 * s3_server.h - a private S3 server (scripts/s3-private) for C tests.  The tests run in the top
 * directory.
 *
 *     if (s3_server_start(&s, "bucket", NULL) != 0) return -1;       sets AWS_* in the environment,
 * too options = s3_server_options(&s, tls)                           --repo-options that lead there
 *     s3_server_stop(&s);
 *
 * It ends with the test's process, however that ends.
 */
#ifndef TESTS_UNIT_S3_SERVER_H
#define TESTS_UNIT_S3_SERVER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

struct s3_server {
    char           dir[128];
    char           endpoint[64], endpoint_tls[64], ca_file[192], conf[192];
    struct strlist options[2]; /* http, TLS */
};

static inline void
s3_server_take(struct s3_server *s, char *line)
{
    const struct {
        const char *name;
        char       *to;
        size_t      cap;
        const char *env;
    } known[] = {
        {"S3_ENDPOINT=", s->endpoint, sizeof s->endpoint, NULL},
        {"S3_ENDPOINT_TLS=", s->endpoint_tls, sizeof s->endpoint_tls, NULL},
        {"S3_CA_FILE=", s->ca_file, sizeof s->ca_file, NULL},
        {"S3_CONF=", s->conf, sizeof s->conf, NULL},
        {"S3_ACCESS_KEY=", NULL, 0, "AWS_ACCESS_KEY_ID"},
        {"S3_SECRET_KEY=", NULL, 0, "AWS_SECRET_ACCESS_KEY"},
        {"S3_REGION=", NULL, 0, "AWS_REGION"},
    };

    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t n = strlen(known[i].name);

        if (strncmp(line, known[i].name, n) != 0) {
            continue;
        }
        if (known[i].env != NULL) {
            (void)setenv(known[i].env, line + n, 1);
        } else {
            (void)snprintf(known[i].to, known[i].cap, "%s", line + n);
        }
    }
}

/* buckets: as s3-private takes them, with blanks between. */
static inline int
s3_server_start(struct s3_server *s, const char *buckets)
{
    char *command;
    char  line[256];
    FILE *f;
    int   status;

    *s = (struct s3_server){0};
    (void)snprintf(s->dir, sizeof s->dir, "%s/pgassay-s3.XXXXXX",
                   getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(s->dir) == NULL) {
        return -1;
    }
    (void)unsetenv("AWS_ENDPOINT_URL");
    (void)unsetenv("AWS_SESSION_TOKEN");
    (void)unsetenv("AWS_PROFILE");
    command = xasprintf("timeout 120 scripts/s3-private start --tls --while %ld %s %s",
                        (long)getpid(), s->dir, buckets);
    f = popen(command, "r");
    free(command);
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        s3_server_take(s, line);
    }
    status = f == NULL ? -1 : pclose(f);
    strlist_take(&s->options[0], xasprintf("endpoint=%s", s->endpoint));
    strlist_take(&s->options[1], xasprintf("endpoint=%s", s->endpoint_tls));
    strlist_take(&s->options[1], xasprintf("ca-file=%s", s->ca_file));
    return status == 0 ? 0 : -1;
}

static inline const struct strlist *
s3_server_options(const struct s3_server *s, bool tls)
{
    return &s->options[tls ? 1 : 0];
}

static inline void
s3_server_stop(struct s3_server *s)
{
    char *command = xasprintf("scripts/s3-private stop %s; rm -rf %s", s->dir, s->dir);

    if (system(command) != 0) {
        (void)fprintf(stderr, "%s: could not be stopped\n", s->dir);
    }
    free(command);
    strlist_free(&s->options[0]);
    strlist_free(&s->options[1]);
}

#endif
