/*
 * state.h - how far the run is, said when asked by SIGUSR1, and each second with `--progress json`.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

/* In main(), before any other thread: SIGUSR1 is blocked from here on, in every thread but one that
 * waits for it.  So it interrupts nothing, and ends nothing.  Programs that are run do not inherit
 * that (proc_spawn.c). */
void state_watch(void);

#endif
