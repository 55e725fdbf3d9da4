/* Settings for the configuration, and the rights that each kind of host needs. */
#include <stdlib.h>
#include <string.h>

#include "core/print.h"
#include "storage/doctor/probe.h"
#include "storage/drivers/aws/iam_policy.h"
#include "storage/drivers/s3/s3.h"

/* The endpoint as given, without the bucket. */
static char *
endpoint(const struct s3_settings *set)
{
    size_t      bucket = strlen(set->bucket);
    const char *host = set->path_style ? set->host : set->host + bucket + 1;
    size_t      path = strlen(set->path) - 1;

    if (set->path_style) {
        path -= bucket + 1 <= path ? bucket + 1 : path;
    }
    return xasprintf("%s://%s%.*s", set->tls ? "https" : "http", host, (int)path, set->path);
}

static void
setting(struct doctor *d, const char *key, const char *value)
{
    if (value != NULL) {
        strlist_take(&d->settings, xasprintf("%s = %s", key, value));
    }
}

void
doctor_s3_settings(struct doctor *d)
{
    const struct s3_settings *set = &s3_storage_of(d->st)->set;

    setting(d, "path", d->place->location);
    if (set->own_endpoint) {
        char *e = endpoint(set);

        setting(d, "endpoint", e);
        free(e);
    }
    setting(d, "region", set->region);
    setting(d, "style", set->path_style ? "path" : "host");
    setting(d, "ca-file", set->tls ? set->ca_file : NULL);
    setting(d, "profile", set->profile);
    setting(d, "storage-class", set->storage_class);
    setting(d, "sse", set->sse);
    setting(d, "sse-kms-key", set->sse_kms_key);
}

/* ---- policies ---- */

static const struct {
    const char   *name;
    enum iam_host host;
} hosts[] = {{"backup", IAM_BACKUP}, {"prune", IAM_PRUNE}, {"restore", IAM_RESTORE}};

enum { N_HOSTS = sizeof hosts / sizeof hosts[0] };

static char *
policy(const struct doctor *d, enum iam_host host)
{
    const struct s3_settings *set = &s3_storage_of(d->st)->set;
    char                     *prefix = xstrdup(set->prefix);
    struct iam_target         t = {.bucket = set->bucket,
                                   .prefix = prefix,
                                   .kms_key = set->sse_kms_key,
                                   .object_lock = d->locks,
                                   .versioned = d->versioned,
                                   .tags = set->tags != NULL};
    char                     *text;

    if (*prefix != '\0') {
        prefix[strlen(prefix) - 1] = '\0';
    }
    text = iam_policy(host, &t);
    free(prefix);
    return text;
}

json_t *
doctor_s3_policies(const struct doctor *d)
{
    json_t *o = json_object();

    for (size_t i = 0; i < N_HOSTS; i++) {
        char *text = policy(d, hosts[i].host);

        (void)json_object_set_new(o, hosts[i].name, json_loads(text, 0, NULL));
        free(text);
    }
    return o;
}

/* One line for each statement, to keep the output short. */
void
doctor_s3_print_policies(const struct doctor *d)
{
    for (size_t i = 0; i < N_HOSTS; i++) {
        char   *text = policy(d, hosts[i].host);
        json_t *o = json_loads(text, 0, NULL);
        json_t *statements = json_object_get(o, "Statement");

        print_out("\nIAM policy for %s:\n{\"Version\": \"2012-10-17\", \"Statement\": [\n",
                  iam_host_name(hosts[i].host));
        for (size_t k = 0; k < json_array_size(statements); k++) {
            char *line = json_dumps(json_array_get(statements, k), JSON_PRESERVE_ORDER);

            print_out("  %s%s\n", line, k + 1 < json_array_size(statements) ? "," : "");
            free(line);
        }
        print_out("]}\n");
        json_decref(o);
        free(text);
    }
}
