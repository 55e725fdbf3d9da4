/*
 * file.h - the driver for a directory.
 *
 * put() writes <root>/.tmp/<random>, syncs it, gives it its name with link(2) (which never replaces
 * anything), syncs the directory and the parent of each directory it made, and removes the
 * temporary name.  Keys never begin with a dot, so .tmp cannot clash with one.  Files left in .tmp
 * by a killed process are removed after a day, at the first put of a later one.
 *
 * A large object does not stay in the system's memory once it is on the disk: a backup would push
 * out what the server and others have there, and each new page costs more than one given back.
 *
 * Every path is opened segment by segment beneath the root's descriptor, and no symbolic link below
 * the root is followed: a link put into the repository cannot lead a reader out of it.
 */
#ifndef STORAGE_DRIVERS_FILE_FILE_H
#define STORAGE_DRIVERS_FILE_FILE_H

#include <pthread.h>

#include "core/mem.h"
#include "storage/contract/location.h"
#include "storage/contract/storage.h"

struct file_storage {
    struct storage  base;
    int             root;        /* the directory */
    pthread_mutex_t lock;        /* for what follows */
    int             tmp;         /* .tmp, or -1 before the first put */
    struct strlist  passed_over; /* keys that list() has warned of */
    struct strlist  durable; /* directories whose entry in their parent this process has synced */
};

struct storage *storage_file_open(const char *path, const struct storage_location *, bool create,
                                  struct err *);

/* ---- within the driver ---- */

/* The directory that holds key's last segment (*base points at it).  -1 with
 * ERR_NOT_FOUND when a directory on the way is missing. */
int file_open_parent(struct file_storage *, const char *key, const char **base, struct err *);
/* The same, making missing directories, and ensuring that every directory on the way is durable. */
int file_make_parent(struct file_storage *, const char *key, const char **base, struct err *);
/* Removes the directory "<a>/<b>/<c>/" if it is empty: a backup's, of which each night adds one.
 * Others stay, as there are few. */
void file_remove_backup_dir(struct file_storage *, const char *path);
/* A directory by its prefix ("" or "a/b/"). */
int file_open_dir(struct file_storage *, const char *prefix, struct err *);

int file_put(struct storage *, const char *key, const struct blob *, struct err *);
int file_list(struct storage *, const char *prefix, storage_list_fn *, void *ctx, struct err *);
int file_dirs(struct storage *, const char *prefix, storage_dirs_fn *, void *ctx, struct err *);

/* Reads a whole open file, with its current size. */
int file_read_all(int fd, struct buf *out, struct err *);

#endif
