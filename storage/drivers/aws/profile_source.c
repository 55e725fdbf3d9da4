/*
 * A profile's credentials: its keys, a program's, or those of a role assumed with another profile.
 */
#include <stdlib.h>
#include <string.h>

#include "core/host/proc.h"
#include "storage/drivers/aws/http.h"
#include "storage/drivers/aws/profile.h"
#include "storage/drivers/aws/source.h"
#include "storage/drivers/aws/sts.h"

enum { PROCESS_MS = 60000, CHAIN_MAX = 5 /* profiles that name each other */ };

static int from_settings(const struct aws_settings *, int depth, struct aws_credentials *,
                         struct err *);

static int
from_keys(const struct aws_settings *s, struct aws_credentials *out, struct err *e)
{
    const char *access = aws_setting(s, "aws_access_key_id");
    const char *secret = aws_setting(s, "aws_secret_access_key");

    if (access == NULL || secret == NULL) {
        return err_set(e, ERR_AUTH,
                       "it has only one of aws_access_key_id and aws_secret_access_key");
    }
    return aws_credentials_set(out, access, secret, aws_setting(s, "aws_session_token"), "it", e);
}

/* credential_process: a command line that prints the credentials as JSON. */
static int
from_process(const char *command, struct aws_credentials *out, struct err *e)
{
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    struct buf        printed = BUF_INIT(AWS_ANSWER_MAX);
    struct buf        said = BUF_INIT(4 * KIB); /* stderr is not shown: it may hold secrets */
    struct proc_spec  spec = {
         .argv = argv, .out = &printed, .err = &said, .total_ms = PROCESS_MS, .status_ok = true};
    int status = 0;
    int rc = -1;

    if (aws_secret_reserve(&printed, e) != 0 || proc_run(&spec, &status, e) != 0) {
        err_wrap(e, "credential_process");
    } else if (status != 0) {
        err_set(e, ERR_AUTH, "its credential_process ended with status %d", status);
    } else {
        rc = aws_credentials_json(&printed, "SessionToken", "what its credential_process printed",
                                  out, e);
    }
    aws_secret_free(&printed);
    aws_secret_free(&said);
    return rc;
}

/* credential_source: the credentials that assume the role. */
static int
base_from_service(const char *source, struct aws_credentials *out, struct err *e)
{
    int rc;

    if (strcmp(source, "Environment") == 0) {
        rc = aws_from_environment(out, e);
    } else if (strcmp(source, "EcsContainer") == 0) {
        rc = aws_from_container(out, e);
    } else if (strcmp(source, "Ec2InstanceMetadata") == 0) {
        rc = aws_from_instance(out, e);
    } else {
        return err_set(e, ERR_USAGE,
                       "its credential_source \"%s\" is not Environment, EcsContainer or "
                       "Ec2InstanceMetadata",
                       source);
    }
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        e->kind = ERR_AUTH;
    }
    return rc == 0 ? 0 : err_wrap(e, "its credential_source %s", source);
}

static int
base_from_profile(const struct aws_settings *s, const char *name, int depth,
                  struct aws_credentials *out, struct err *e)
{
    struct aws_settings other;
    int                 rc;

    if (strcmp(name, s->profile) == 0) { /* its own keys */
        return from_keys(s, out, e);
    }
    if (depth == CHAIN_MAX) {
        return err_set(e, ERR_USAGE, "its source_profile \"%s\" ends a chain of more than %d", name,
                       CHAIN_MAX);
    }
    rc = aws_settings_load(name, &other, e);
    if (rc == 0) {
        rc = from_settings(&other, depth + 1, out, e);
    }
    aws_settings_free(&other);
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        e->kind = ERR_AUTH;
    }
    return rc == 0 ? 0 : err_wrap(e, "its source_profile \"%s\"", name);
}

static int
from_role(const struct aws_settings *s, int depth, struct aws_credentials *out, struct err *e)
{
    const char            *profile = aws_setting(s, "source_profile");
    const char            *source = aws_setting(s, "credential_source");
    struct aws_credentials base = AWS_CREDENTIALS_INIT;
    struct aws_role        r = {.arn = aws_setting(s, "role_arn"),
                                .session = aws_setting(s, "role_session_name"),
                                .token_file = aws_setting(s, "web_identity_token_file"),
                                .external_id = aws_setting(s, "external_id"),
                                .duration = aws_setting(s, "duration_seconds"),
                                .region = aws_setting(s, "region"),
                                .base = &base};
    int                    rc = 0;

    if (aws_setting(s, "mfa_serial") != NULL) {
        return err_set(e, ERR_USAGE,
                       "its mfa_serial asks for a code typed by a person, which no backup can "
                       "give");
    }
    if (r.token_file == NULL) {
        rc = profile != NULL ? base_from_profile(s, profile, depth, &base, e)
            : source != NULL ? base_from_service(source, &base, e)
                             : err_set(e, ERR_USAGE,
                                       "its role_arn needs web_identity_token_file, source_profile "
                                       "or credential_source beside it");
    }
    if (rc == 0) {
        rc = aws_assume_role(&r, out, e);
    }
    aws_credentials_free(&base);
    return rc;
}

/* ERR_NOT_FOUND: the profile has nothing to do with credentials. */
static int
from_settings(const struct aws_settings *s, int depth, struct aws_credentials *out, struct err *e)
{
    const char *command = aws_setting(s, "credential_process");

    if (!s->found) {
        return err_set(e, ERR_NOT_FOUND, "no such profile in %s", s->files);
    }
    if (aws_setting(s, "role_arn") != NULL) {
        return from_role(s, depth, out, e);
    }
    if (aws_setting(s, "aws_access_key_id") != NULL ||
        aws_setting(s, "aws_secret_access_key") != NULL) {
        return from_keys(s, out, e);
    }
    if (command != NULL) {
        return from_process(command, out, e);
    }
    if (aws_setting(s, "sso_session") != NULL || aws_setting(s, "sso_start_url") != NULL) {
        err_set(e, ERR_USAGE,
                "it signs in through IAM Identity Center (sso), which pgassay does not speak");
        return err_hint(e,
                        "another profile with \"credential_process = aws configure "
                        "export-credentials --profile "
                        "%s\" hands its credentials on",
                        s->profile);
    }
    return err_set(e, ERR_NOT_FOUND, "no credentials in it");
}

int
aws_from_profile(const char *name, struct aws_credentials *out, struct err *e)
{
    bool                named = name != NULL || aws_env("AWS_PROFILE") != NULL;
    struct aws_settings s;
    int                 rc = aws_settings_load(name, &s, e);

    if (rc == 0) {
        rc = from_settings(&s, 1, out, e);
        if (rc != 0) {
            err_wrap(e, "profile \"%s\"", s.profile);
        }
        if (rc != 0 && !s.found && named && e->kind == ERR_NOT_FOUND) {
            e->kind = ERR_AUTH; /* exactly this one was requested */
        }
    }
    aws_settings_free(&s);
    return rc;
}
