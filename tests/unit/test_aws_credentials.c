/*
 * Every source of credentials, against a small server that speaks its protocol
 * (credentials_server.py).
 */
#include "tests/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "storage/drivers/aws/credentials.h"
#include "storage/drivers/aws/http.h"
#include "storage/drivers/aws/profile.h"
#include "storage/drivers/aws/source.h"
#include "storage/drivers/aws/sts.h"

static struct {
    pid_t pid;
    int   in; /* closing it ends the server */
    char  url[64];
    char  dir[64];
} at;

/* The clock of this program: what is waited for has come. */
static time_t ahead;

time_t
time(time_t *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += ahead;
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

static int
start_server(void **state)
{
    int   in[2];
    int   out[2];
    char  port[16] = "";
    FILE *f;

    (void)state;
    if (pipe(in) != 0 || pipe(out) != 0) {
        return -1;
    }
    at.pid = fork();
    if (at.pid == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)execlp("python3", "python3", "-W", "ignore", "tests/unit/credentials_server.py",
                     (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    at.in = in[1];
    f = fdopen(out[0], "r");
    if (fgets(port, sizeof port, f) == NULL) {
        return -1;
    }
    (void)fclose(f);
    (void)snprintf(at.url, sizeof at.url, "http://127.0.0.1:%d", atoi(port));
    (void)snprintf(at.dir, sizeof at.dir, "/tmp/pga-creds.XXXXXX");
    return mkdtemp(at.dir) == NULL ? -1 : 0;
}

static int
stop_server(void **state)
{
    char *rm = xasprintf("rm -rf %s", at.dir);
    int   rc = system(rm);

    (void)state;
    free(rm);
    (void)close(at.in);
    (void)waitpid(at.pid, NULL, 0);
    return rc;
}

/* Nothing set up: no variable, no file, no instance. */
static int
clean_environment(void **state)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CA_BUNDLE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_SHARED_CREDENTIALS_FILE",
    };

    (void)state;
    ahead = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unsetenv(names[i]);
    }
    (void)setenv("HOME", at.dir, 1);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    (void)setenv("http_proxy", "http://127.0.0.1:1",
                 1); /* services of this host are asked past it */
    return 0;
}

static void
set_url(const char *variable, const char *path)
{
    char *url = xasprintf("%s/%s", at.url, path);

    (void)setenv(variable, url, 1);
    free(url);
}

/* Writes a file into the test's directory and points the variable (or NULL) at it. */
static void
write_file(const char *variable, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", at.dir, name);
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    if (variable != NULL) {
        (void)setenv(variable, path, 1);
    }
    free(path);
}

static void
assert_credentials(const struct aws_credentials *c, const char *access, const char *secret,
                   const char *token)
{
    assert_string_equal(c->access_key, access);
    assert_string_equal(c->secret_key, secret);
    if (token == NULL) {
        assert_null(c->session_token);
    } else {
        assert_non_null(c->session_token);
        assert_string_equal(c->session_token, token);
    }
}

/* A new provider's first answer; -1 with the error. */
static int
get_as(const char *profile, struct aws_credentials *c, struct err *e)
{
    struct aws_provider *p = aws_provider_new(profile, e);
    int                  rc;

    assert_non_null(p);
    *c = (struct aws_credentials)AWS_CREDENTIALS_INIT;
    err_clear(e);
    rc = aws_provider_get(p, c, e);
    aws_provider_free(p);
    return rc;
}

static void
expect(const char *profile, const char *access, const char *secret, const char *token)
{
    struct aws_credentials c;
    struct err             e = ERR_INIT;

    assert_ok(get_as(profile, &c, &e), &e);
    assert_credentials(&c, access, secret, token);
    aws_credentials_free(&c);
}

/* No secret of the tests may stand in an error. */
static void
refuse(const char *profile, enum err_kind kind, const char *words)
{
    struct aws_credentials c;
    struct err             e = ERR_INIT;

    assert_int_equal(get_as(profile, &c, &e), -1);
    assert_err(&e, kind, words);
    assert_null(strstr(e.text, "se/cr+et"));
    assert_null(strstr(e.text, "to=ken"));
    assert_null(strchr(e.text, '\n'));
    assert_null(c.access_key);
}

static void
keys_in_the_environment_come_first(void **state)
{
    (void)state;
    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
               "[default]\naws_access_key_id=F\naws_secret_access_key=G\n");
    (void)setenv("AWS_ACCESS_KEY_ID", "AK:with:colons", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "se/cr+et", 1);
    expect(NULL, "AK:with:colons", "se/cr+et", NULL);
    (void)setenv("AWS_SESSION_TOKEN", "to=ken", 1);
    expect(NULL, "AK:with:colons", "se/cr+et", "to=ken");
    expect("default", "F", "G", NULL); /* but not before a profile that was asked for */
    (void)setenv("AWS_SECRET_ACCESS_KEY", "se/cr+et\r", 1);
    refuse(NULL, ERR_AUTH, "the secret key in the environment is empty, or holds blanks");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    refuse(NULL, ERR_AUTH, "belong together, but the second is not set");
}

static void
nothing_found_says_what_was_tried(void **state)
{
    struct aws_credentials c;
    struct err             e = ERR_INIT;

    (void)state;
    assert_int_equal(get_as(NULL, &c, &e), -1);
    assert_err(&e, ERR_AUTH,
               "no credentials found; tried the environment (AWS_ACCESS_KEY_ID is not set), a web "
               "identity "
               "(AWS_WEB_IDENTITY_TOKEN_FILE is not set), the AWS files (profile \"default\": no "
               "such "
               "profile in ");
    assert_err(&e, ERR_AUTH,
               "the container (AWS_CONTAINER_CREDENTIALS_FULL_URI is not set), the instance "
               "(AWS_EC2_METADATA_DISABLED is true)");
    assert_non_null(strstr(e.hint, "AWS_PROFILE"));
}

static const char config_text[] =
    "# what the AWS tools write\n"
    "[default]\n"
    "region = eu-central-1\n"
    "s3 =\n"
    "    addressing_style = path\n"
    "    aws_access_key_id = nested\n"
    "output = json\n"
    "\n"
    "[profile \"in config\"]\r\n"
    "aws_access_key_id = AKconfig ; said behind a blank\r\n"
    "AWS_Secret_Access_Key = c#d;e\r\n"
    "[sso-session default]\nregion = nowhere-1\n"
    "[profile indented]\n"
    "  aws_access_key_id = AKindented\n"
    "  aws_secret_access_key = s\n"
    "[profile region-only]\nregion=x\n"
    "[profile half]\naws_access_key_id = AKhalf\n"
    "[profile sso]\nsso_session = my\n"
    "[profile mfa]\nrole_arn = a\nsource_profile = default\nmfa_serial = b\n"
    "[profile lone-role]\nrole_arn = arn:aws:iam::1:role/backup\n"
    "[profile loop]\nrole_arn = a\nsource_profile = pool\n"
    "[profile pool]\nrole_arn = a\nsource_profile = loop\n"
    "[profile lost]\nrole_arn = a\nsource_profile = nobody\n";

static void
profiles_are_read_as_the_aws_tools_read_them(void **state)
{
    char  long_token[3000];
    char *text;
    char *region;

    (void)state;
    memset(long_token, 'T', sizeof long_token - 1);
    long_token[sizeof long_token - 1] = '\0';
    write_file("AWS_CONFIG_FILE", "config", config_text);
    text = xasprintf(
        "[default]\naws_access_key_id = AKdefault\naws_secret_access_key = d\naws_session_token = "
        "%s\n"
        "[work]\naws_access_key_id=AKwork\naws_secret_access_key=w\n",
        long_token);
    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", text);
    free(text);

    expect(NULL, "AKdefault", "d", long_token); /* not the nested one */
    expect("work", "AKwork", "w", NULL);
    expect("in config", "AKconfig", "c#d;e", NULL);
    expect("indented", "AKindented", "s", NULL);
    (void)setenv("AWS_PROFILE", "work", 1);
    expect(NULL, "AKwork", "w", NULL);
    (void)setenv("AWS_PROFILE", "nobody", 1);
    refuse(NULL, ERR_AUTH,
           "credentials from the AWS files: profile \"nobody\": no such profile in ");

    refuse("half", ERR_AUTH,
           "profile \"half\": it has only one of aws_access_key_id and aws_secret_access_key");
    refuse("region-only", ERR_AUTH,
           "no credentials found; tried the AWS files (profile \"region-only\": no credentials in "
           "it)");
    refuse("sso", ERR_USAGE, "profile \"sso\": it signs in through IAM Identity Center");
    refuse("mfa", ERR_USAGE, "profile \"mfa\": its mfa_serial asks for a code");
    refuse("lone-role", ERR_USAGE,
           "its role_arn needs web_identity_token_file, source_profile or credential_source");
    refuse("loop", ERR_USAGE, "ends a chain of more than 5");
    refuse("lost", ERR_AUTH, "its source_profile \"nobody\": no such profile");

    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
               "\xEF\xBB\xBF[marked]\naws_access_key_id = AKmarked\naws_secret_access_key = m\n");
    expect("marked", "AKmarked", "m", NULL);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null/credentials", 1);
    (void)setenv("AWS_CONFIG_FILE", "/dev/null/config", 1);
    refuse("marked", ERR_AUTH, "no such profile in /dev/null/credentials and /dev/null/config");
    write_file("AWS_CONFIG_FILE", "config", config_text);

    region = aws_profile_setting("default", "region");
    assert_string_equal(region, "eu-central-1");
    free(region);
    assert_null(aws_profile_setting("default", "addressing_style"));
}

static void
malformed_files_are_named_with_their_line(void **state)
{
    (void)state;
    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", "[default]\nse/cr+et\n");
    refuse(NULL, ERR_USAGE, "/credentials:2: neither [section] nor \"setting = value\"");
    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", "\n\naws_access_key_id = se/cr+et\n");
    refuse(NULL, ERR_USAGE, "/credentials:3: a setting before the first [section]");
    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", "[default\n");
    refuse(NULL, ERR_USAGE, "/credentials:1: a section's \"]\" is missing");
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", at.dir, 1);
    refuse(NULL, ERR_IO, "could not read");
}

static void
a_program_can_give_them(void **state)
{
    (void)state;
    write_file("AWS_CONFIG_FILE", "config",
               "[profile good]\ncredential_process = printf '{\"Version\": 1, \"AccessKeyId\": "
               "\"AKprog\", "
               "\"SecretAccessKey\": \"se/cr+et\", \"Expiration\": "
               "\"2099-01-01T00:00:00+00:00\"}'\n"
               "[profile fails]\ncredential_process = echo se/cr+et >&2; exit 3\n"
               "[profile old]\ncredential_process = echo '{\"AccessKeyId\": \"A\", "
               "\"SecretAccessKey\": \"B\", "
               "\"Expiration\": \"2019-01-01T00:00:00Z\"}'\n"
               "[profile chatty]\ncredential_process = echo '\"se/cr+et'\n");
    expect("good", "AKprog", "se/cr+et", NULL);
    refuse("fails", ERR_AUTH, "profile \"fails\": its credential_process ended with status 3");
    refuse("chatty", ERR_CORRUPT, "what its credential_process printed is not a JSON object");
    refuse("old", ERR_AUTH, "expired at 2019-01-01T00:00:00Z by this host's clock");
}

static void
a_web_identity_is_exchanged_at_sts(void **state)
{
    (void)state;
    set_url("AWS_ENDPOINT_URL_STS", "sts/");
    write_file("AWS_WEB_IDENTITY_TOKEN_FILE", "token", "web/identity+token=\n");
    refuse(NULL, ERR_AUTH, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN");
    (void)setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/backup", 1);
    (void)setenv("http_proxy", "", 1);
    expect(NULL, "AKsts1", "se/cr+et", "to=ken");

    (void)setenv("AWS_ROLE_SESSION_NAME", "nightly", 1);
    set_url("AWS_ENDPOINT_URL_STS", "session/");
    expect(NULL, "AKnightly1", "se/cr+et", "to=ken");
    set_url("AWS_ENDPOINT_URL_STS", "flaky/");
    expect(NULL, "AKflaky2", "se/cr+et", "to=ken"); /* a 500 is tried again */

    set_url("AWS_ENDPOINT_URL_STS", "garbage/");
    refuse(NULL, ERR_CORRUPT, "is not an STS answer");
    set_url("AWS_ENDPOINT_URL_STS", "past/");
    refuse(NULL, ERR_AUTH, "expired at");
    set_url("AWS_ENDPOINT_URL_STS", "sts/");
    (void)setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/other", 1);
    refuse(NULL, ERR_AUTH, "refused (403 AccessDenied): Not authorized & refused");
    (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token", 1);
    refuse(NULL, ERR_AUTH, "could not open \"/nowhere/token\"");
}

static void
a_profile_can_hold_a_web_identity(void **state)
{
    char *text = xasprintf(
        "[profile web]\nrole_arn = arn:aws:iam::1:role/backup\nrole_session_name = fromfile\n"
        "web_identity_token_file = %s/token\n",
        at.dir);

    (void)state;
    (void)setenv("http_proxy", "", 1);
    set_url("AWS_ENDPOINT_URL", "session/");
    write_file(NULL, "token", "web/identity+token=");
    write_file("AWS_CONFIG_FILE", "config", text);
    expect("web", "AKfromfile2", "se/cr+et", "to=ken");
    free(text);
}

static void
a_role_is_assumed_with_what_another_source_gives(void **state)
{
    (void)state;
    (void)setenv("http_proxy", "", 1);
    set_url("AWS_ENDPOINT_URL_STS", "assume/");
    write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
               "[keys]\naws_access_key_id = AKbase\naws_secret_access_key = se/cr+et\n"
               "[itself]\naws_access_key_id = AKbase\naws_secret_access_key = se/cr+et\n"
               "role_arn = arn:aws:iam::1:role/backup\nsource_profile = itself\n");
    write_file("AWS_CONFIG_FILE", "config",
               "[profile role]\nrole_arn = arn:aws:iam::1:role/backup\nsource_profile = keys\n"
               "[profile wrong]\nrole_arn = arn:aws:iam::1:role/backup\ncredential_source = "
               "Environment\n"
               "[profile odd]\nrole_arn = arn:aws:iam::1:role/backup\ncredential_source = Moon\n");
    expect("role", "AKassume1", "se/cr+et", "to=ken");
    expect("itself", "AKassume2", "se/cr+et", "to=ken");
    refuse("wrong", ERR_AUTH, "its credential_source Environment: AWS_ACCESS_KEY_ID is not set");
    refuse("odd", ERR_USAGE, "its credential_source \"Moon\" is not");
    (void)setenv("AWS_ACCESS_KEY_ID", "AKother", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    refuse("wrong", ERR_AUTH, "refused (403 AccessDenied)");
    (void)setenv("AWS_ENDPOINT_URL_STS", "nonsense", 1);
    refuse("role", ERR_USAGE, "the endpoint of STS \"nonsense\" is not a URL");
}

static void
a_container_asks_its_agent(void **state)
{
    (void)state;
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "good/creds");
    expect(NULL, "AKgood1", "se/cr+et", "to=ken");
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "token/creds");
    refuse(NULL, ERR_AUTH, "refused (403 AccessDenied): wrong token");
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer let-me-in", 1);
    expect(NULL, "AKtoken2", "se/cr+et", "to=ken");
    write_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "agent",
               "Bearer other\n"); /* the file counts */
    refuse(NULL, ERR_AUTH, "wrong token");
    write_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "agent",
               "Bearer let-me-in\r\nX-Evil: 1\n");
    refuse(NULL, ERR_AUTH, "has more than one line");
    (void)unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "garbage/creds");
    refuse(NULL, ERR_CORRUPT, "the container service's answer is not a JSON object");
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "huge/creds");
    refuse(NULL, ERR_CORRUPT, "is larger than 65536 bytes");
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "half/creds");
    refuse(NULL, ERR_IO, "no answer from http://127.0.0.1:");
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "redirect/creds");
    refuse(NULL, ERR_AUTH, "refused (302)");
}

static void
only_these_hosts_are_asked_for_a_container(void **state)
{
    static const char *const good[] = {
        "http://127.0.0.1/x",       "http://127.9.8.7:80/x",
        "http://localhost:99/",     "http://[::1]/x",
        "http://169.254.170.2/v2",  "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1", "https://anything.example/x",
    };
    static const char *const bad[] = {
        "http://169.254.169.254/x",
        "http://127.0.0.1.evil.example/x",
        "http://evil.example/127.0.0.1",
        "http://127.0.0.1@evil.example/",
        "http://10.0.0.1/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "nonsense://",
    };
    struct err e = ERR_INIT;
    char      *url;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        url = aws_container_url(NULL, good[i], &e);
        if (url == NULL) {
            fail_msg("%s: %s", good[i], e.text);
        }
        free(url);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (aws_container_url(NULL, bad[i], &e) != NULL) {
            fail_msg("%s was let through", bad[i]);
        }
        assert_int_equal(e.kind, ERR_USAGE);
    }
    url = aws_container_url("/v2/credentials/1234", "http://ignored.example/", &e);
    assert_string_equal(url, "http://169.254.170.2/v2/credentials/1234");
    free(url);
}

static void
an_instance_asks_its_metadata_service(void **state)
{
    (void)state;
    (void)setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "imds/");
    expect(NULL, "AKimds1", "se/cr+et", "to=ken");
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "norole");
    refuse(NULL, ERR_AUTH, "the instance (the instance has no role)");
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "failed");
    refuse(NULL, ERR_AUTH,
           "the metadata service has no credentials for role \"backup-role\": "
           "AssumeRoleUnauthorizedAccess");
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "forbidden");
    refuse(NULL, ERR_AUTH, "gave no session token (403)");
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "garbage");
    refuse(NULL, ERR_CORRUPT, "the metadata service's answer is not a JSON object");
    (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
    refuse(NULL, ERR_AUTH, "the instance (no metadata service at http://127.0.0.1:1)");
}

static void
a_slow_service_does_not_hold_us_up(void **state)
{
    (void)state;
    (void)setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "slow");
    refuse(NULL, ERR_IO, "credentials from the instance: no answer from http://127.0.0.1:");
}

static void
they_are_renewed_before_they_expire(void **state)
{
    struct err             e = ERR_INIT;
    struct aws_provider   *p = aws_provider_new(NULL, &e);
    struct aws_credentials c = AWS_CREDENTIALS_INIT;

    (void)state;
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "soon/creds"); /* each lasts 200 seconds */
    for (int i = 0; i < 3; i++) {
        assert_ok(aws_provider_get(p, &c, &e), &e);
        assert_string_equal(c.access_key, "AKsoon1"); /* kept, not asked for again */
        aws_credentials_free(&c);
    }
    ahead = 101;
    assert_ok(aws_provider_get(p, &c, &e), &e);
    assert_string_equal(c.access_key, "AKsoon2");
    assert_true(c.expires > time(NULL));

    aws_provider_refused(p, &c); /* the store did not want them */
    aws_credentials_free(&c);
    assert_ok(aws_provider_get(p, &c, &e), &e);
    assert_string_equal(c.access_key, "AKsoon3");
    aws_credentials_free(&c);
    aws_provider_free(p);
}

static void
a_failed_renewal_keeps_the_old_until_they_expire(void **state)
{
    struct err             e = ERR_INIT;
    struct aws_provider   *p = aws_provider_new(NULL, &e);
    struct aws_credentials c = AWS_CREDENTIALS_INIT;

    (void)state;
    log_init("test", LOG_ERROR);
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "once/creds"); /* 200 seconds, and then never again */
    assert_ok(aws_provider_get(p, &c, &e), &e);
    aws_credentials_free(&c);
    ahead = 101;
    assert_ok(aws_provider_get(p, &c, &e), &e);
    assert_string_equal(c.access_key, "AKonce1");
    ahead = 201;
    aws_credentials_free(&c);
    assert_int_equal(aws_provider_get(p, &c, &e), -1);
    assert_err(&e, ERR_IO, "failed (503)");
    aws_provider_free(p);
}

static void *
get_in_thread(void *arg)
{
    struct aws_credentials c = AWS_CREDENTIALS_INIT;
    struct err             e = ERR_INIT;
    int                    rc = aws_provider_get(arg, &c, &e);
    bool                   good = rc == 0 && strcmp(c.access_key, "AKthreads1") == 0;

    aws_credentials_free(&c);
    return good ? arg : NULL;
}

static void
many_threads_ask_once(void **state)
{
    enum { THREADS = 12 };
    struct err           e = ERR_INIT;
    struct aws_provider *p = aws_provider_new(NULL, &e);
    pthread_t            threads[THREADS];

    (void)state;
    set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "threads/creds"); /* takes 0.3 s */
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, p), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *good;

        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
    }
    aws_provider_free(p);
}

static void
hostile_xml_is_no_answer(void **state)
{
    static const char *const bad[] = {
        "",
        "<",
        "<a/>",
        "<a><b></a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey></"
        "Credentials>",
        "<R><Credentials><AccessKeyId>A "
        "B</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>t</SessionToken>"
        "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>",
        "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B</"
        "SecretAccessKey><SessionToken>t</SessionToken>"
        "<Expiration>soon</Expiration></Credentials></R>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></"
        "a></a></a></a></a></a></a></a></a>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aws_credentials c = AWS_CREDENTIALS_INIT;
        struct err             e = ERR_INIT;

        if (aws_sts_parse(bad[i], strlen(bad[i]), 200, "host", &c, &e) == 0) {
            fail_msg("%s was taken", bad[i]);
        }
        assert_null(c.access_key);
        assert_string_not_equal(e.text, "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_in_the_environment_come_first, clean_environment),
        cmocka_unit_test_setup(nothing_found_says_what_was_tried, clean_environment),
        cmocka_unit_test_setup(profiles_are_read_as_the_aws_tools_read_them, clean_environment),
        cmocka_unit_test_setup(malformed_files_are_named_with_their_line, clean_environment),
        cmocka_unit_test_setup(a_program_can_give_them, clean_environment),
        cmocka_unit_test_setup(a_web_identity_is_exchanged_at_sts, clean_environment),
        cmocka_unit_test_setup(a_profile_can_hold_a_web_identity, clean_environment),
        cmocka_unit_test_setup(a_role_is_assumed_with_what_another_source_gives, clean_environment),
        cmocka_unit_test_setup(a_container_asks_its_agent, clean_environment),
        cmocka_unit_test_setup(only_these_hosts_are_asked_for_a_container, clean_environment),
        cmocka_unit_test_setup(an_instance_asks_its_metadata_service, clean_environment),
        cmocka_unit_test_setup(a_slow_service_does_not_hold_us_up, clean_environment),
        cmocka_unit_test_setup(they_are_renewed_before_they_expire, clean_environment),
        cmocka_unit_test_setup(a_failed_renewal_keeps_the_old_until_they_expire, clean_environment),
        cmocka_unit_test_setup(many_threads_ask_once, clean_environment),
        cmocka_unit_test_setup(hostile_xml_is_no_answer, clean_environment),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
