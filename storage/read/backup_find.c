/* backup_find.c - which backup a user means. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "core/quote.h"
#include "core/similar.h"
#include "core/when.h"
#include "storage/format/label.h"
#include "storage/keys/trust.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "storage/read/missing.h"
#include "storage/repo/annotations.h"
#include "storage/repo/label_load.h"

/* This many characters identify a backup: an id ends with four random ones. */
enum { ABBREVIATED_MIN = 4, ID_LETTERS_WRONG = 2 };

static bool
abbreviates(const char *text, const char *id)
{
    size_t n = strlen(text), len = strlen(id);

    return n >= ABBREVIATED_MIN && n <= len &&
        (strncmp(text, id, n) == 0 || strcmp(text, id + len - n) == 0);
}

/* One whose id is nearly the same: ids of one day differ in few digits, so it must be very near. */
static struct backup_entry *
not_found(const struct backup_list *list, const char *id, struct err *e)
{
    struct similar s = {.word = id, .most = ID_LETTERS_WRONG};

    for (size_t i = list->n; i-- > 0;) {
        similar_try(&s, list->v[i].id);
    }
    similar_try(&s, "latest");
    similar_try(&s, "proven");
    err_set(e, ERR_NOT_FOUND, "no backup \"%s\"", id);
    (void)similar_say(s.best, e);
    return NULL;
}

/* An id as it stands here, whole or abbreviated. */
static struct backup_entry *
find_id(const struct backup_list *list, const char *id, struct err *e)
{
    struct backup_entry *found = backup_list_find(list, id);

    if (found != NULL) {
        return found;
    }
    for (size_t i = 0; i < list->n; i++) {
        struct backup_entry *b = &list->v[i];

        if (abbreviates(id, b->id) && found != NULL) {
            err_set(e, ERR_USAGE, "\"%s\" may be backup %s or %s", id, found->id, b->id);
            err_hint(e, "give more of its id");
            return NULL;
        }
        found = abbreviates(id, b->id) ? b : found;
    }
    return found != NULL ? found : not_found(list, id, e);
}

/* Whoever names a backup gets that one, and is told what is wrong with it. */
static struct backup_entry *
judge_named(struct repo *r, const struct damage *d, struct backup_entry *b, struct err *e)
{
    if (b == NULL || damage_judge(r, d, b, e) != 0) {
        return NULL;
    }
    if (b->state == BACKUP_DAMAGED && b->label != NULL) {
        log_warn("backup %s is damaged: %s", b->id,
                 b->problem); /* reading the bad object will report it */
    } else if (b->state != BACKUP_COMMITTED) {
        err_set(e, ERR_CORRUPT, "backup %s is %s: %s", b->id,
                b->untrusted ? "not trusted" : backup_state_text(b->state), b->problem);
        return NULL;
    }
    return b;
}

bool
backup_is_future(const struct backup_entry *b)
{
    time_t latest = time(NULL) + CLOCK_OFF_MAX;
    char   text[32];

    return b->label != NULL
        ? b->ahead || b->label->snapshot > latest
        : strncmp(b->id, time_compact(latest, text, sizeof text), strlen("20261121T021500Z")) > 0;
}

char *
backup_passed_over(struct repo *r, const char *db, const struct backup_list *list,
                   const struct backup_entry *b)
{
    char *who, *text;

    if (b->state == BACKUP_VOID) {
        return NULL;
    }
    if (backup_is_future(b)) {
        return xasprintf(
            "backup %s is from the future, and passed over: the clock of the host "
            "that took it was wrong, or this host's is (--backup %s takes it anyway)",
            b->id, b->id);
    }
    if (b->state != BACKUP_DAMAGED || (b->label != NULL && !b->untrusted) ||
        !trust_asks(r->trust, "label")) {
        return NULL;
    }
    who = b->untrusted ? NULL : missing_witness(r, db, list, b->id);
    text = who != NULL
        ? NULL
        : xasprintf("backup %s is not trusted, and passed over: %s", b->id, b->problem);
    free(who);
    return text;
}

/* The same when the newest up to a time is requested: then a label of another time is no fault. */
static bool
passed_over(struct repo *r, const char *db, const struct backup_list *list,
            const struct backup_entry *b, time_t at)
{
    char *text = at != 0 && backup_is_future(b) ? NULL : backup_passed_over(r, db, list, b);
    bool  pass = text != NULL;

    if (pass) {
        log_warn("%s", text);
    }
    free(text);
    return pass;
}

/* Whole, and as old as that?  An unreadable label may be the one that is meant. */
static bool
may_be_meant(const struct backup_entry *b, time_t at)
{
    char text[32];

    if (b->state == BACKUP_VOID) {
        return false;
    }
    if (b->label == NULL) {
        return at == 0 ||
            strncmp(b->id, time_compact(at, text, sizeof text), strlen("20261121T021500Z")) <= 0;
    }
    return !label_is_partial(b->label) && (at == 0 || b->label->snapshot <= at);
}

static bool
is_safety(const struct backup_entry *b)
{
    return b->label != NULL && label_is_safety(b->label);
}

/* Could "the newest (as old as that)" mean it?  Not what --replace has dropped: somebody wanted to
 * be rid of that. */
static bool
eligible(const struct backup_entry *b, time_t at)
{
    return may_be_meant(b, at) && !is_safety(b);
}

static const char latest[] = "latest";

/* latest~2, ID~2: the second whole one before what "latest" means, or before that backup. */
static struct backup_entry *
find_earlier(struct repo *r, const char *db, const struct backup_list *list, const char *base,
             size_t steps, struct err *e)
{
    const struct backup_entry *from = NULL;
    size_t                     n = 0, end = list->n;

    if (strcmp(base, latest) != 0) {
        if ((from = find_id(list, base, e)) == NULL) {
            return NULL;
        }
        end = (size_t)(from - list->v);
        n = 1; /* that backup, whether it is whole or not */
    }
    for (size_t i = end; i-- > 0;) {
        struct backup_entry *b = &list->v[i];

        if (eligible(b, 0) && !passed_over(r, db, list, b, 0) && n++ == steps) {
            return b;
        }
    }
    if (from != NULL) {
        err_set(e, ERR_NOT_FOUND, "no backup \"%s~%zu\": %zu whole %s before it", base, steps,
                n - 1, n == 2 ? "one is" : "ones are");
    } else {
        err_set(e, ERR_NOT_FOUND, "no backup \"latest~%zu\": %zu whole %s there", steps, n,
                n == 1 ? "one is" : "ones are");
    }
    return NULL;
}

/* "proven": the newest whose last drill found no difference. */
static struct backup_entry *
find_proven(struct repo *r, const char *db, const struct backup_list *list, struct err *e)
{
    struct annotations   notes;
    struct backup_entry *b = NULL;

    if (annotations_load(r, db, list, &notes, e) != 0) {
        return NULL;
    }
    for (size_t i = list->n; b == NULL && i-- > 0;) {
        if (notes.v[i].proven && eligible(&list->v[i], 0) &&
            !passed_over(r, db, list, &list->v[i], 0)) {
            b = &list->v[i];
        }
    }
    annotations_free(&notes);
    if (b == NULL) {
        err_set(e, ERR_NOT_FOUND, "no backup is proven");
        quote_hint(e, "a drill proves the newest: ", "pgassay", "verify", "drill", QUOTE_ARG(db));
    }
    return b;
}

bool
backup_is_latest(const char *which)
{
    return which == NULL || strcmp(which, latest) == 0 || strcmp(which, "latest~0") == 0;
}

/* Of "latest~2" 2, and *base "latest", allocated; 0: it is not that. */
static size_t
steps_back(const char *which, char **base)
{
    const char   *tilde = strrchr(which, '~');
    char         *end;
    unsigned long steps;

    if (tilde == NULL || tilde == which || !isdigit((unsigned char)tilde[1])) {
        return 0;
    }
    steps = strtoul(tilde + 1, &end, 10);
    if (*end != '\0' || steps == 0) {
        return 0;
    }
    *base = xstrndup(which, (size_t)(tilde - which));
    return steps;
}

int
backup_choose(const char **backup, const char *at, const char *before, bool proven,
              char named[BACKUP_NAMED], struct err *e)
{
    if ((*backup != NULL) + (at != NULL) + (before != NULL) + (int)proven > 1) {
        return err_set(e, ERR_USAGE, "--backup, --at, --before and --proven exclude each other");
    }
    if (before != NULL &&
        (strchr(before, '~') != NULL || strcmp(before, "proven") == 0 ||
         snprintf(named, BACKUP_NAMED, "%s~1", before) >= BACKUP_NAMED)) {
        return err_set(e, ERR_USAGE, "--before \"%s\" is not the id of a backup, nor \"latest\"",
                       before);
    }
    if (before != NULL) {
        *backup = named;
    } else if (proven) {
        *backup = "proven";
    }
    return 0;
}

int
backup_at_parse(const char *text, time_t *at, struct err *e)
{
    struct when w;

    if (when_parse(text, time(NULL), &w, e) != 0) {
        return -1;
    }
    *at = w.until;
    return 0;
}

static struct backup_entry *
none(const struct backup_list *list, const struct backup_entry *damaged, time_t at, struct err *e)
{
    char   text[32], oldest[32];
    time_t now = time(NULL);
    size_t i = 0;

    if (damaged != NULL) {
        err_set(e, ERR_CORRUPT, "no whole backup: the newest, %s, is damaged: %s", damaged->id,
                damaged->problem);
        err_hint(e,
                 "another repository may hold it whole (--repo NAME), and heal this one: pgassay "
                 "storage scrub --repair-from NAME");
    } else if (at == 0) {
        err_set(e, ERR_NOT_FOUND, "no whole backup");
    } else {
        while (i < list->n && (!eligible(&list->v[i], 0) || list->v[i].label == NULL)) {
            i++;
        }
        err_set(e, ERR_NOT_FOUND, "no whole backup is as old as %s%s%s",
                when_local(at, now, text, sizeof text), i < list->n ? ": the oldest is of " : "",
                i < list->n ? when_local(list->v[i].label->snapshot, now, oldest, sizeof oldest)
                            : "");
    }
    return NULL;
}

char *
backup_safety_passed(const struct backup_list *list, const struct label *found, const char *which,
                     time_t at)
{
    if (!backup_is_latest(which)) {
        return NULL;
    }
    for (size_t i = list->n; i-- > 0 && strcmp(list->v[i].id, found->id) > 0;) {
        const struct backup_entry *b = &list->v[i];
        char                       taken[32];

        if (may_be_meant(b, at) && is_safety(b)) {
            return xasprintf(
                "safety backup %s of %s is newer, and is passed over: it is of what "
                "--replace has dropped (--backup %s takes it)",
                b->id, time_rfc3339(b->label->snapshot, taken, sizeof taken), b->id);
        }
    }
    return NULL;
}

static void
warn_unlabelled(const struct backup_list *list, const struct backup_entry *b, time_t at)
{
    const struct strlist *ids = &list->unlabelled;

    if (at == 0 && ids->n > 0 && strcmp(ids->v[ids->n - 1], b->id) > 0) {
        log_warn(
            "something newer than backup %s has no label: %s is being written, was never finished, "
            "or lost its label",
            b->id, ids->v[ids->n - 1]);
    }
}

static void
hint_at_older(const struct backup_entry *damaged, const struct backup_entry *good, struct err *e)
{
    char  taken[32];
    char *heal = quote_command("pgassay", "storage", "scrub", QUOTE_ARG(good->label->db),
                               "--repair-from", "REPO");

    err_hint(e, "the newest good one is of %s: --backup %s%s%s",
             time_rfc3339(good->label->snapshot, taken, sizeof taken), good->id,
             damaged->untrusted ? "" : "; or heal the damaged one from another repository: ",
             damaged->untrusted ? "" : heal);
    free(heal);
}

/* A damaged newest backup is refused, not passed over: older data must be asked for explicitly.
 * Where there are only safety backups it is one of them. */
static struct backup_entry *
find_newest(struct repo *r, const char *db, const struct damage *d, const struct backup_list *list,
            time_t at, struct err *e)
{
    const struct backup_entry *damaged = NULL;
    bool                       others = false;

    for (size_t i = list->n; !others && i-- > 0;) {
        others = eligible(&list->v[i], at);
    }
    for (size_t i = list->n; i-- > 0;) {
        struct backup_entry *b = &list->v[i];

        if (!(others ? eligible(b, at) : may_be_meant(b, at)) || passed_over(r, db, list, b, at)) {
            continue;
        }
        if (damage_judge(r, d, b, e) != 0) {
            return NULL;
        }
        if (b->state == BACKUP_COMMITTED && damaged == NULL) {
            warn_unlabelled(list, b, at);
            return b;
        }
        if (b->state == BACKUP_COMMITTED) {
            err_set(e, ERR_CORRUPT, "the newest backup, %s, is %s: %s", damaged->id,
                    damaged->untrusted ? "not trusted" : "damaged", damaged->problem);
            hint_at_older(damaged, b, e);
            return NULL;
        }
        damaged = damaged == NULL ? b : damaged;
    }
    return none(list, damaged, at, e);
}

/* The newest ten, so that the operator need not call `list`. */
static void
hint_backups(const struct backup_list *list, struct err *e)
{
    struct buf text = BUF_INIT(480);
    struct err full = ERR_INIT;

    for (size_t i = list->n; i-- > 0 && list->n - i <= 10;) {
        const struct backup_entry *b = &list->v[i];
        const char                *what = b->state == BACKUP_VOID ? " (void)"
                           : b->state == BACKUP_DAMAGED           ? " (damaged)"
                           : label_is_partial(b->label)           ? " (partial)"
                           : is_safety(b)                         ? " (safety)"
                                                                  : "";

        if (buf_printf(&text, &full, "%s%s%s", text.len == 0 ? "" : ", ", b->id, what) != 0) {
            break;
        }
    }
    err_hint(e, "newest first, there are: %s", buf_str(&text));
    buf_free(&text);
}

static struct backup_entry *
find(struct repo *r, const char *db, const struct damage *d, const struct backup_list *list,
     const char *which, time_t at, struct err *e)
{
    struct backup_entry *b;
    char                *base = NULL;
    size_t               steps;

    if (backup_is_latest(which)) {
        return find_newest(r, db, d, list, at, e);
    }
    if (strcmp(which, "proven") == 0) {
        return judge_named(r, d, find_proven(r, db, list, e), e);
    }
    steps = steps_back(which, &base);
    b = steps > 0 ? find_earlier(r, db, list, base, steps, e) : find_id(list, which, e);
    free(base);
    return judge_named(r, d, b, e);
}

/* What is used is read: a label that was remembered says what stood there, not that the store can
 * still give it.  1: it cannot, and the entry says so now. */
static int
reread(struct repo *r, const char *db, struct backup_entry *b, struct err *e)
{
    struct label *l = b->remembered ? label_load(r, db, b->id, e) : NULL;

    if (!b->remembered) {
        return 0;
    }
    b->remembered = false;
    if (l == NULL && e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    label_free(b->label);
    b->label = l;
    if (l != NULL) {
        return 0;
    }
    b->state = BACKUP_DAMAGED;
    free(b->problem);
    b->problem = xstrdup(e->text);
    b->newer = e->newer;
    b->untrusted = e->untrusted;
    err_clear(e);
    return 1;
}

/* Until the requested one has been read. */
static struct backup_entry *
find_read(struct repo *r, const char *db, const struct damage *d, const struct backup_list *list,
          const char *which, time_t at, struct err *e)
{
    struct backup_entry *b;
    int                  again;

    do {
        b = find(r, db, d, list, which, at, e);
        again = b == NULL ? 0 : reread(r, db, b, e);
    } while (again > 0);
    return again == 0 ? b : NULL;
}

struct label *
backup_find_listed(struct repo *r, const char *db, struct backup_list *list, const char *which,
                   time_t at, struct err *e)
{
    struct backup_entry *b = NULL;
    struct label        *l = NULL;
    struct damage        d = {0};

    if (list->n == 0) {
        repo_no_database(r, db, e);
    } else if (damage_load(r, db, &d, e) == 0 &&
               (b = find_read(r, db, &d, list, which, at, e)) == NULL) {
        if (e->hint[0] == '\0') {
            hint_backups(list, e);
        }
        err_wrap(e, "\"%s\" in repository \"%s\"", db, r->st->location);
    } else if (b != NULL) {
        l = b->label;
        b->label = NULL;
    }
    damage_free(&d);
    return l;
}

struct label *
backup_find(struct repo *r, const char *db, const char *which, time_t at, struct err *e)
{
    struct backup_list list;
    struct label      *l;

    if (backup_list_look(r, db, &list, e) != 0) {
        return NULL;
    }
    l = backup_find_listed(r, db, &list, which, at, e);
    backup_list_free(&list);
    return l;
}
