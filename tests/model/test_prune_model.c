/*
 * The protocol of docs/prune-protocol.md, run to exhaustion: every interleaving of writers and
 * prunes on one content, with listings that may be old, PUTs that arrive twice, and processes that
 * stop anywhere (which is the same as one that is never scheduled again).  Then every rule is left
 * out in turn, and a loss must be found.
 *
 * One model step is one storage call.  One old object (0) is referred to by the label of an old
 * backup (0); writer i may reuse what it trusts, or put object i + 1 and, in the end, label i + 1.
 * With deltas it does both: what it reuses is the base of what it puts, and its label needs both.
 *
 * The writers of a batch are the backups of one copy, one after the other: the first reads what may
 * be reused for all of them, under one more run mark (HOLD) that is no backup's.
 *
 * Time: DELTA is how old a listing may be.  A change is "recent" for that long, and a listing shows
 * each recent entry as it is or as it was.  tick() lets time pass, at any moment.
 */
#include "tests/unit/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { WRITERS = 3, PRUNES = 2, NAMES = WRITERS + 1, HOLD = WRITERS, RUNS = WRITERS + 1 };

/* What can be left out.  The names are those of docs/prune-protocol.md. */
enum rule {
    W1_MARK_FIRST,
    W2_READ_TRASH,
    W2_TRASH_BEFORE_LISTING,
    W2_LIST_CHUNKS,
    W4_NAMES_BASES,
    W5_LABEL_BEFORE_MARK_GOES,
    W5_REVOKED_AGAIN,
    VOID_WHEN_REVOKED,
    P1_TOMBSTONE,
    P3_TRASH_FIRST,
    P3_WAIT,
    P5_RUNS_ENDED,
    P5_WAIT,
    P6_LABELS_AGAIN,
    P7_OBJECTS_BEFORE_LIST,
    P7_WAIT,
    P7_LIST_STAYS,
    P8_NO_WRITER,
    P8_WAIT,
    P8_LABEL_AGAIN,
    WB_OWN_RUN,
    WB_HOLD_FIRST,
    WB_HOLD_STAYS,
    WB_HOLD_REVOKED,
    WB_BANS_STAY,
    WB_TRASH_AGAIN,
    WB_MARK_EACH,
    RULES
};

static const char *const rule_names[RULES] = {
    "W1: the run mark stands before anything is read",
    "W2: what a trash list names is not reused",
    "W2: trash lists are read before the chunks are listed",
    "W2: only what is listed is reused",
    "W4: a delta's bases stand in the chunk list, too",
    "W5: the label stands before the run mark goes",
    "W5: revoked by now? then it is no success",
    "a revoked run's backup is void",
    "P1: a tombstone before the label goes",
    "P3: a trash list names what will be removed",
    "P3: wait until every writer sees the list",
    "P5: every run that may not have seen the list has ended",
    "P5: wait until the labels of those runs are seen",
    "P6: the labels are listed again",
    "P7: objects go before their list",
    "P7: wait until no listing shows the objects",
    "P7: a list stays as long as one of its objects",
    "P8: leftovers stay while anybody writes",
    "P8: wait until the marks of their writers are seen",
    "P8: the label is looked for again",
    "WB: the mark under which a listing is shared is no backup's",
    "WB: it stands before the first reads trash lists",
    "WB: it stays until the last one has read the trash lists",
    "WB: revoked by now? then the listing is not used",
    "WB: what the first saw in a trash list is reused by nobody",
    "WB: each reads the trash lists again",
    "WB: each has its own mark before that",
};

/* What is explored: how many take part, and what they may do. */
struct setup {
    const char *name;
    int         writers, prunes;
    int         delta;      /* 0 or 1 ticks */
    bool        journal;    /* what an interrupted run stored is trusted too */
    bool        twice;      /* a label's PUT, and a trash list's, may happen again */
    bool        leftovers;  /* the rest of a backup's directory, and its removal */
    bool        expire_new; /* not only the old backup may expire */
    bool        batch;      /* the writers are the backups of one copy */
    bool        deltas;     /* what is reused is a base of what is new */
};

/* An entry of the store: there or not, and how long since that changed (2: longer than a listing
 * may be old). */
typedef uint8_t entry;
enum { THERE = 1, AGE_SHIFT = 1, AGED = 2 };

struct writer {
    uint8_t pc;
    uint8_t want; /* the object it trusts, or NAMES */
    uint8_t banned;
};

struct prune {
    uint8_t pc;
    uint8_t wait;  /* ticks still to wait */
    uint8_t refs;  /* objects that the labels seen refer to */
    uint8_t left;  /* directories without a label, as seen */
    uint8_t names; /* U, later D */
    uint8_t list;  /* the trash list it sweeps */
    uint8_t gone;  /* label that it expires */
};

struct state {
    entry   chunk[NAMES], label[NAMES], dir[NAMES], mark[RUNS], trash[PRUNES], runs[PRUNES];
    uint8_t revoked, tomb, labelled, twice_label,
        twice_trash;          /* bits; .revoked and tombstones are read consistently */
    uint8_t       lied;       /* success was said of a run that was revoked before */
    uint8_t       hold;       /* of a batch: enum */
    uint8_t       shared;     /* what the backups of a batch may reuse */
    uint8_t       ref[NAMES]; /* what label i needs: bits */
    uint8_t       names[PRUNES], waits[PRUNES]; /* of trash list t: names, and R(t) */
    struct writer w[WRITERS];
    struct prune  p[PRUNES];
};

enum { H_NONE, H_READ, H_STANDS, H_GONE };
enum { W_MARK, W_LABELS, W_TRASH, W_CHUNKS, W_PUT, W_DIR, W_LABEL, W_END, W_DONE };

enum {
    P_EXPIRE,
    P_UNLABEL,
    P_DIRS,
    P_LABELS,
    P_CHUNKS,
    P_TRASH,
    P_RUNS,
    P_ENDED,
    P_AGAIN,
    P_SWEEP,
    P_FORGET,
    P_DONE
};

/* ---- the search: breadth first over a hash set ---- */

struct search {
    const struct setup *setup;
    unsigned            without; /* bit of the rule left out */
    struct state       *v;
    uint32_t           *parent;
    size_t              n, cap;
    uint32_t           *slot;
    size_t              n_slots;
    size_t              at;   /* the state being expanded */
    size_t              lost; /* index of a state with a loss; SIZE_MAX: none */
};

static bool
has(const struct search *s, enum rule r)
{
    return (s->without >> r & 1) == 0;
}

static bool
there(entry e)
{
    return (e & THERE) != 0;
}

static bool
recent(const struct search *s, entry e)
{
    return s->setup->delta > 0 && e >> AGE_SHIFT < AGED;
}

static uint64_t
hash(const struct state *st)
{
    const uint8_t *p = (const uint8_t *)st;
    uint64_t       h = 1469598103934665603U;

    for (size_t i = 0; i < sizeof *st; i++) {
        h = (h ^ p[i]) * 1099511628211U;
    }
    return h ^ h >> 29;
}

static void
rehash(struct search *s)
{
    s->n_slots = s->n_slots == 0 ? 1 << 16 : 2 * s->n_slots;
    free(s->slot);
    s->slot = xcalloc(s->n_slots, sizeof *s->slot);
    for (size_t i = 0; i < s->n; i++) {
        size_t h = hash(&s->v[i]) & (s->n_slots - 1);

        while (s->slot[h] != 0) {
            h = (h + 1) & (s->n_slots - 1);
        }
        s->slot[h] = (uint32_t)i + 1;
    }
}

static bool
needed_stand(const struct state *st, int label)
{
    bool stand = true;

    for (int n = 0; n < NAMES; n++) {
        stand = stand && ((st->ref[label] >> n & 1) == 0 || there(st->chunk[n]));
    }
    return stand;
}

/* Every live backup has its objects, and the rest of its directory; and nobody was told
 * otherwise. */
static bool
whole(const struct search *s, const struct state *st)
{
    for (int i = 0; i < NAMES; i++) {
        bool is_void = i > 0 && (st->revoked >> (i - 1) & 1) != 0 && has(s, VOID_WHEN_REVOKED);

        if (there(st->label[i]) && (st->tomb >> i & 1) == 0 && !is_void &&
            (!needed_stand(st, i) || (s->setup->leftovers && !there(st->dir[i])))) {
            return false;
        }
    }
    return st->lied == 0;
}

/* What cannot matter any more is forgotten, so that states are the same that behave the same. */
static void
forget(const struct search *s, struct state *st)
{
    for (int i = 0; i < WRITERS; i++) {
        bool over = st->w[i].pc == W_DONE && !there(st->label[i + 1]) && !there(st->mark[i]);

        if (over && s->setup->delta == 0) {
            uint8_t others = (uint8_t) ~(1U << i);

            st->revoked &= others;
            st->labelled &= others;
            st->tomb &= (uint8_t) ~(2U << i);
            st->ref[i + 1] = s->setup->journal ? st->ref[i + 1] : 0;
            for (int k = 0; k < PRUNES; k++) {
                st->waits[k] &= others;
            }
        }
    }
    if (s->setup->delta == 0 && !there(st->label[0])) {
        st->tomb &= (uint8_t)~1U;
    }
    for (int k = 0; k < PRUNES; k++) {
        if (s->setup->delta == 0 && !there(st->trash[k]) && st->p[k].pc > P_TRASH) {
            st->names[k] = st->waits[k] = 0;
        }
    }
}

static void
emit(struct search *s, const struct state *seen)
{
    struct state  copy = *seen;
    struct state *st = &copy;
    size_t        h;

    if (!s->setup->twice) {
        forget(s, st);
    }

    if (2 * s->n >= s->n_slots) {
        rehash(s);
    }
    for (h = hash(st) & (s->n_slots - 1); s->slot[h] != 0; h = (h + 1) & (s->n_slots - 1)) {
        if (memcmp(&s->v[s->slot[h] - 1], st, sizeof *st) == 0) {
            return;
        }
    }
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 1 << 14 : 2 * s->cap;
        s->v = xreallocarray(s->v, s->cap, sizeof *s->v);
        s->parent = xreallocarray(s->parent, s->cap, sizeof *s->parent);
    }
    s->slot[h] = (uint32_t)s->n + 1;
    s->v[s->n] = *st;
    s->parent[s->n] = (uint32_t)s->at;
    if (!whole(s, st) && s->lost == SIZE_MAX) {
        s->lost = s->n;
    }
    s->n++;
}

/* ---- the store ---- */

static void
put(const struct search *s, entry *e)
{
    if (!there(*e)) {
        *e = THERE | (s->setup->delta > 0 ? 0 : AGED << AGE_SHIFT);
    }
}

static void
del(const struct search *s, entry *e)
{
    if (there(*e)) {
        *e = s->setup->delta > 0 ? 0 : AGED << AGE_SHIFT;
    }
}

/* Each way in which a listing may show n entries: calls fn with the bits of those shown. */
typedef void shown_fn(struct search *, const struct state *, int who, unsigned bits);

static void
list(struct search *s, const struct state *st, const entry *e, int n, int who, shown_fn *fn)
{
    unsigned sure = 0;
    unsigned maybe = 0;

    for (int i = 0; i < n; i++) {
        if (recent(s, e[i])) {
            maybe |= 1U << i;
        } else if (there(e[i])) {
            sure |= 1U << i;
        }
    }
    for (unsigned sub = maybe;; sub = (sub - 1) & maybe) {
        fn(s, st, who, sure | sub);
        if (sub == 0) {
            break;
        }
    }
}

/* What the labels shown say, to somebody who reads them: objects referred to by live backups. */
static unsigned
live_labels(const struct search *s, const struct state *st, unsigned shown)
{
    unsigned live = 0;

    for (int i = 0; i < NAMES; i++) {
        bool is_void = i > 0 && (st->revoked >> (i - 1) & 1) != 0;

        /* A GET of what was shown and is gone says so: it does not count. */
        if ((shown >> i & 1) != 0 && there(st->label[i]) && (st->tomb >> i & 1) == 0 &&
            !(is_void && has(s, VOID_WHEN_REVOKED))) {
            live |= 1U << i;
        }
    }
    return live;
}

/* Of what they need, what their chunk lists name. */
static unsigned
refs_of(const struct search *s, const struct state *st, unsigned live)
{
    unsigned refs = 0;

    for (int i = 0; i < NAMES; i++) {
        unsigned own = st->ref[i] & 1U << i;

        if ((live >> i & 1) != 0) {
            refs |= own != 0 && !has(s, W4_NAMES_BASES) ? own : st->ref[i];
        }
    }
    return refs;
}

/* ---- writers ---- */

static void
writer_next(struct search *s, const struct state *st, int i, uint8_t pc)
{
    struct state t = *st;

    t.w[i].pc = pc;
    if (pc == W_DONE) {
        t.w[i].want = t.w[i].banned = 0;
    }
    emit(s, &t);
}

/* Does it use what the first of its batch has listed? */
static bool
shares(const struct search *s, int i)
{
    return s->setup->batch && i > 0;
}

static void
writer_trusts(struct search *s, const struct state *st, int i, unsigned shown)
{
    unsigned     trusted = s->setup->batch ? st->shared : refs_of(s, st, live_labels(s, st, shown));
    struct state t = *st;

    for (int j = 0; j < s->setup->writers; j++) {
        if (s->setup->journal && j != i && st->w[j].pc > W_PUT &&
            (st->ref[j + 1] >> (j + 1) & 1) != 0) {
            trusted |= 1U << (j + 1);
        }
    }
    t.w[i].want = NAMES;
    writer_next(s, &t, i, W_TRASH); /* it need not want any */
    for (uint8_t n = 0; n < NAMES; n++) {
        if ((trusted >> n & 1) != 0) {
            t.w[i].want = n;
            writer_next(s, &t, i, has(s, W2_TRASH_BEFORE_LISTING) ? W_TRASH : W_CHUNKS);
        }
    }
}

static void
writer_bans(struct search *s, const struct state *st, int i, unsigned shown)
{
    struct state t = *st;

    for (int k = 0; k < PRUNES; k++) {
        /* Shown and gone since: as if it had not been shown. */
        if ((shown >> k & 1) != 0 && there(st->trash[k]) && t.w[i].want < NAMES &&
            (st->names[k] >> t.w[i].want & 1) != 0 && has(s, W2_READ_TRASH)) {
            t.w[i].want = NAMES;
        }
        if ((shown >> k & 1) != 0 && there(st->trash[k]) && has(s, WB_BANS_STAY)) {
            t.shared &= (uint8_t)~st->names[k];
        }
    }
    writer_next(s, &t, i, has(s, W2_TRASH_BEFORE_LISTING) ? W_CHUNKS : W_PUT);
}

static void
writer_lists(struct search *s, const struct state *st, int i, unsigned shown)
{
    struct state t = *st;

    if (t.w[i].want < NAMES && (shown >> t.w[i].want & 1) == 0 && has(s, W2_LIST_CHUNKS)) {
        t.w[i].want = NAMES;
    }
    t.shared &= (uint8_t)shown;
    writer_next(s, &t, i, has(s, W2_TRASH_BEFORE_LISTING) ? W_PUT : W_TRASH);
}

/* In place of a listing: the run under whose mark it was made must not be revoked. */
static void
writer_looks_at_hold(struct search *s, const struct state *st, int i)
{
    int          run = has(s, WB_OWN_RUN) ? HOLD : 0;
    struct state t = *st;

    if ((st->revoked >> run & 1) != 0 && has(s, WB_HOLD_REVOKED)) {
        del(s, &t.mark[i]);
        writer_next(s, &t, i, W_DONE);
    } else {
        writer_next(s, &t, i, W_PUT);
    }
}

static void
writer_step(struct search *s, const struct state *st, int i)
{
    struct state   t = *st;
    struct writer *w = &t.w[i];

    /* Giving up before the label was tried: the mark goes. */
    if (s->setup->journal && w->pc > W_PUT && w->pc < W_LABEL && there(st->mark[i])) {
        struct state g = *st;

        del(s, &g.mark[i]);
        writer_next(s, &g, i, W_DONE);
    }
    switch (w->pc) {
    case W_MARK:
        if (has(s, W1_MARK_FIRST) && (!shares(s, i) || has(s, WB_MARK_EACH))) {
            put(s, &t.mark[i]);
        }
        writer_next(s, &t, i, W_LABELS);
        break;
    case W_LABELS:
        if (s->setup->batch) {
            writer_trusts(s, st, i, 0);
        } else {
            list(s, st, st->label, NAMES, i, writer_trusts);
        }
        break;
    case W_TRASH:
        if (shares(s, i) && !has(s, WB_TRASH_AGAIN)) {
            writer_next(s, st, i, W_CHUNKS);
        } else {
            list(s, st, st->trash, PRUNES, i, writer_bans);
        }
        break;
    case W_CHUNKS:
        if (shares(s, i)) {
            writer_looks_at_hold(s, st, i);
        } else {
            list(s, st, st->chunk, NAMES, i, writer_lists);
        }
        break;
    case W_PUT:
        put(s, &t.mark[i]); /* for a writer without W1: late */
        t.ref[i + 1] = w->want == NAMES ? 0 : (uint8_t)(1U << w->want);
        if (w->want == NAMES || s->setup->deltas) {
            put(s, &t.chunk[i + 1]);
            t.ref[i + 1] |= (uint8_t)(2U << i);
        }
        w->want = 0;
        writer_next(s, &t, i, s->setup->leftovers ? W_DIR : W_LABEL);
        break;
    case W_DIR:
        put(s, &t.dir[i + 1]);
        writer_next(s, &t, i, W_LABEL);
        break;
    case W_LABEL:
        if (!has(s, W5_LABEL_BEFORE_MARK_GOES)) {
            del(s, &t.mark[i]);
            emit(s, &t); /* and stopped here, for ever or for a while */
        }
        put(s, &t.label[i + 1]);
        t.labelled |= (uint8_t)(1U << i);
        if (s->setup->batch) {
            t.shared |= st->ref[i + 1]; /* what it wrote was there */
        }
        w->banned = (uint8_t)(st->revoked >> i & 1); /* now means: revoked before the label stood */
        writer_next(s, &t, i, W_END);
        break;
    case W_END:
        if ((st->revoked >> i & 1) == 0 || !has(s, W5_REVOKED_AGAIN)) {
            t.lied |= w->banned;
            del(s, &t.mark[i]);
        }
        writer_next(s, &t, i, W_DONE);
        break;
    default:
        break;
    }
}

static void
hold_trusts(struct search *s, const struct state *st, int who, unsigned shown)
{
    struct state t = *st;

    (void)who;
    t.shared = (uint8_t)refs_of(s, st, live_labels(s, st, shown));
    t.hold = H_READ;
    emit(s, &t);
}

/* A batch: its labels are read, and then its mark stands, before its first backup and until after
 * its last has decided what it reuses. */
static void
hold_step(struct search *s, const struct state *st)
{
    bool         begins = has(s, WB_HOLD_FIRST) ? st->w[0].pc == W_MARK : st->w[0].pc > W_CHUNKS;
    bool         ends = !has(s, WB_HOLD_STAYS) || st->w[s->setup->writers - 1].pc > W_CHUNKS;
    struct state t = *st;

    if (st->hold == H_NONE) {
        list(s, st, st->label, NAMES, 0, hold_trusts);
    } else if (st->hold == H_READ && begins) {
        if (has(s, WB_OWN_RUN)) {
            put(s, &t.mark[HOLD]);
        }
        t.hold = H_STANDS;
        emit(s, &t);
    }
    for (int i = 0; i < s->setup->writers && !ends; i++) { /* or when a backup has failed */
        ends = i > 0 && st->w[i - 1].pc == W_DONE && st->w[i].pc == W_MARK;
    }
    if (st->hold == H_STANDS && ends) {
        del(s, &t.mark[HOLD]);
        t.hold = H_GONE;
        emit(s, &t);
    }
}

/* The next of a batch begins when the one before it has ended; of others, who begins first is
 * called the first. */
static bool
may_step(const struct search *s, const struct state *st, int i)
{
    bool held = st->hold == H_STANDS || (i == 0 && st->hold == H_READ && !has(s, WB_HOLD_FIRST)) ||
        (st->hold == H_GONE && !has(s, WB_HOLD_STAYS));

    if (s->setup->batch && st->w[i].pc == W_MARK) {
        return held && (i == 0 || st->w[i - 1].pc == W_DONE);
    }
    return i == 0 || st->w[i - 1].pc != W_MARK;
}

/* ---- prunes ---- */

/* Longer than twice DELTA. */
static uint8_t
long_wait(const struct search *s, enum rule r)
{
    return s->setup->delta > 0 && has(s, r) ? 3 : 0;
}

static void
prune_next(struct search *s, const struct state *st, int k, uint8_t pc)
{
    struct state t = *st;

    t.p[k].pc = pc;
    if (pc == P_DONE) {
        t.p[k] = (struct prune){.pc = P_DONE};
    }
    emit(s, &t);
}

static void
prune_expires(struct search *s, const struct state *st, int k, unsigned shown)
{
    unsigned live = live_labels(s, st, shown);

    prune_next(s, st, k, s->setup->leftovers ? P_DIRS : P_LABELS);
    for (uint8_t i = 0; i < (s->setup->expire_new ? NAMES : 1); i++) {
        struct state t = *st;

        if ((live >> i & 1) != 0) {
            t.p[k].gone = i;
            if (has(s, P1_TOMBSTONE)) {
                t.tomb |= (uint8_t)(1U << i);
            }
            prune_next(s, &t, k, P_UNLABEL);
        }
    }
}

static void
prune_dirs(struct search *s, const struct state *st, int k, unsigned shown)
{
    struct state t = *st;

    t.p[k].left = (uint8_t)shown;
    prune_next(s, &t, k, P_LABELS);
}

static void
prune_refs(struct search *s, const struct state *st, int k, unsigned shown)
{
    struct state t = *st;

    t.p[k].refs = (uint8_t)refs_of(s, st, live_labels(s, st, shown));
    t.p[k].left &= (uint8_t)~live_labels(s, st, shown);
    prune_next(s, &t, k, P_CHUNKS);
}

static void
prune_garbage(struct search *s, const struct state *st, int k, unsigned shown)
{
    struct state t = *st;

    /* Less what a trash list names already, and what live runs wrote; neither is a matter of
     * safety. */
    for (int l = 0; l < PRUNES; l++) {
        shown &= there(st->trash[l]) ? ~(unsigned)st->names[l] : ~0U;
    }
    for (int i = 0; i < WRITERS; i++) {
        shown &= there(st->mark[i]) ? ~(1U << (i + 1)) : ~0U;
    }
    t.p[k].names = (uint8_t)(shown & ~(unsigned)t.p[k].refs);
    prune_next(s, &t, k, P_TRASH);
}

static void
prune_runs(struct search *s, const struct state *st, int k, unsigned shown)
{
    struct state t = *st;

    if (there(t.trash[k]) && !there(t.runs[k]) && t.names[k] != 0) {
        put(s, &t.runs[k]);
        t.waits[k] = (uint8_t)(shown & ~(unsigned)st->revoked);
    }
    /* Leftovers: somebody writes, so whose they are is not known. */
    if (has(s, P8_NO_WRITER) && (shown & ~(unsigned)st->revoked) != 0) {
        t.p[k].left = 0;
    }
    t.p[k].names = 0;
    prune_next(s, &t, k, P_ENDED);
}

/* Has every run of R(t) ended?  shown: marks.  A label of its run ends it too; the label is read
 * consistently, and a missing one only delays. */
static void
prune_ended(struct search *s, const struct state *st, int k, unsigned shown)
{
    for (uint8_t l = 0; l < PRUNES; l++) {
        unsigned     open = st->waits[l] & shown & ~(unsigned)st->revoked;
        struct state t = *st;

        if (!there(st->trash[l]) || !there(st->runs[l])) {
            continue;
        }
        for (int i = 0; i < WRITERS; i++) {
            open &= there(st->label[i + 1]) ? ~(1U << i) : ~0U;
        }
        t.p[k].list = l;
        t.p[k].wait = long_wait(s, P5_WAIT);
        if (open == 0 || !has(s, P5_RUNS_ENDED)) {
            prune_next(s, &t, k, P_AGAIN);
        }
    }
    if (s->setup->leftovers && st->p[k].left != 0) {
        struct state t = *st;

        t.p[k].list = PRUNES;
        t.p[k].wait = long_wait(s, P5_WAIT);
        prune_next(s, &t, k, P_AGAIN);
    }
    prune_next(s, st, k, P_DONE);
}

static void
prune_again(struct search *s, const struct state *st, int k, unsigned shown)
{
    struct state t = *st;
    unsigned     live = live_labels(s, st, shown);
    unsigned     refs = has(s, P6_LABELS_AGAIN) ? refs_of(s, st, live) : st->p[k].refs;

    if (has(s, P8_LABEL_AGAIN)) {
        t.p[k].left &= (uint8_t)~shown;
    }
    t.p[k].refs = 0;
    t.p[k].names = t.p[k].list < PRUNES ? (uint8_t)(st->names[t.p[k].list] & ~refs) : 0;
    prune_next(s, &t, k, P_SWEEP);
}

/* Objects one by one, in any order; then the leftovers; then the list. */
static void
prune_sweep(struct search *s, const struct state *st, int k)
{
    const struct prune *p = &st->p[k];
    struct state        t = *st;
    bool                all;

    for (int n = 0; n < NAMES; n++) {
        if ((p->names >> n & 1) != 0) {
            t = *st;
            del(s, &t.chunk[n]);
            t.p[k].names &= (uint8_t) ~(1U << n);
            emit(s, &t);
            return; /* the order does not matter, the moments do */
        }
    }
    for (int n = 0; n < NAMES; n++) {
        if ((p->left >> n & 1) != 0) {
            t = *st;
            del(s, &t.dir[n]);
            t.p[k].left &= (uint8_t) ~(1U << n);
            emit(s, &t);
            return;
        }
    }
    if (p->list == PRUNES || !there(st->trash[p->list])) {
        prune_next(s, st, k, P_DONE);
        return;
    }
    all = true;
    for (int n = 0; n < NAMES; n++) {
        all = all && ((st->names[p->list] >> n & 1) == 0 || !there(st->chunk[n]));
    }
    if (all || !has(s, P7_LIST_STAYS)) {
        t.p[k].wait = long_wait(s, P7_WAIT);
        prune_next(s, &t, k, P_FORGET);
    } else {
        prune_next(s, st, k, P_DONE);
    }
}

static void
prune_step(struct search *s, const struct state *st, int k)
{
    struct state  t = *st;
    struct prune *p = &t.p[k];

    if (p->wait > 0) {
        return;
    }
    switch (p->pc) {
    case P_EXPIRE:
        list(s, st, st->label, NAMES, k, prune_expires);
        break;
    case P_UNLABEL:
        del(s, &t.label[p->gone]);
        p->gone = 0;
        prune_next(s, &t, k, s->setup->leftovers ? P_DIRS : P_LABELS);
        break;
    case P_DIRS:
        list(s, st, st->dir, NAMES, k, prune_dirs);
        break;
    case P_LABELS:
        list(s, st, st->label, NAMES, k, prune_refs);
        break;
    case P_CHUNKS:
        list(s, st, st->chunk, NAMES, k, prune_garbage);
        break;
    case P_TRASH:
        if (p->names != 0 && has(s, P3_TRASH_FIRST)) {
            put(s, &t.trash[k]);
            t.names[k] = p->names;
        }
        if (!has(s, P3_TRASH_FIRST)) {
            p->list = PRUNES; /* removed at once */
            prune_next(s, &t, k, P_SWEEP);
            break;
        }
        p->refs = has(s, P6_LABELS_AGAIN) ? 0 : p->refs;
        p->wait = long_wait(s, s->setup->leftovers && !has(s, P8_WAIT) ? P8_WAIT : P3_WAIT);
        prune_next(s, &t, k, P_RUNS);
        break;
    case P_RUNS:
        list(s, st, st->mark, RUNS, k, prune_runs);
        break;
    case P_ENDED:
        list(s, st, st->mark, RUNS, k, prune_ended);
        /* Revoking: any run without a label, however soon.  72 hours are for the backups' sake,
         * not for safety. */
        for (int i = 0; i < RUNS; i++) {
            struct state r = *st;

            if (((st->waits[0] | st->waits[1]) >> i & 1) != 0 && there(st->mark[i]) &&
                (i == HOLD || !there(st->label[i + 1])) && (st->revoked >> i & 1) == 0) {
                r.revoked |= (uint8_t)(1U << i);
                emit(s, &r);
            }
        }
        break;
    case P_AGAIN:
        list(s, st, st->label, NAMES, k, prune_again);
        break;
    case P_SWEEP:
        if (!has(s, P7_OBJECTS_BEFORE_LIST) && p->list < PRUNES && there(st->trash[p->list])) {
            del(s, &t.trash[p->list]);
            emit(s, &t);
            break;
        }
        prune_sweep(s, st, k);
        break;
    case P_FORGET:
        del(s, &t.trash[p->list]);
        del(s, &t.runs[p->list]);
        prune_next(s, &t, k, P_DONE);
        break;
    default:
        break;
    }
}

/* ---- time, and PUTs that happen again ---- */

static void
age(entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (e[i] >> AGE_SHIFT < AGED) {
            e[i] = (entry)(e[i] + (1 << AGE_SHIFT));
        }
    }
}

static void
tick(struct search *s, const struct state *st)
{
    struct state t = *st;

    age(t.chunk, NAMES);
    age(t.label, NAMES);
    age(t.dir, NAMES);
    age(t.mark, RUNS);
    age(t.trash, PRUNES);
    for (int k = 0; k < PRUNES; k++) {
        t.p[k].wait -= t.p[k].wait > 0;
    }
    emit(s, &t);
}

static void
again(struct search *s, const struct state *st)
{
    for (int i = 0; i < s->setup->writers; i++) {
        struct state t = *st;

        if ((st->labelled >> i & 1) != 0 && (st->twice_label >> i & 1) == 0 &&
            !there(st->label[i + 1])) {
            t.twice_label |= (uint8_t)(1U << i);
            put(s, &t.label[i + 1]);
            emit(s, &t);
        }
    }
    for (int k = 0; k < s->setup->prunes; k++) {
        struct state t = *st;

        if (st->names[k] != 0 && (st->twice_trash >> k & 1) == 0 && !there(st->trash[k])) {
            t.twice_trash |= (uint8_t)(1U << k);
            put(s, &t.trash[k]);
            emit(s, &t);
            put(s, &t.runs[k]); /* and R(t) as well, as old as it is */
            emit(s, &t);
        }
    }
}

static void
expand(struct search *s, const struct state *st)
{
    for (int i = 0; i < s->setup->writers; i++) {
        if (may_step(s, st, i)) {
            writer_step(s, st, i);
        }
    }
    if (s->setup->batch) {
        hold_step(s, st);
    }
    for (int k = 0; k < s->setup->prunes && (k == 0 || st->p[k - 1].pc != P_EXPIRE); k++) {
        prune_step(s, st, k);
    }
    if (s->setup->delta > 0) {
        tick(s, st);
    }
    if (s->setup->twice) {
        again(s, st);
    }
}

static void
begin(struct state *st)
{
    const entry old = AGED << AGE_SHIFT;

    memset(st, 0, sizeof *st);
    memset(st->chunk, old, sizeof st->chunk);
    memset(st->label, old, sizeof st->label);
    memset(st->dir, old, sizeof st->dir);
    memset(st->mark, old, sizeof st->mark);
    memset(st->trash, old, sizeof st->trash);
    st->chunk[0] = st->label[0] = st->dir[0] = old | THERE;
    st->ref[0] = 1;
}

/* Until everything is seen, or a loss is found.  The number of states; lost: how many steps to a
 * loss, 0: none. */
static size_t
explore(const struct setup *setup, unsigned without, size_t *lost)
{
    struct search s = {.setup = setup, .without = without, .lost = SIZE_MAX};
    struct state  st;
    size_t        n;

    begin(&st);
    emit(&s, &st);
    for (; s.at < s.n && s.lost == SIZE_MAX; s.at++) {
        st = s.v[s.at];
        expand(&s, &st);
    }
    *lost = 0;
    for (size_t i = s.lost; i != SIZE_MAX && i != 0; i = s.parent[i]) {
        ++*lost;
    }
    n = s.n;
    free(s.v);
    free(s.parent);
    free(s.slot);
    return n;
}

/* ---- tests ---- */

enum {
    TWO_AND_TWO,
    REPEATED,
    THREE_AND_ONE,
    LEFTOVERS,
    OLD_LISTINGS,
    OLD_LEFTOVERS,
    BATCH,
    LONG_BATCH,
    OLD_BATCH,
    DELTAS,
    SETUPS
};

static const struct setup setups[SETUPS] = {
    [TWO_AND_TWO] = {"2 writers, 2 prunes, any backup may expire, journals", .writers = 2,
                     .prunes = 2, .journal = true, .expire_new = true},
    [REPEATED] = {"2 writers, 1 prune, PUTs that happen again", .writers = 2, .prunes = 1,
                  .twice = true, .expire_new = true},
    [THREE_AND_ONE] = {"3 writers, 1 prune, any backup may expire, journals", .writers = 3,
                       .prunes = 1, .journal = true, .expire_new = true},
    [LEFTOVERS] = {"1 writer, 2 prunes, what is left of backups", .writers = 1, .prunes = 2,
                   .leftovers = true, .expire_new = true},
    [OLD_LISTINGS] = {"2 writers, 1 prune, old listings, journals", .writers = 2, .prunes = 1,
                      .delta = 1, .journal = true, .expire_new = true},
    [OLD_LEFTOVERS] = {"1 writer, 1 prune, old listings, what is left of backups", .writers = 1,
                       .prunes = 1, .delta = 1, .leftovers = true},
    [BATCH] = {"a copy of 2, 2 prunes", .writers = 2, .prunes = 2, .batch = true},
    [LONG_BATCH] = {"a copy of 3, 1 prune, any backup may expire, journals", .writers = 3,
                    .prunes = 1, .journal = true, .expire_new = true, .batch = true},
    [OLD_BATCH] = {"a copy of 2, 1 prune, old listings", .writers = 2, .prunes = 1, .delta = 1,
                   .expire_new = true, .batch = true},
    [DELTAS] = {"3 writers of deltas, 1 prune, any backup may expire, journals", .writers = 3,
                .prunes = 1, .journal = true, .expire_new = true, .deltas = true},
};

/* Where each rule is missed. */
static const int missed_in[RULES] = {
    [W1_MARK_FIRST] = TWO_AND_TWO,
    [W2_READ_TRASH] = TWO_AND_TWO,
    [W2_TRASH_BEFORE_LISTING] = TWO_AND_TWO,
    [W2_LIST_CHUNKS] = TWO_AND_TWO,
    [W4_NAMES_BASES] = DELTAS,
    [W5_LABEL_BEFORE_MARK_GOES] = TWO_AND_TWO,
    [W5_REVOKED_AGAIN] = TWO_AND_TWO,
    [VOID_WHEN_REVOKED] = TWO_AND_TWO,
    [P1_TOMBSTONE] = REPEATED,
    [P3_TRASH_FIRST] = TWO_AND_TWO,
    [P3_WAIT] = OLD_LISTINGS,
    [P5_RUNS_ENDED] = TWO_AND_TWO,
    [P5_WAIT] = OLD_LISTINGS,
    [P6_LABELS_AGAIN] = TWO_AND_TWO,
    [P7_OBJECTS_BEFORE_LIST] = TWO_AND_TWO,
    [P7_WAIT] = OLD_LISTINGS,
    [P7_LIST_STAYS] = TWO_AND_TWO,
    [P8_NO_WRITER] = LEFTOVERS,
    [P8_WAIT] = OLD_LEFTOVERS,
    [P8_LABEL_AGAIN] = LEFTOVERS,
    [WB_OWN_RUN] = BATCH,
    [WB_HOLD_FIRST] = BATCH,
    [WB_HOLD_STAYS] = BATCH,
    [WB_HOLD_REVOKED] = BATCH,
    [WB_BANS_STAY] = BATCH,
    [WB_TRASH_AGAIN] = BATCH,
    [WB_MARK_EACH] = BATCH,
};

static void
the_protocol_loses_nothing(void **state)
{
    size_t total = 0;

    (void)state;
    for (int i = 0; i < SETUPS; i++) {
        size_t lost;
        size_t n = explore(&setups[i], 0, &lost);

        print_message("%9zu states: %s\n", n, setups[i].name);
        if (lost > 0) {
            fail_msg("%s: lost after %zu steps", setups[i].name, lost);
        }
        total += n;
    }
    print_message("%9zu states in all\n", total);
}

static void
each_of_its_rules_is_needed(void **state)
{
    (void)state;
    for (int r = 0; r < RULES; r++) {
        size_t lost;

        (void)explore(&setups[missed_in[r]], 1U << r, &lost);
        if (lost == 0) {
            fail_msg("nothing is lost without \"%s\"", rule_names[r]);
        }
        print_message("%3zu steps to a loss without \"%s\"\n", lost, rule_names[r]);
    }
}

/* PGASSAY_MODEL=long: 38,314,032 states, 5 GB and some minutes. */
static void
three_writers_and_two_prunes(void **state)
{
    static const struct setup largest = {"3 writers, 2 prunes", .writers = 3, .prunes = 2};
    size_t                    lost;
    size_t                    n;

    (void)state;
    if (getenv("PGASSAY_MODEL") == NULL) {
        skip();
    }
    n = explore(&largest, 0, &lost);
    print_message("%9zu states: %s\n", n, largest.name);
    assert_int_equal(lost, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_protocol_loses_nothing),
        cmocka_unit_test(each_of_its_rules_is_needed),
        cmocka_unit_test(three_writers_and_two_prunes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
