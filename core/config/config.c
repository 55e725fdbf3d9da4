#include "core/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config/config_in.h"
#include "core/host/ownership.h"
#include "core/log.h"
#include "core/mem.h"

struct section {
    char *kind; /* "", "repo", "database" */
    char *name; /* "" for the defaults */
};

struct entry {
    size_t section;
    char  *key; /* with '-', never '_' */
    char  *value;
    int    line;
};

struct config {
    char           *path; /* NULL: no file was read */
    struct section *section;
    size_t          n_sections, cap_sections;
    struct entry   *entry;
    size_t          n, cap;
    struct strlist *kept; /* config_keep()'s */
};

/* inih cuts lines and section names short without a word, and takes an indented
 * line for more of the value above: so that it is fed line by line, and these are
 * looked after before it sees them. */
struct reader {
    struct config *c;
    FILE          *f;
    int            line;
    struct err    *e;
    bool           failed;
};

static void
fail(struct reader *r, const char *what, const char *detail)
{
    if (!r->failed) { /* the first counts */
        r->failed = true;
        err_set(r->e, ERR_USAGE, "%s:%d: %s%s%s%s", r->c->path, r->line, what,
                detail == NULL ? "" : " \"", detail == NULL ? "" : detail,
                detail == NULL ? "" : "\"");
    }
}

static void
fail_key(struct reader *r, const char *kind, const char *key)
{
    char *known = config_keys_text(kind);

    fail(r, "unknown key", key);
    if (*kind == '\0') {
        (void)err_hint(r->e, "before any section there may be %s", known);
    } else {
        (void)err_hint(r->e, "[%s NAME] may have %s", kind, known);
    }
    free(known);
}

static size_t
add_section(struct config *c, const char *kind, const char *name)
{
    for (size_t i = 0; i < c->n_sections; i++) {
        if (strcmp(c->section[i].kind, kind) == 0 && strcmp(c->section[i].name, name) == 0) {
            return i;
        }
    }
    VEC_GROW(c->section, c->n_sections, c->cap_sections);
    c->section[c->n_sections] = (struct section){xstrdup(kind), xstrdup(name)};
    return c->n_sections++;
}

/* "[kind name]": the current section is the last one added. */
static void
take_header(struct reader *r, const char *line)
{
    char       *text = xstrdup(line + 1);
    char       *end = strchr(text, ']');
    char       *name;
    const char *kind;

    if (end == NULL) {
        fail(r, "a section's \"]\" is missing", NULL);
        goto out;
    }
    *end = '\0';
    kind = text + strspn(text, " \t");
    name = text + (kind - text) + strcspn(kind, " \t");
    if (*name != '\0') {
        *name++ = '\0';
        name += strspn(name, " \t");
    }
    for (end = name + strlen(name); end > name && isspace((unsigned char)end[-1]);) {
        *--end = '\0';
    }
    if (!config_kind_known(kind)) {
        fail(r, "unknown kind of section", kind);
        (void)err_hint(r->e, "there are [repo NAME] and [database NAME]; see man pgassay.conf");
    } else if (*name == '\0') {
        fail(r, "a section without a name", NULL);
    } else {
        size_t before = r->c->n_sections;

        if (add_section(r->c, kind, name) != before) {
            fail(r, "a second section for", name);
        }
    }
out:
    free(text);
}

/* fgets() for inih. */
static char *
read_line(char *text, int cap, void *ctx)
{
    struct reader *r = ctx;
    size_t         n;
    size_t         blanks;

    if (r->failed || fgets(text, cap, r->f) == NULL) {
        return NULL;
    }
    r->line++;
    n = strlen(text);
    if (n > 0 && text[n - 1] != '\n' && !feof(r->f)) {
        fail(r, "a line that is too long", NULL);
        return NULL;
    }
    blanks = strspn(text, " \t");
    memmove(text, text + blanks, n - blanks + 1);
    if (text[0] == '[') {
        take_header(r, text);
    }
    return text;
}

static void
normalise(char *key)
{
    for (; *key != '\0'; key++) {
        if (*key == '_') {
            *key = '-';
        }
    }
}

/* For inih: 1 good, 0 not. */
static int
take_entry(void *ctx, const char *section, const char *name, const char *value)
{
    struct reader *r = ctx;
    struct config *c = r->c;
    size_t         at = c->n_sections - 1;
    struct entry   x = {
          .section = at, .key = xstrdup(name), .value = xstrdup(value), .line = r->line};

    (void)section; /* cut at 50 bytes: take_header() knows better */
    normalise(x.key);
    for (size_t i = 0; i < c->n; i++) {
        if (c->entry[i].section == at && strcmp(c->entry[i].key, x.key) == 0) {
            fail(r, "given twice: key", name);
        }
    }
    if (!config_key_known(c->section[at].kind, x.key)) {
        fail_key(r, c->section[at].kind, name);
    }
    VEC_GROW(c->entry, c->n, c->cap);
    c->entry[c->n++] = x;
    return !r->failed;
}

/* A password in a file that others can read deserves a word. */
static void
warn_if_readable(const struct config *c, FILE *f)
{
    struct stat st;

    if (fstat(fileno(f), &st) != 0 || (st.st_mode & (S_IRGRP | S_IROTH)) == 0) {
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->entry[i].key, "conninfo") == 0 && config_is_secret(c->entry[i].value)) {
            log_warn(
                "%s:%d: a password in a file that other users can read; ~/.pgpass is the place for "
                "it",
                c->path, c->entry[i].line);
        }
    }
}

static int
unreadable(const struct config *c, struct err *e)
{
    err_errno(e, "could not read the configuration \"%s\"", c->path);
    e->kind = ERR_USAGE;
    return -1;
}

/* It names the keys that are trusted and the commands that are run. */
static int
check_owner(const struct config *c, FILE *f, struct err *e)
{
    if (ownership_check(fileno(f), "configuration", c->path, e) == 0) {
        return 0;
    }
    e->kind = ERR_USAGE;
    return -1;
}

static int
parse(struct config *c, FILE *f, struct err *e)
{
    struct reader r = {.c = c, .f = f, .e = e};
    int           bad;

    if (check_owner(c, f, e) != 0) {
        return -1;
    }
    bad = ini_parse_stream(read_line, &r, take_entry, &r);
    if (bad != 0) {
        fail(&r, "neither \"key = value\" nor \"[section]\"", NULL);
    }
    if (ferror(f) != 0) {
        return unreadable(c, e);
    }
    if (!r.failed) {
        warn_if_readable(c, f);
    }
    return r.failed ? -1 : 0;
}

/* The first of the default places; allocated, NULL when none of them can be meant. */
static char *
default_path(int i)
{
    const char *const xdg = getenv("XDG_CONFIG_HOME");
    const char *const home = getenv("HOME");

    if (i == 1) {
        return xstrdup("/etc/pgassay.conf");
    }
    if (xdg != NULL && *xdg == '/') {
        return xasprintf("%s/pgassay/pgassay.conf", xdg);
    }
    return home == NULL ? NULL : xasprintf("%s/.config/pgassay/pgassay.conf", home);
}

/* Not there, or where this user cannot look.  One that is there and must not be read is another
 * thing: what it says of repositories and keys would be passed over in silence. */
static bool
is_absent(const char *path, int error)
{
    return error == ENOENT || error == ENOTDIR ||
        (error == EACCES && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0);
}

static int
open_default(struct config *c, FILE **f, struct err *e)
{
    int error;

    for (int i = 0; i < 2 && *f == NULL; i++) {
        free(c->path);
        c->path = default_path(i);
        *f = c->path == NULL ? NULL : fopen(c->path, "re");
        error = errno;
        if (*f == NULL && c->path != NULL && !is_absent(c->path, error)) {
            errno = error;
            return unreadable(c, e);
        }
    }
    if (*f == NULL) {
        free(c->path);
        c->path = NULL;
    }
    return 0;
}

struct config *
config_load(const char *path, struct err *e)
{
    struct config *c = xcalloc(1, sizeof *c);
    FILE          *f = NULL;
    int            rc = 0;

    c->kept = xcalloc(1, sizeof *c->kept);
    add_section(c, "", "");
    if (path == NULL) {
        const char *env = getenv("PGASSAY_CONFIG");

        path = env != NULL && *env != '\0' ? env : NULL;
    }
    if (path == NULL) {
        rc = open_default(c, &f, e);
    } else {
        c->path = xstrdup(path);
        f = fopen(path, "re");
        if (f == NULL) {
            rc = unreadable(c, e);
        }
    }
    if (f != NULL) {
        rc = parse(c, f, e);
        (void)fclose(f);
    }
    if (rc != 0) {
        config_free(c);
        return NULL;
    }
    return c;
}

void
config_free(struct config *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->n_sections; i++) {
        free(c->section[i].kind);
        free(c->section[i].name);
    }
    for (size_t i = 0; i < c->n; i++) {
        free(c->entry[i].key);
        free(c->entry[i].value);
    }
    free(c->section);
    free(c->entry);
    free(c->path);
    strlist_free(c->kept);
    free(c->kept);
    free(c);
}

static bool
key_equal(const char *stored, const char *asked)
{
    for (; *stored != '\0' && (*stored == *asked || (*stored == '-' && *asked == '_'));
         stored++, asked++) {
    }
    return *stored == *asked;
}

const char *
config_find(const struct config *c, const char *kind, const char *name, const char *key, int *line)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct entry   *x = &c->entry[i];
        const struct section *s = &c->section[x->section];

        if (strcmp(s->kind, kind) == 0 && (*kind == '\0' || strcmp(s->name, name) == 0) &&
            key_equal(x->key, key)) {
            *line = x->line;
            return x->value;
        }
    }
    return NULL;
}

const char *
config_get(const struct config *c, const char *kind, const char *name, const char *key)
{
    int line;

    return config_find(c, kind, name, key, &line);
}

const char *
config_key(const struct config *c, const char *kind, const char *name, size_t i)
{
    for (size_t n = 0; n < c->n; n++) {
        const struct section *s = &c->section[c->entry[n].section];

        if (strcmp(s->kind, kind) == 0 && strcmp(s->name, name) == 0 && i-- == 0) {
            return c->entry[n].key;
        }
    }
    return NULL;
}

const char *
config_section(const struct config *c, const char *kind, size_t i)
{
    for (size_t s = 0; s < c->n_sections; s++) {
        if (strcmp(c->section[s].kind, kind) == 0 && i-- == 0) {
            return c->section[s].name;
        }
    }
    return NULL;
}

const char *
config_path(const struct config *c)
{
    return c->path;
}

const char *
config_keep(const struct config *c, const char *text)
{
    if (!strlist_has(c->kept, text)) {
        strlist_add(c->kept, text);
    }
    for (size_t i = 0;; i++) {
        if (strcmp(c->kept->v[i], text) == 0) {
            return c->kept->v[i];
        }
    }
}
