#include "core/crypto/secret.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_once_t once_unlocked = PTHREAD_ONCE_INIT;

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

static void
warn_unlocked(void)
{
    log_warn("memory for keys and passphrases cannot be locked (%s): they may be written to swap",
             strerror(errno));
    log_warn(
        "allow this process 256 kB of locked memory (ulimit -l 256, LimitMEMLOCK=256K in a "
        "systemd unit), or turn swap off");
}

/* sodium_malloc() locks its memory, and does not report when that fails; locking again shows it. A
 * lock is not inherited by a child, and a child that runs without exec() (the guardian of a scratch
 * server) needs no keys: it finds zeros in these pages.
 */
static void
protect(uint8_t *data, size_t n)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uint8_t        *start = data - ((uintptr_t)data & (page - 1));

    if (sodium_mlock(data, n) != 0) {
        (void)pthread_once(&once_unlocked, warn_unlocked);
    }
    /* Linux 4.14 and later; without it the child's copies are like the parent's, but unlocked. */
    (void)madvise(start, (size_t)(data + n - start), MADV_WIPEONFORK);
}

void
secret_new(struct secret *s, size_t n)
{
    size_t size = n == 0 ? 1 : n;

    (void)pthread_once(&once, keep_to_ourselves);
    secret_free(s);
    s->data = sodium_malloc(size);
    if (s->data == NULL) {
        log_error("out of memory");
        exit(1);
    }
    protect(s->data, size);
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
