/*
 * config_read.c - the file's text, line by line, through inih.
 *
 * inih splits "key = value ; comment" and finds "[section]", but differs from our rules in three
 * ways: it silently cuts section names short, takes any indented line for more of the value above,
 * and removes no comment from such a line.  So it reads through read_line(), which keeps the
 * section itself, removes the indentation, and passes a line that continues a list on as one more
 * "key = value".  The maximum line length is a variable of Debian's inih; it is set to what the
 * longest line of this file needs.
 */
#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config_impl.h"
#include "core/mem.h"

enum { KEY_ROOM = 64 }; /* for the key put before a continued value */

struct reader {
    struct config           *c;
    const char              *at; /* not read yet */
    int                      line;
    size_t                   indent;      /* of this line */
    bool                     continued;   /* this line continues the list */
    const struct config_key *list;        /* that the next line may continue; NULL: none */
    size_t                   list_indent; /* of the line with the list's key */
    struct err              *e;
    bool                     failed;
};

/* Keeps the error already in e, else sets the text; the first counts. */
static void
fail(struct reader *r, const char *what, const char *detail)
{
    if (!r->failed) {
        r->failed = true;
        if (what != NULL) {
            err_set(r->e, ERR_USAGE, "%s%s%s%s", what, detail == NULL ? "" : " \"",
                    detail == NULL ? "" : detail, detail == NULL ? "" : "\"");
        }
        /* As in a compiler's messages: "file:line: text". */
        err_wrap(r->e, "%s:%d", r->c->path, r->line);
    }
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
    c->section[c->n_sections] = (struct config_section){xstrdup(kind), xstrdup(name)};
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
    if (!config_kind_known(r->c, kind)) {
        if (!r->failed) {
            (void)config_kind_unknown(r->c, kind, r->e);
        }
        fail(r, NULL, NULL);
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

static const char *
kind_now(const struct reader *r)
{
    return r->c->section[r->c->n_sections - 1].kind;
}

/* "key = ..." with a known key, or a likely misspelt one. */
static bool
begins_with_key(const struct reader *r, const char *text, size_t n)
{
    size_t len = 0;
    char  *key;
    bool   is;

    while (len < n && text[len] != '=' && text[len] != ':') {
        len++;
    }
    if (len == n) {
        return false;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    key = xstrndup(text, len);
    config_key_normalise(key);
    is = config_key_likely(r->c, kind_now(r), key);
    free(key);
    return is;
}

/* Whether this line, without its indentation, is one more value of the list above it, nothing (a
 * comment), or ends the list. */
static void
look_at_list(struct reader *r, const char *text, size_t n)
{
    bool comment = n > 0 && (*text == ';' || *text == '#');

    r->continued = r->list != NULL && !comment && n > 0 && *text != '[' &&
        r->indent > r->list_indent && !begins_with_key(r, text, n);
    if (!r->continued && !comment) {
        r->list = NULL;
    }
}

/* fgets() for inih. */
static char *
read_line(char *out, int cap, void *ctx)
{
    struct reader *r = ctx;
    size_t         n = strcspn(r->at, "\n");
    const char    *text = r->at;

    if (r->failed || *r->at == '\0') {
        return NULL;
    }
    r->line++;
    r->at += n + (text[n] == '\n');
    r->indent = strspn(text, " \t");
    text += r->indent;
    n -= r->indent;
    while (n > 0 && isspace((unsigned char)text[n - 1])) {
        n--;
    }
    look_at_list(r, text, n);
    (void)snprintf(out, (size_t)cap, "%s%s%.*s\n", r->continued ? r->list->name : "",
                   r->continued ? " = " : "", (int)n, text);
    if (*out == '[') {
        take_header(r, out);
    }
    return out;
}

void
config_add_entry(struct config *c, struct config_entry what, const char *value)
{
    VEC_GROW(c->entry, c->n, c->cap);
    c->entry[c->n] = what;
    c->entry[c->n++].value = xstrdup(value);
}

static void
add_entries(struct config *c, struct config_entry what, const char *values)
{
    struct strlist list = {0};

    strlist_split(&list, values);
    for (size_t i = 0; i < list.n; i++) {
        config_add_entry(c, what, list.v[i]);
    }
    if (list.n == 0) {
        config_add_entry(c, what, "");
    }
    strlist_free(&list);
}

static bool
is_given(const struct config *c, const struct config_key *key)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->entry[i].section == c->n_sections - 1 && c->entry[i].key == key) {
            return true;
        }
    }
    return false;
}

/* For inih: 1 good, 0 not. */
static int
take_entry(void *ctx, const char *section, const char *name, const char *value)
{
    struct reader           *r = ctx;
    const struct config_key *key;
    struct config_entry      entry;
    char                    *text = xstrdup(name);

    (void)section; /* cut at 50 bytes: take_header() has the full name */
    config_key_normalise(text);
    key = config_key_find(r->c, kind_now(r), text);
    entry = (struct config_entry){.section = r->c->n_sections - 1, .key = key, .line = r->line};
    if (key == NULL) {
        (void)config_key_unknown(r->c, kind_now(r), name, r->e);
        fail(r, NULL, NULL);
    } else if (config_is_one(key) && is_given(r->c, key)) {
        fail(r, "given twice: key", name);
    } else if (key->form == CONFIG_COMMA_LIST && !r->continued) {
        add_entries(r->c, entry, value);
    } else {
        config_add_entry(r->c, entry, value);
    }
    if (key != NULL && !r->continued) {
        r->list = config_is_one(key) ? NULL : key;
        r->list_indent = r->indent;
    }
    free(text);
    return !r->failed;
}

/* The longest line, without its end. */
static size_t
longest(const char *text)
{
    size_t most = 0;

    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        most = n > most ? n : most;
        text += n + (text[n] == '\n');
    }
    return most;
}

int
config_read(struct config *c, const char *text, struct err *e)
{
    static const char bom[] = "\xef\xbb\xbf";
    struct reader     r = {.c = c, .at = text, .e = e};
    int               bad;

    r.at += strncmp(text, bom, sizeof bom - 1) == 0 ? sizeof bom - 1 : 0;
    add_section(c, "", "");
    ini_use_stack = false;
    ini_max_line = ini_initial_alloc = (int)longest(text) + KEY_ROOM;
    bad = ini_parse_stream(read_line, &r, take_entry, &r);
    if (bad != 0) {
        r.line = r.failed || bad < 0 ? r.line : bad; /* the first error; the rest was read anyway */
        fail(&r, "neither \"key = value\" nor \"[section]\"", NULL);
    }
    return r.failed ? -1 : 0;
}
