/*
 * chain.c - one database: the existing labels, the labels on record, and whether an authorised key
 * has expired the difference.
 *
 *   stands      the labels (backup_list_load())
 *   was there   what labels name as heads, by id and digest; the numbers of signers' sequences
 *               (chain_signers.c); the newest backup that this host has seen
 *   expired     the tombstones: a trusted one names a backup, and the digest of its label if the
 *               prune could read it
 *
 * A head is in order when its label exists with this digest, or a tombstone has it.  Otherwise it
 * is a finding, once for all that name it: missing, or replaced by another label (a copy that
 * replaced a damaged backup is marked as such, and is a note).  An unreadable label is
 * "uncompared": it proves nothing, and its sequence is unknown, which chain_signers.c takes into
 * account.
 *
 * A running prune removes labels between two listings, and its tombstone may be only in the second.
 * So a check that finds a difference is discarded and repeated, up to LOOKS times; differences that
 * remain are reported.
 */
#include "verify/stored/chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "storage/keys/trust.h"
#include "storage/repo/settings.h"
#include "storage/repo/source.h"
#include "verify/job/baseline.h"
#include "verify/stored/chain_impl.h"

/* A running prune removes backups between one listing and the next: differences are checked
 * again. */
enum { LOOKS = 3 };

/* About one backup of this database. */
static void
about(struct chain_walk *w, enum finding_class class, const char *id, const char *what,
      const char *have)
{
    char *object = xasprintf("%s/backups/%s", w->db, id);

    chain_finding(w, class, object, what, have);
    free(object);
}

static void
add_link(struct chain_walk *w, const char *signer, uint64_t sequence, const char *id,
         const char *run)
{
    struct chain_link *k;

    VEC_GROW(w->links, w->n_links, w->cap_links);
    k = &w->links[w->n_links++];
    *k = (struct chain_link){.sequence = sequence};
    snprintf(k->signer, sizeof k->signer, "%s", signer);
    snprintf(k->id, sizeof k->id, "%s", id);
    snprintf(k->run, sizeof k->run, "%s", run);
}

/* ---- tombstones ---- */

/* An unreadable one still shows by its name what was expired; one without a trusted signature shows
 * nothing. */
static int
take_tombstone(struct chain_walk *w, const char *name, struct err *e)
{
    struct tombstone t;
    struct err       fault = ERR_INIT;
    char            *object;

    if (cancel_check(e) != 0)
        return -1;
    if (tombstone_load(w->repo, w->db, name, &t, &fault) != 0) {
        if (fault.kind == ERR_NOT_FOUND)
            return 0;
        if (fault.kind != ERR_CORRUPT) {
            *e = fault;
            return -1;
        }
        object = xasprintf("%s/tombstones/%s", w->db, name);
        chain_finding(w, FINDING_UNCOMPARED, object,
                      fault.untrusted ? "not trusted" : "cannot be read", fault.text);
        free(object);
        if (fault.untrusted)
            return 0;
    }
    w->counts.tombstones++;
    settings_noted(w->repo, t.settings);
    if (t.sequence > 0)
        add_link(w, t.signer, t.sequence, t.backup, t.run);
    else if (t.label_sha256[0] == '\0')
        strlist_add(&w->unknown, t.backup);
    VEC_GROW(w->tombs, w->n_tombs, w->cap_tombs);
    w->tombs[w->n_tombs++] = t;
    return 0;
}

static bool
was_expired(const struct chain_walk *w, const struct label_head *h)
{
    for (size_t i = 0; i < w->n_tombs; i++) {
        const struct tombstone *t = &w->tombs[i];

        if (strcmp(t->backup, h->id) == 0 &&
            (t->label_sha256[0] == '\0' || strcmp(t->label_sha256, h->sha256) == 0))
            return true;
    }
    return false;
}

/* ---- labels ---- */

static void
check_signature(struct chain_walk *w, const struct label *l)
{
    char *what;

    if (l->sequence == 0)
        return;
    if (strcmp(l->signer, l->signed_by) == 0) {
        add_link(w, l->signer, l->sequence, l->id, l->run);
        return;
    }
    what = xasprintf("says that key %s signed it", l->signer);
    about(w, FINDING_DIFFERENT, l->id, what,
          l->signed_by[0] == '\0' ? "it is not signed" : l->signed_by);
    free(what);
}

static void
take_labels(struct chain_walk *w)
{
    size_t older = 0;
    char  *what;

    for (size_t i = 0; i < w->list.n; i++) {
        const struct backup_entry *b = &w->list.v[i];

        w->counts.labels++;
        if (b->label == NULL) {
            about(w, FINDING_UNCOMPARED, b->id,
                  b->untrusted ? "its label is not trusted" : "its label cannot be read",
                  b->problem);
            strlist_add(&w->unknown, b->id);
            continue;
        }
        if (b->label->replaces)
            strlist_add(&w->unknown, b->id);
        if (b->doubt != NULL)
            about(w, FINDING_DIFFERENT, b->id, "its times are not the store's", b->doubt);
        older += !b->label->chained;
        check_signature(w, b->label);
    }
    for (size_t i = 0; i < w->list.unlabelled.n; i++)
        about(w, FINDING_NOTE, w->list.unlabelled.v[i],
              "has no label: it is being written, was never finished, or its label was lost", NULL);
    if (older > 0) {
        what = xasprintf("%zu of %zu labels were written by an older program, and name no others",
                         older, w->list.n);
        chain_finding(w, FINDING_NOTE, w->db, what, NULL);
        free(what);
    }
}

/* ---- heads ---- */

static bool
reported(struct chain_walk *w, const struct label_head *h)
{
    char *key = xasprintf("%s %s", h->id, h->sha256);
    bool  known = strlist_has(&w->reported, key);

    if (!known)
        strlist_add(&w->reported, key);
    free(key);
    return known;
}

/* by: the source of the record. */
static void
check_head(struct chain_walk *w, const struct label_head *h, const char *by)
{
    const struct backup_entry *b = backup_list_find(&w->list, h->id);
    char                      *have;

    /* One that cannot be read is a finding already. */
    if ((b != NULL && (b->label == NULL || strcmp(b->label->sha256, h->sha256) == 0)) ||
        was_expired(w, h) || reported(w, h))
        return;
    have = xasprintf("%s saw it", by);
    if (b == NULL)
        about(w, FINDING_DIFFERENT, h->id, "missing: it was removed, and no prune says so", have);
    else if (b->label->replaces)
        about(w, FINDING_NOTE, h->id, "a copy has taken its place", have);
    else
        about(w, FINDING_DIFFERENT, h->id, "another label has taken its place", have);
    free(have);
}

static void
check_heads(struct chain_walk *w)
{
    struct label_head remembered;

    for (size_t i = 0; i < w->list.n; i++) {
        const struct label *l = w->list.v[i].label;

        for (size_t k = 0; l != NULL && k < l->n_heads; k++)
            check_head(w, &l->heads[k], l->id);
    }
    if (w->seen.backup[0] != '\0') {
        memcpy(remembered.id, w->seen.backup, sizeof remembered.id);
        memcpy(remembered.sha256, w->seen.sha256, sizeof remembered.sha256);
        check_head(w, &remembered, "this host");
    }
}

/* ---- one database ---- */

static void
walk_free(struct chain_walk *w)
{
    backup_list_free(&w->list);
    lastseen_free(&w->seen);
    findings_free(&w->findings);
    strlist_free(&w->unknown);
    strlist_free(&w->reported);
    free(w->tombs);
    free(w->links);
}

static int
look(struct repo *repo, const char *db, struct chain_walk *w, struct err *e)
{
    *w = (struct chain_walk){
        .repo = repo, .db = db, .findings = FINDINGS_INIT, .counts.databases = 1};
    lastseen_load(repo, db, &w->seen);
    if (backup_list_load(repo, db, &w->list, e) != 0)
        return -1;
    for (size_t i = 0; i < w->list.tombstones.n; i++)
        if (take_tombstone(w, w->list.tombstones.v[i], e) != 0)
            return err_wrap(e, "could not read the tombstones of \"%s\"", db);
    take_labels(w);
    check_heads(w);
    chain_signers(w);
    return 0;
}

static void
take_over(const struct chain_walk *w, struct verify_result *r)
{
    for (size_t i = 0; i < w->findings.n; i++)
        findings_add(&r->findings, w->findings.v[i]);
    r->chained.databases += w->counts.databases;
    r->chained.labels += w->counts.labels;
    r->chained.tombstones += w->counts.tombstones;
    r->chained.signers += w->counts.signers;
}

/* The name's own record. */
static int
find_source(struct repo *repo, const char *db, struct verify_result *r, struct err *e)
{
    struct repo_source s = {0};
    struct strlist     wrong = {0};
    int                rc = source_look(repo, db, &s, &wrong, e);

    for (size_t i = 0; i < wrong.n; i++)
        findings_add(
            &r->findings,
            (struct finding){
                .class = FINDING_DIFFERENT, .group = "chain", .object = db, .what = wrong.v[i]});
    strlist_free(&wrong);
    source_free(&s);
    return rc;
}

static int
check_database(struct repo *repo, const char *db, struct verify_result *r, struct err *e)
{
    struct chain_walk w;
    int               rc = look(repo, db, &w, e);

    for (int i = 1; rc == 0 && i < LOOKS && findings_count(&w.findings, FINDING_DIFFERENT) > 0;
         i++) {
        walk_free(&w);
        rc = look(repo, db, &w, e);
    }
    if (rc == 0) {
        take_over(&w, r);
        lastseen_remember_list(repo, db, &w.list);
    }
    walk_free(&w);
    return rc;
}

int
verify_chain(const struct options *o, struct verify_result *r, struct err *e)
{
    struct repo   *repo = repo_open(&o->place, e);
    struct strlist names = {0};
    int            rc = -1;

    if (repo == NULL)
        return -1;
    if (databases_meant(repo, o, true, &names, e) != 0)
        goto out;
    if (!trust_asks(repo->trust, "label"))
        findings_add(&r->findings,
                     (struct finding){.class = FINDING_NOTE,
                                      .group = "chain",
                                      .object = o->place.location,
                                      .what = "this host requires no signature (trust-backup): "
                                              "anybody who can write to the repository can forge "
                                              "all of this"});
    rc = 0;
    for (size_t i = 0; rc == 0 && i < names.n; i++)
        rc = check_database(repo, names.v[i], r, e) != 0 ? -1 : find_source(repo, names.v[i], r, e);
    if (rc == 0)
        rc = settings_find(repo, &r->findings, e);
out:
    strlist_free(&names);
    repo_close(repo);
    return rc;
}
