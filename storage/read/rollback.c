#include "storage/read/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "core/quote.h"
#include "storage/read/backup_find.h"
#include "storage/repo/chain.h"
#include "storage/repo/lastseen_impl.h"
#include "storage/repo/tombstone.h"

static int
judge(struct repo *r, const char *db, const struct lastseen *s, const struct backup_list *list,
      struct rollback *m, struct err *e)
{
    const struct backup_entry *b = backup_list_find(list, s->backup);
    struct strlist             tombstones = {0};
    bool                       expired = false;
    int                        rc;

    if (b != NULL) {
        /* An unreadable label is reported elsewhere; one that a copy healed has the copy's
         * label. */
        bool same = b->label == NULL || strcmp(b->label->sha256, s->sha256) == 0 ||
            b->label->copied_repo[0] != '\0';

        m->state = same ? ROLLBACK_NONE : ROLLBACK_REPLACED;
        return 0;
    }
    /* The list's tombstones may be older than its labels, and a prune may be running. */
    rc = tombstones_load(r, db, &tombstones, e);
    if (rc == 0) {
        rc = chain_expired(r, db, &tombstones, s->backup, s->sha256, &expired, e);
    }
    m->state = rc != 0 || expired ? ROLLBACK_NONE : ROLLBACK_GONE;
    strlist_free(&tombstones);
    return rc;
}

void
rollback_judge(struct repo *r, const char *db, const struct backup_list *list, struct rollback *m)
{
    struct lastseen s;
    struct err      e = ERR_INIT;

    *m = (struct rollback){.state = ROLLBACK_NONE};
    lastseen_load(r, db, &s);
    if (s.backup[0] != '\0') {
        memcpy(m->backup, s.backup, sizeof m->backup);
        m->snapshot = s.snapshot;
        if (judge(r, db, &s, list, m, &e) != 0) {
            log_warn("whether backup %s, which this host has seen, was expired is not known: %s",
                     s.backup, e.text);
        }
    }
    lastseen_free(&s);
}

char *
rollback_text(const struct rollback *m, const struct label *found)
{
    char  at[32];
    char  instead_at[32];
    char *instead, *text;

    if (m->state == ROLLBACK_NONE) {
        return NULL;
    }
    (void)time_rfc3339(m->snapshot, at, sizeof at);
    if (m->state == ROLLBACK_REPLACED) {
        return xasprintf(
            "backup %s is not the one that this host has seen under that id: its label was "
            "replaced",
            m->backup);
    }
    instead = found == NULL
        ? xstrdup("")
        : xasprintf("the newest backup is %s of %s, but ", found->id,
                    time_rfc3339(found->snapshot, instead_at, sizeof instead_at));
    text = xasprintf(
        "%sthis host has seen %s of %s, which is gone, and no prune says so: somebody removed it, "
        "or put back an "
        "older state of the repository",
        instead, m->backup, at);
    free(instead);
    return text;
}

void
rollback_warn(struct repo *r, const char *db, const struct backup_list *list)
{
    struct rollback m;
    char           *text;

    rollback_judge(r, db, list, &m);
    text = rollback_text(&m, NULL);
    if (text != NULL) {
        char *chain = quote_command("pgassay", "verify", "chain", QUOTE_ARG(db));

        log_warn("\"%s\" in repository \"%s\": %s; %s tells more", db, r->st->location, text,
                 chain);
        free(chain);
    }
    free(text);
}
