/*
 * chain_signers.c - the numbers of each signer: 1, 2, 3, … without a gap, each used once.
 *
 * All (signer, number, backup) of labels and tombstones are sorted; each signer is walked from 0
 * on.  A missing number is a backup that was removed, unless a label with an unknown number may
 * have had it: an unreadable one, one that was replaced by a copy, or one that was expired by a
 * tombstone without a number.  Such labels between the neighbours of the gap are counted; if they
 * may account for all of it the gap is a note.  The same number for two backups, or two runs of
 * one, means two histories: a state of the repository or of a host that was put back, or a key on
 * two hosts.  The number that this host remembers of a signer must be reached.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "verify/stored/chain_impl.h"

static int
by_sequence(const void *a, const void *b)
{
    const struct chain_link *x = a, *y = b;
    int                      c = strcmp(x->signer, y->signer);

    if (c == 0)
        c = x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
    return c != 0 ? c : strcmp(x->id, y->id);
}

/* Labels of unknown sequence from one backup to another (which may itself be the copy of one that
 * had it); "" and NULL: before and after all.  Copies keep the ids of their originals, so that a
 * signer's ids need not ascend. */
static size_t
unknown_between(const struct chain_walk *w, const char *low, const char *high)
{
    size_t n = 0;

    if (high != NULL && strcmp(low, high) > 0) {
        const char *swap = low;

        low = high;
        high = swap;
    }
    for (size_t i = 0; i < w->unknown.n; i++)
        n += strcmp(w->unknown.v[i], low) >= 0 &&
            (high == NULL || strcmp(w->unknown.v[i], high) <= 0);
    return n;
}

static char *
where(const char *low, const char *high)
{
    if (*low == '\0')
        return high == NULL ? xstrdup("no label has it") : xasprintf("before %s", high);
    return high == NULL ? xasprintf("after %s", low) : xasprintf("between %s and %s", low, high);
}

/* The finding for missing numbers when this many labels may have had them. */
static char *
gap_text(uint64_t from, uint64_t to, size_t unknown)
{
    uint64_t missing = to - from + 1;
    char    *numbers = missing == 1 ? xasprintf("number %" PRIu64 " is", from)
                                    : xasprintf("numbers %" PRIu64 " to %" PRIu64 " are", from, to);
    char     count[48], *text;

    if (unknown >= missing)
        text = xasprintf(
            "%s missing, which cannot be checked: a backup that cannot be read or was healed, or a "
            "tombstone of an "
            "older program, may account for it",
            numbers);
    else
        text = xasprintf("%s missing: at least %s went, and no prune says so", numbers,
                         count_human(missing - unknown, "backup", count, sizeof count));
    free(numbers);
    return text;
}

static void
gap(struct chain_walk *w, const char *signer, uint64_t from, uint64_t to, const char *low,
    const char *high)
{
    size_t unknown = unknown_between(w, low, high);
    char  *object = xasprintf("%s: key %s", w->db, signer);
    char  *what = gap_text(from, to, unknown);
    char  *place = where(low, high);

    chain_finding(w, unknown > to - from ? FINDING_NOTE : FINDING_DIFFERENT, object, what, place);
    free(place);
    free(what);
    free(object);
}

static void
twice(struct chain_walk *w, const struct chain_link *a, const struct chain_link *b)
{
    char *object = xasprintf("%s: key %s", w->db, a->signer);
    char *what = xasprintf("number %" PRIu64
                           " was given twice: two histories, or two hosts with one key",
                           a->sequence);
    char *have = xasprintf("%s and %s", a->id, b->id);

    chain_finding(w, FINDING_DIFFERENT, object, what, have);
    free(have);
    free(what);
    free(object);
}

/* The links of one signer, ascending; n may be 0. */
static void
check_signer(struct chain_walk *w, const char *signer, const struct chain_link *v, size_t n)
{
    uint64_t    remembered = lastseen_sequence(&w->seen, signer), last = 0;
    const char *id = "";

    for (size_t i = 0; i < n; i++) {
        if (v[i].sequence > last + 1)
            gap(w, signer, last + 1, v[i].sequence - 1, id, v[i].id);
        else if (i > 0 && v[i].sequence == last &&
                 (strcmp(v[i].id, id) != 0 || strcmp(v[i].run, v[i - 1].run) != 0))
            twice(w, &v[i - 1], &v[i]);
        last = v[i].sequence;
        id = v[i].id;
    }
    if (remembered > last)
        gap(w, signer, last + 1, remembered, id, NULL);
    w->counts.signers++;
}

static bool
has_links(const struct chain_walk *w, const char *signer)
{
    for (size_t i = 0; i < w->n_links; i++)
        if (strcmp(w->links[i].signer, signer) == 0)
            return true;
    return false;
}

void
chain_signers(struct chain_walk *w)
{
    if (w->n_links > 0)
        qsort(w->links, w->n_links, sizeof *w->links, by_sequence);
    for (size_t i = 0, n; i < w->n_links; i += n) {
        for (n = 1; i + n < w->n_links && strcmp(w->links[i].signer, w->links[i + n].signer) == 0;
             n++)
            continue;
        check_signer(w, w->links[i].signer, &w->links[i], n);
    }
    for (size_t i = 0; i < w->seen.n; i++)
        if (!has_links(w, w->seen.v[i].id))
            check_signer(w, w->seen.v[i].id, NULL, 0);
}
