/*
 * pidone.h - as the first process of a PID namespace, which is what a container's program is.
 *
 * There a signal that nobody handles is not delivered, and orphans become children of this process,
 * which do not end for those who wait for them before it has reaped them.  So the work is done by a
 * child: this process passes signals on to it, reaps, and ends as it ends.  With it end all others
 * of the namespace (the kernel kills them).
 */
#ifndef CORE_PIDONE_H
#define CORE_PIDONE_H

/* First of all, before there are threads.  Returns in the process that is to do the work: the
 * child, or this one when its number is not 1. */
void pidone_begin(void);

#endif
