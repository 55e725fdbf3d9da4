#include "storage/drivers/aws/iam_policy.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"

/* When a right is needed. */
enum when { ALWAYS, IF_LOCKED, IF_VERSIONED, IF_TAGGED };

struct right {
    enum when   when;
    const char *action;
    const char *objects; /* below the prefix; NULL: on the bucket, for this prefix */
};

static const struct right backup_rights[] = {
    {ALWAYS, "s3:ListBucket", NULL},           {ALWAYS, "s3:GetObject", "*"},
    {ALWAYS, "s3:PutObject", "*/chunks/*"},    {ALWAYS, "s3:PutObject", "*/backups/*"},
    {ALWAYS, "s3:PutObject", "*/runs/*"},      {ALWAYS, "s3:PutObject", "*/source*.json"},
    {ALWAYS, "s3:PutObject", "*/baselines/*"}, {IF_TAGGED, "s3:PutObjectTagging", "*"},
    {IF_LOCKED, "s3:GetObjectRetention", "*"}, {IF_LOCKED, "s3:PutObjectRetention", "*"},
    {ALWAYS, "s3:DeleteObject", "*/runs/*"},   {ALWAYS, NULL, NULL},
};

static const struct right prune_rights[] = {
    {ALWAYS, "s3:ListBucket", NULL},
    {ALWAYS, "s3:GetObject", "*"},
    {ALWAYS, "s3:PutObject", "*/runs/*"},
    {ALWAYS, "s3:PutObject", "*/trash/*"},
    {ALWAYS, "s3:PutObject", "*/trash-runs/*"},
    {ALWAYS, "s3:PutObject", "*/tombstones/*"},
    {ALWAYS, "s3:PutObject", "*/condemned/*"},
    {ALWAYS, "s3:PutObject", "*/scrubs/*"},
    {ALWAYS, "s3:PutObject", "*/ledger/*"},
    {ALWAYS, "s3:PutObject", "*/pins/*"},
    {ALWAYS, "s3:PutObject", "*/accepted/*"},
    {IF_TAGGED, "s3:PutObjectTagging", "*"},
    /* Not repo.<n>.json and keys.<epoch>.<n>.json: without them nothing can be read. */
    {ALWAYS, "s3:DeleteObject", "*/chunks/*"},
    {ALWAYS, "s3:DeleteObject", "*/backups/*"},
    {ALWAYS, "s3:DeleteObject", "*/runs/*"},
    {ALWAYS, "s3:DeleteObject", "*/trash/*"},
    {ALWAYS, "s3:DeleteObject", "*/trash-runs/*"},
    {ALWAYS, "s3:DeleteObject", "*/condemned/*"},
    {ALWAYS, "s3:DeleteObject", "*/scrubs/*"},
    {ALWAYS, "s3:DeleteObject", "*/pins/*"},
    {ALWAYS, "s3:DeleteObject", "*/baselines/*"},
    {ALWAYS, NULL, NULL},
};

static const struct right restore_rights[] = {
    {ALWAYS, "s3:ListBucket", NULL},
    {IF_VERSIONED, "s3:ListBucketVersions", NULL},
    {IF_VERSIONED, "s3:GetBucketVersioning", NULL},
    {ALWAYS, "s3:GetObject", "*"},
    {IF_VERSIONED, "s3:GetObjectVersion", "*"},
    {ALWAYS, "s3:PutObject", "*/drills/*"},
    {ALWAYS, "s3:PutObject", "*/ledger/*"},
    {IF_TAGGED, "s3:PutObjectTagging", "*/drills/*"},
    {IF_TAGGED, "s3:PutObjectTagging", "*/ledger/*"},
    {ALWAYS, NULL, NULL},
};

static const struct {
    const char         *name;
    const struct right *rights;
} hosts[] = {
    [IAM_BACKUP] = {"a backup-only host", backup_rights},
    [IAM_PRUNE] = {"a prune host", prune_rights},
    [IAM_RESTORE] = {"a restore host", restore_rights},
};

static bool
wanted(enum when w, const struct iam_target *t)
{
    return w == ALWAYS || (w == IF_LOCKED && t->object_lock) ||
        (w == IF_VERSIONED && t->versioned) || (w == IF_TAGGED && t->tags);
}

static void
take_text(json_t *into, const char *key, char *text)
{
    (void)json_object_set_new(into, key, json_string(text));
    free(text);
}

static json_t *
statement(json_t *actions)
{
    json_t *s = json_object();

    (void)json_object_set_new(s, "Effect", json_string("Allow"));
    (void)json_object_set_new(s, "Action", actions);
    return s;
}

/* All rights on the bucket itself: only for keys below the prefix.  IfExists: the answer "404" or
 * "403" to a HEAD or GET of a missing object depends on the right to list, too, and these name no
 * prefix. */
static json_t *
bucket_statement(const struct right *r, const struct iam_target *t)
{
    json_t *actions = json_array();
    json_t *s = statement(actions);

    for (; r->action != NULL; r++) {
        if (r->objects == NULL && wanted(r->when, t)) {
            (void)json_array_append_new(actions, json_string(r->action));
        }
    }
    take_text(s, "Resource", xasprintf("arn:aws:s3:::%s", t->bucket));
    if (*t->prefix != '\0') {
        json_t *like = json_object();
        json_t *condition = json_object();

        take_text(like, "s3:prefix", xasprintf("%s/*", t->prefix));
        (void)json_object_set_new(condition, "StringLikeIfExists", like);
        (void)json_object_set_new(s, "Condition", condition);
    }
    return s;
}

/* The first right's action, on its objects and those of the rights with the same action that
 * follow. */
static json_t *
object_statement(const struct right **next, const struct iam_target *t)
{
    const struct right *r = *next;
    const char         *action = r->action;
    json_t             *resources = json_array();
    json_t             *s = statement(json_string(action));

    for (; r->action != NULL && strcmp(r->action, action) == 0; r++) {
        char *arn = xasprintf("arn:aws:s3:::%s/%s%s%s", t->bucket, t->prefix,
                              *t->prefix == '\0' ? "" : "/", r->objects);

        (void)json_array_append_new(resources, json_string(arn));
        free(arn);
    }
    (void)json_object_set_new(s, "Resource", resources);
    *next = r;
    return s;
}

static json_t *
kms_statement(const struct iam_target *t)
{
    json_t *actions = json_array();
    json_t *s = statement(actions);

    (void)json_array_append_new(actions, json_string("kms:Decrypt"));
    (void)json_array_append_new(actions, json_string("kms:GenerateDataKey"));
    (void)json_object_set_new(s, "Resource", json_string(t->kms_key));
    return s;
}

const char *
iam_host_name(enum iam_host host)
{
    return hosts[host].name;
}

char *
iam_policy(enum iam_host host, const struct iam_target *t)
{
    const struct right *r = hosts[host].rights;
    json_t             *policy = json_object();
    json_t             *statements = json_array();
    char               *text;
    char               *line;

    (void)json_object_set_new(policy, "Version", json_string("2012-10-17"));
    (void)json_object_set_new(policy, "Statement", statements);
    (void)json_array_append_new(statements, bucket_statement(r, t));
    while (r->action != NULL) {
        if (r->objects == NULL || !wanted(r->when, t)) {
            r++;
        } else {
            (void)json_array_append_new(statements, object_statement(&r, t));
        }
    }
    if (t->kms_key != NULL) {
        (void)json_array_append_new(statements, kms_statement(t));
    }
    text = json_dumps(policy, JSON_INDENT(2));
    line = xasprintf("%s\n", text);
    free(text);
    json_decref(policy);
    return line;
}
