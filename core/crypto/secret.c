#include "core/crypto/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
keep_to_ourselves(void)
{
    const struct rlimit none = {0};

    if (sodium_init() < 0) {
        log_error("libsodium cannot be used on this machine");
        exit(1);
    }
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

void
secret_new(struct secret *s, size_t n)
{
    (void)pthread_once(&once, keep_to_ourselves);
    secret_free(s);
    s->data = sodium_malloc(n == 0 ? 1 : n);
    if (s->data == NULL) {
        log_error("out of memory");
        exit(1);
    }
    s->n = n;
    sodium_memzero(s->data, n);
}

void
secret_set(struct secret *s, const void *data, size_t n)
{
    secret_new(s, n);
    memcpy(s->data, data, n);
}

void
secret_free(struct secret *s)
{
    sodium_free(s->data); /* wipes; accepts NULL */
    *s = (struct secret)SECRET_INIT;
}
