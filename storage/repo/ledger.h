/*
 * ledger.h - what was done to prove or to use the backups of a database: every drill, key drill,
 * scrub and restore, one record each, so that whoever audits sees all of them and no other.
 *
 *   <db>/ledger/<time>-<microseconds>-<event>-<sha256>.json   type "ledger"
 * (docs/repository-format.md)
 *
 * A record cannot be changed unseen: its name holds the SHA-256 of its line, and its signature, if
 * there is one, covers both.  It cannot be left out unseen: each names the records that its writer
 * saw and that no other names (its heads), so that all but the newest are named by a later one;
 * the newest are remembered by the host that wrote or read them, outside of the repository
 * (<state dir>/<repo id>/<db>.ledger).  What a host remembers and does not find, it names in its
 * next record: from then on everybody misses it.  There are no numbers as in labels: nothing ever
 * expires here, so that a name without its record is enough.
 *
 * A drill's record in <db>/drills/ decides what is proven (drillrecord.h); the ledger names it.
 */
#ifndef STORAGE_REPO_LEDGER_H
#define STORAGE_REPO_LEDGER_H

#include <stdbool.h>
#include <time.h>

#include "core/crypto/hash.h"
#include "core/err.h"
#include "core/json.h"
#include "storage/format/backupid.h"
#include "storage/repo/repo.h"

enum {
    LEDGER_EVENT_AT = 16 + 1 + 6 + 1, /* in "20261121T021500Z-123456-scrub-<sha256>" */
    LEDGER_EVENT_MAX = 16,
    LEDGER_NAME_MAX = LEDGER_EVENT_AT + LEDGER_EVENT_MAX + 1 + SHA256_HEX + 1,
    LEDGER_RECENT = 32,    /* so many may be written at the same time without being named */
    LEDGER_SLACK_S = 3600, /* clocks, and the time that storing takes */
    LEDGER_HEADS_MAX = 2 * LEDGER_RECENT,
};

/* What is noted.  Texts and JSON are borrowed. */
struct ledger_event {
    const char   *event;   /* "drill", "key-drill", "scrub", "restore" */
    const char   *verdict; /* a word or two: "equal", "not proven", "damaged", "partly" */
    bool          good;
    time_t        started;
    const char   *backup;       /* id; NULL: it is about none, or many */
    const char   *label_sha256; /* of its label; NULL as well */
    const char   *record;       /* key of the drill record; NULL: none */
    const json_t *what;         /* an object: what was looked at, in numbers and texts */
    unsigned epoch; /* of the backup, or that of new ones: if it is encrypted, what and host are
                       hidden */
};

/* Stores it.  ERR_AUTH, ERR_IO …: this host may not, or cannot. */
int ledger_put(struct repo *, const char *db, const struct ledger_event *, struct err *);
/* The same for who goes on without: that it could not be stored is a warning. */
void ledger_note(struct repo *, const char *db, const struct ledger_event *);

/* One record as it is stored. */
struct ledger_entry {
    char    name[LEDGER_NAME_MAX];
    json_t *o;         /* NULL: it cannot be read, or is not trusted.  Owned.  "what" and "host" are
                          missing where they are hidden and no key is at hand */
    char  *problem;    /* why o is NULL; owned */
    bool   altered;    /* ... its bytes are not those of its name */
    char   signer[17]; /* the key that says it signed; "": none */
    bool   hidden;     /* what was compared is not shown: no key opens it */
    bool   named;      /* a record that was read names it */
    size_t namer;      /* ... the first that does, by its index; SIZE_MAX: none */
};

struct ledger {
    struct ledger_entry *v; /* the oldest first */
    size_t               n, cap;
    size_t               listed;  /* how many there are in all */
    struct strlist       missing; /* "name" and who named it: not there, and yet it was */
    struct strlist       strays;  /* not there yet when a later one was written */
    bool                 vouched; /* signatures were asked for, and checked */
};

/* Those that were written at since or later, at most the newest max (0: all).  What they and this
 * host remember, and is not there, is missing.  Remembers the newest. */
int  ledger_load(struct repo *, const char *db, time_t since, size_t max, struct ledger *,
                 struct err *);
void ledger_free(struct ledger *);

/* When the newest good one of this event ended; 0: there is none among the newest.  Reads a record
 * or two. */
int ledger_last(struct repo *, const char *db, const char *event, time_t *, struct err *);

/* Times of a record; 0: none. */
time_t ledger_time(const json_t *o, const char *key);

#endif
