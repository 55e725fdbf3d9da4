/* An S3 store: what it checks, what it keeps, and whether new objects are stored as requested. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/crypto/hash.h"
#include "core/human.h"
#include "storage/doctor/probe.h"
#include "storage/drivers/aws/uri.h"
#include "storage/drivers/s3/call.h"
#include "storage/drivers/s3/s3.h"

enum { ANSWER_MAX = 1 << 16, LOCK_SECONDS = 120 };

/* ---- what the store checks ---- */

/* PUT of prefix + name with one more header (NULL: none) and, when lie is set, another body's
 * SHA-256.  HTTP's status; 0: no answer. */
static int
raw_put(struct doctor *d, const char *name, const char *header, bool lie, struct err *e)
{
    static const char  body[] = "a few bytes";
    struct s3_storage *s = s3_storage_of(d->st);
    char               other[SHA256_HEX + 1];
    char              *key = doctor_key(d, name);
    struct s3_call     c = {.verb = "store",
                            .method = "PUT",
                            .key = key,
                            .body = body,
                            .body_len = sizeof body - 1,
                            .once = true,
                            .payload_sha256 = lie ? other : NULL};
    int                status;

    sha256_hex("others", 6, other);
    if (header != NULL) {
        strlist_add(&c.headers, header);
    }
    s3_customer_key_headers(s, &c.headers);
    doctor_made(d, key);
    (void)s3_call(s, &c, e);
    status = c.answer.status;
    s3_call_free(&c);
    free(key);
    return status;
}

static bool
taken(int status)
{
    return status >= 200 && status < 300;
}

static void
probe_checksums(struct doctor *d)
{
    struct err e = ERR_INIT;
    int        status = raw_put(d, "sha256", NULL, true, &e);

    if (taken(status)) {
        doctor_add(d, "checksum-sha256", FINDING_BAD,
                   "objects damaged in transfer would be stored: scrub often, or use another store",
                   "the store takes a body that does not have its announced SHA-256");
    } else if (status != 400) {
        doctor_failed(d, "checksum-sha256", NULL, &e);
    } else {
        doctor_add(d, "checksum-sha256", FINDING_GOOD, NULL,
                   "a body that was altered on the way is refused");
    }
    err_clear(&e);
    status = raw_put(d, "md5", "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==", false, &e);
    if (taken(status)) {
        doctor_add(d, "checksum-md5", FINDING_NOTE, NULL,
                   "a wrong Content-MD5 is ignored: the SHA-256 has to do");
    } else if (status != 400) {
        doctor_failed(d, "checksum-md5", NULL, &e);
    } else {
        doctor_add(d, "checksum-md5", FINDING_GOOD, NULL, "a wrong Content-MD5 is refused");
    }
}

/* Can two writers of one name both succeed? */
static void
probe_conditional(struct doctor *d)
{
    struct err e = ERR_INIT;
    int        status = raw_put(d, "once", NULL, false, &e);

    status = taken(status) ? raw_put(d, "once", "If-None-Match: *", false, &e) : 0;
    if (status == 412 || status == 409) {
        doctor_add(d, "if-none-match", FINDING_GOOD, NULL,
                   "a name that is taken cannot be taken again");
    } else if (taken(status)) {
        doctor_add(d, "if-none-match", FINDING_NOTE, NULL,
                   "ignored by this store: names are unique without it");
    } else if (status == 501 || status == 400) {
        doctor_add(d, "if-none-match", FINDING_NOTE, NULL,
                   "not known to this store: names are unique without it");
    } else {
        doctor_failed(d, "if-none-match", NULL, &e);
    }
}

/* ---- are settings obeyed? ---- */

static void
compare_header(struct doctor *d, const struct s3_call *head, const char *probe, const char *header,
               const char *want)
{
    const char *have = s3_answer_header(&head->answer, header);

    if (want == NULL) {
        return;
    }
    if (have == NULL && strcmp(want, "STANDARD") == 0) {
        have = want; /* which is not mentioned */
    }
    if (have != NULL && strcmp(have, want) == 0) {
        doctor_add(d, probe, FINDING_GOOD, NULL, "%s, as set", want);
    } else {
        doctor_add(d, probe, FINDING_BAD, NULL, "%s is set, the store says %s of a new object",
                   want, have != NULL ? have : "nothing");
    }
}

static void
probe_as_set(struct doctor *d, struct s3_storage *s)
{
    struct err     e = ERR_INIT;
    struct s3_call head = {.verb = "look at", .method = "HEAD", .key = d->made.v[0]};

    s3_customer_key_headers(s, &head.headers);
    if (s3_call(s, &head, &e) != 0) {
        doctor_failed(d, "head", NULL, &e);
    } else {
        compare_header(d, &head, "sse", "x-amz-server-side-encryption", s->set.sse);
        compare_header(d, &head, "storage-class", "x-amz-storage-class", s->set.storage_class);
    }
    s3_call_free(&head);
}

/* ---- versions and locks ---- */

struct bucket_facts {
    char enabled[16], mode[16], days[16], years[16];
};

static void
take_fact(void *ctx, const char *path, const char *text)
{
    struct bucket_facts *f = ctx;
    const struct {
        const char *path;
        char       *out;
    } facts[] = {{"ObjectLockEnabled", f->enabled},
                 {"Rule/DefaultRetention/Mode", f->mode},
                 {"Rule/DefaultRetention/Days", f->days},
                 {"Rule/DefaultRetention/Years", f->years}};

    for (size_t i = 0; text != NULL && i < sizeof facts / sizeof facts[0]; i++) {
        if (strcmp(facts[i].path, path) == 0) {
            (void)snprintf(facts[i].out, sizeof f->enabled, "%s", text);
        }
    }
}

/* One question about the bucket; *out is cleared first.  Not tried again. */
static int
ask_bucket(struct s3_storage *s, const char *what, struct buf *out, struct s3_call *c,
           struct err *e)
{
    *c = (struct s3_call){.verb = "ask", .method = "GET", .out = out, .once = true};
    buf_clear(out);
    s3_query_add(&c->query, what, "");
    return s3_call(s, c, e);
}

/* 0: known; 1: the bucket has no such configuration; -1: it could not be determined. */
static int
bucket_facts(struct s3_storage *s, const char *what, const char *root, struct bucket_facts *f,
             struct err *e)
{
    struct buf     out = BUF_INIT(ANSWER_MAX);
    struct s3_call c;
    struct s3_xml  xml = {.root = root, .element = take_fact, .ctx = f};
    int            rc = ask_bucket(s, what, &out, &c, e);

    if (rc == 0) {
        rc = s3_xml_parse(&xml, out.data, out.len, e);
    } else if (c.answer.status == 404 || c.answer.status == 501) {
        err_clear(e);
        rc = 1;
    }
    s3_call_free(&c);
    buf_free(&out);
    return rc;
}

static void
probe_versioning(struct doctor *d, struct s3_storage *s)
{
    struct err e = ERR_INIT;
    char       status[S3_STATUS_MAX];
    int        rc = s3_versioning(s, status, &e);

    if (rc != 0) {
        doctor_add(d, "versioning", FINDING_NOTE, NULL, "not known: %s",
                   rc < 0 ? e.text : "the store does not say, or not to this host");
    } else if (strcmp(status, "Enabled") == 0) {
        d->versioned = true;
        doctor_add(d, "versioning", FINDING_NOTE,
                   "a lifecycle rule for noncurrent versions (NoncurrentVersionExpiration) frees "
                   "the room, "
                   "some time after prune",
                   "on: removed objects (also those of this test) stay as old versions, and take "
                   "room");
    } else {
        doctor_add(d, "versioning", FINDING_GOOD, NULL, "off: removed objects are gone");
    }
}

/* Some stores accept every lock but lock nothing: it is read back. */
static int
lock_holds(struct doctor *d, struct s3_storage *s, struct err *e)
{
    static const char body[] = "locked";
    char              until[32];
    char             *key = doctor_key(d, "locked");
    struct s3_call    put = {
           .verb = "lock", .method = "PUT", .key = key, .body = body, .body_len = sizeof body - 1};
    struct s3_call head = {.verb = "look at", .method = "HEAD", .key = key};
    const char    *mode = NULL;
    int            rc;

    (void)time_rfc3339(time(NULL) + atomic_load(&s->clock_offset) + LOCK_SECONDS, until,
                       sizeof until);
    strlist_add(&put.headers, "x-amz-object-lock-mode: GOVERNANCE");
    strlist_take(&put.headers, xasprintf("x-amz-object-lock-retain-until-date: %s", until));
    strlist_add(&put.headers, "Content-MD5: TO8vMKx9M0GdAMHZOgkAlQ==");
    s3_customer_key_headers(s, &put.headers);
    s3_customer_key_headers(s, &head.headers);
    doctor_made(d, key);
    rc = s3_call(s, &put, e) != 0 || s3_call(s, &head, e) != 0 ? -1 : 0;
    if (rc == 0) {
        mode = s3_answer_header(&head.answer, "x-amz-object-lock-mode");
        rc = mode != NULL && strcmp(mode, "GOVERNANCE") == 0 ? 0 : 1;
    }
    s3_call_free(&put);
    s3_call_free(&head);
    free(key);
    return rc;
}

static void
probe_lock(struct doctor *d, struct s3_storage *s)
{
    struct err          e = ERR_INIT;
    struct bucket_facts f = {0};
    int                 rc = bucket_facts(s, "object-lock", "ObjectLockConfiguration", &f, &e);

    if (rc < 0) {
        doctor_add(d, "object-lock", FINDING_NOTE, NULL, "not known: %s", e.text);
        return;
    }
    if (rc > 0 || strcmp(f.enabled, "Enabled") != 0) {
        doctor_add(d, "object-lock", FINDING_GOOD, NULL, "off: the bucket does not lock objects");
        return;
    }
    d->locks = true;
    if (f.mode[0] != '\0') {
        doctor_add(d, "object-lock", FINDING_BAD,
                   "take the default retention off the bucket: pgassay locks what has to be locked",
                   "the bucket locks every new object by default (%s, %s%s), run marks and trash "
                   "lists too",
                   f.mode, f.days[0] != '\0' ? f.days : f.years,
                   f.days[0] != '\0' ? " days" : " years");
        return;
    }
    rc = lock_holds(d, s, &e);
    if (rc < 0) {
        doctor_add(d, "object-lock", FINDING_NOTE, NULL, "on, but this host may not use it: %s",
                   e.text);
    } else if (rc > 0) {
        doctor_add(d, "object-lock", FINDING_BAD, "do not rely on object-lock with this store",
                   "the store accepts a lock, but locks nothing");
    } else {
        doctor_add(d, "object-lock", FINDING_GOOD, NULL,
                   "on, no default retention, and a requested lock was set");
    }
}

void
doctor_s3_objects(struct doctor *d)
{
    probe_as_set(d, s3_storage_of(d->st));
    probe_checksums(d);
    probe_conditional(d);
}

void
doctor_s3_bucket(struct doctor *d)
{
    struct s3_storage *s = s3_storage_of(d->st);

    if (atomic_load(&s->no_bulk)) {
        doctor_add(d, "bulk-delete", FINDING_NOTE, NULL,
                   "DeleteObjects is not known or not allowed: prune removes one by one, which "
                   "takes longer");
    }
    probe_versioning(d, s);
    probe_lock(d, s);
}
