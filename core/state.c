#include "core/state.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/log.h"
#include "core/progress.h"

static void *
watch(void *unused)
{
    const struct timespec second = {.tv_sec = 1};
    sigset_t              asked;

    (void)unused;
    (void)sigemptyset(&asked);
    (void)sigaddset(&asked, SIGUSR1);
    for (;;) {
        if (sigtimedwait(&asked, NULL, &second) == SIGUSR1) {
            progress_say(log_is_json());
        } else {
            progress_tick();
        }
    }
    return NULL;
}

void
state_watch(void)
{
    pthread_attr_t detached;
    pthread_t      thread;
    sigset_t       all, before;

    /* Every other signal is for the threads that it is to interrupt. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    (void)pthread_create(&thread, &detached, watch, NULL);
    (void)pthread_attr_destroy(&detached);
    (void)sigaddset(&before, SIGUSR1);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
