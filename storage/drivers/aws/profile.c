#include "storage/drivers/aws/profile.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "storage/drivers/aws/source.h"

enum { FILE_MAX = 1 << 20 };

struct parser {
    struct aws_settings *into;
    bool                 in_config;
    bool                 in_section; /* any: a setting before the first one is a mistake */
    bool                 wanted;     /* the section is the profile's */
    size_t               indent; /* of the setting above; SIZE_MAX: there is none in this section */
};

static char *
trim(char *s)
{
    char *end;

    while (isspace((unsigned char)*s)) {
        s++;
    }
    for (end = s + strlen(s); end > s && isspace((unsigned char)end[-1]);) {
        *--end = '\0';
    }
    return s;
}

/* A comment begins at a '#' or ';' after a blank. */
static void
cut_comment(char *s)
{
    for (char *p = s; *p != '\0'; p++) {
        if ((*p == '#' || *p == ';') && p > s && isspace((unsigned char)p[-1])) {
            *p = '\0';
            return;
        }
    }
}

/* The profile that a header names; NULL: none, as [sso-session x] and [services x] in config. */
static char *
header_profile(char *name, bool in_config)
{
    size_t word = strcspn(name, " \t");
    size_t n;

    if (in_config) {
        if (word == strlen("profile") && strncmp(name, "profile", word) == 0) {
            name = trim(name + word);
        } else if (strcmp(name, "default") != 0) {
            return NULL;
        }
    }
    n = strlen(name);
    if (n >= 2 && (*name == '"' || *name == '\'') && name[n - 1] == *name) {
        name[n - 1] = '\0';
        name++;
    }
    return name;
}

static void
add(struct aws_settings *s, const char *key, const char *value)
{
    char *lower = xstrdup(key);

    for (char *p = lower; *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    VEC_GROW(s->key, s->n, s->cap_keys);
    VEC_GROW(s->value, s->n, s->cap_values);
    s->key[s->n] = lower;
    s->value[s->n++] = xstrdup(value);
}

/* What is wrong with the line, or NULL. */
static const char *
take_header(struct parser *p, char *line)
{
    char *end = strchr(line, ']');
    char *name;

    if (end == NULL) {
        return "a section's \"]\" is missing";
    }
    *end = '\0';
    name = header_profile(trim(line + 1), p->in_config);
    p->in_section = true;
    p->wanted = name != NULL && strcmp(name, p->into->profile) == 0;
    p->into->found |= p->wanted;
    p->indent = SIZE_MAX;
    return NULL;
}

static const char *
take_line(struct parser *p, char *line)
{
    size_t indent = strspn(line, " \t");
    char  *text = trim(line);
    char  *equals;

    if (*text == '\0' || *text == '#' || *text == ';') {
        return NULL;
    }
    if (indent == 0 && *text == '[') {
        return take_header(p, text);
    }
    if (!p->in_section) {
        return "a setting before the first [section]";
    }
    if (p->indent != SIZE_MAX && indent > p->indent) {
        return NULL;
    }
    p->indent = indent;
    equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return "neither [section] nor \"setting = value\"";
    }
    *equals = '\0';
    cut_comment(equals + 1);
    if (p->wanted) {
        add(p->into, trim(text), trim(equals + 1));
    }
    return NULL;
}

int
aws_settings_parse(char *text, const char *path, bool in_config, struct aws_settings *s,
                   struct err *e)
{
    struct parser p = {.into = s, .in_config = in_config, .indent = SIZE_MAX};
    char *line = strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text; /* a byte order mark */

    for (int number = 1; line != NULL; number++) {
        char       *next = strchr(line, '\n');
        const char *wrong;

        if (next != NULL) {
            *next++ = '\0';
        }
        wrong = take_line(&p, line);
        if (wrong != NULL) {
            return err_set(e, ERR_USAGE, "%s:%d: %s", path, number, wrong);
        }
        line = next;
    }
    return 0;
}

static int
load_file(const char *path, bool in_config, struct aws_settings *s, struct err *e)
{
    struct buf text = BUF_INIT(FILE_MAX);
    int        rc = aws_read_file(path, &text, e);

    if (rc == 0) {
        (void)buf_str(&text);
        rc = aws_settings_parse((char *)text.data, path, in_config, s, e);
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    aws_secret_free(&text);
    return rc;
}

/* The file that the variable names, or the one in ~/.aws; "~/" is the home directory. */
static char *
file_path(const char *variable, const char *name)
{
    const char    *given = aws_env(variable);
    const char    *home = aws_env("HOME");
    struct passwd *pw;

    if (home == NULL) {
        pw = getpwuid(geteuid());
        home = pw == NULL ? "" : pw->pw_dir;
    }
    if (given == NULL) {
        return xasprintf("%s/.aws/%s", home, name);
    }
    return strncmp(given, "~/", 2) == 0 ? xasprintf("%s%s", home, given + 1) : xstrdup(given);
}

int
aws_settings_load(const char *name, struct aws_settings *s, struct err *e)
{
    char *config = file_path("AWS_CONFIG_FILE", "config");
    char *credentials = file_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    int   rc;

    if (name == NULL) {
        name = aws_env("AWS_PROFILE");
    }
    *s = (struct aws_settings){.profile = xstrdup(name == NULL ? "default" : name)};
    s->files = xasprintf("%s and %s", credentials, config);
    rc = load_file(config, true, s, e) != 0 || load_file(credentials, false, s, e) != 0 ? -1 : 0;
    free(config);
    free(credentials);
    return rc;
}

const char *
aws_setting(const struct aws_settings *s, const char *key)
{
    for (size_t i = s->n; i-- > 0;) {
        if (strcmp(s->key[i], key) == 0) {
            return *s->value[i] == '\0' ? NULL : s->value[i];
        }
    }
    return NULL;
}

void
aws_settings_free(struct aws_settings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->key[i]);
        aws_secret_free_text(s->value[i]);
    }
    free(s->key);
    free(s->value);
    free(s->profile);
    free(s->files);
    *s = (struct aws_settings){0};
}

char *
aws_profile_setting(const char *profile, const char *key)
{
    struct aws_settings s;
    struct err          ignored = ERR_INIT;
    const char         *value = NULL;
    char               *copy;

    if (aws_settings_load(profile, &s, &ignored) == 0) {
        value = aws_setting(&s, key);
    }
    copy = value == NULL ? NULL : xstrdup(value);
    aws_settings_free(&s);
    return copy;
}
