/*
 * rmtree.h - removing a scratch directory's contents.
 */
#ifndef PG_SCRATCH_RMTREE_H
#define PG_SCRATCH_RMTREE_H

/* Everything below path, which itself stays.  Follows no link, does not leave the file system.  -1
 * and errno: something is left. */
int rmtree_contents(const char *path);

/* What stands in path meanwhile, and stays if it is killed: directories of such names. */
#define RMTREE_MOVED ".removed-"

#endif
