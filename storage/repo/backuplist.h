/*
 * backuplist.h - the backups of a database, as the repository's listing and their labels show them.
 */
#ifndef STORAGE_REPO_BACKUPLIST_H
#define STORAGE_REPO_BACKUPLIST_H

#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* What a backup is, as `storage list` shows it. */
enum backup_state {
    BACKUP_COMMITTED, /* label readable, run not revoked */
    BACKUP_DAMAGED,   /* label unreadable, an object that it names missing or of another size, or
                         chunks lost */
    BACKUP_VOID,      /* run revoked */
};

struct backup_entry {
    char              id[BACKUP_ID_MAX];
    enum backup_state state;
    char             *problem; /* of BACKUP_DAMAGED and BACKUP_VOID, one sentence */
    struct label     *label;   /* NULL when unreadable */
    time_t            stored;  /* when the store received the label, by its own clock */
    char *doubt; /* one sentence: the label's times contradict that (labeltime.h); NULL: they do not
                  */
    bool     ahead;       /* ... they are later */
    uint64_t lost_chunks; /* of BACKUP_DAMAGED: only these are wrong (damage.h) */
    bool     newer; /* of BACKUP_DAMAGED: a newer program wrote its label, or it is untrusted */
    bool     remembered; /* its label was not read now (backup_list_look()) */
    bool     untrusted;  /* ... not signed by a key that this host trusts; it may be intact */
};

struct backup_list {
    struct backup_entry *v; /* ascending by id: oldest first */
    size_t               n, cap;
    struct strlist unlabelled; /* ids with chunk list and manifest but no label: a run is about to
                                  commit, or died just before, or the label was lost */
    struct strlist tombstones; /* tombstones_load() at the same time */
};

/* Every backup of exactly this database.  Looks for label, manifest and chunk list in the listing;
 * a directory without a label is an unfinished run and no backup. */
int backup_list_load(struct repo *, const char *db, struct backup_list *, struct err *);
/* The same for who needs one of them, or shows them: a label that this host has read before, and
 * that the listing shows unchanged, is not read again (labelcache.h).  Whoever removes anything, or
 * says that a repository is whole, reads what he relies on. */
int backup_list_look(struct repo *, const char *db, struct backup_list *, struct err *);
/* The entry of that id; NULL: it is not listed. */
struct backup_entry *backup_list_find(const struct backup_list *, const char *id);
void                 backup_list_free(struct backup_list *);
const char          *backup_state_text(enum backup_state); /* "committed", "damaged", "void" */

#endif
