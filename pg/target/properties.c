#include "pg/target/properties.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"

struct writer {
    PGconn         *conn;
    char           *database; /* quoted */
    struct strlist *out;
    struct err     *e;
};

/* A string of the object, which may hold any bytes: allocated, NULL when it is missing or null. */
static char *
text_of(const json_t *o, const char *key, struct err *e)
{
    const json_t *value = json_object_get(o, key);
    size_t        n;

    return value == NULL || json_is_null(value) ? NULL : json_bytes_get(value, &n, e);
}

static char *
literal(struct writer *w, const char *value)
{
    char *quoted = pg_literal(w->conn, value);

    if (quoted == NULL) {
        err_set(w->e, ERR_PG, "cannot quote \"%s\"", value);
    }
    return quoted;
}

static int
add_owner(struct writer *w, const json_t *p)
{
    char *owner = text_of(p, "owner", w->e), *role;

    if (owner != NULL) {
        role = pg_ident(owner);
        strlist_take(w->out, xasprintf("ALTER DATABASE %s OWNER TO %s", w->database, role));
        free(role);
        free(owner);
    }
    return w->e->kind == ERR_NONE ? 0 : -1;
}

static int
add_comment(struct writer *w, const json_t *p)
{
    char *comment = text_of(p, "comment", w->e),
         *quoted = comment == NULL ? NULL : literal(w, comment);

    if (quoted != NULL) {
        strlist_take(w->out, xasprintf("COMMENT ON DATABASE %s IS %s", w->database, quoted));
    }
    free(comment);
    free(quoted);
    return w->e->kind == ERR_NONE ? 0 : -1;
}

static int
add_labels(struct writer *w, const json_t *p)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(p, "labels"), i, one) {
        char *provider = text_of(one, "provider", w->e), *label = text_of(one, "label", w->e);
        char *ident = provider == NULL ? NULL : pg_ident(provider),
             *quoted = label == NULL ? NULL : literal(w, label);

        if (ident != NULL && quoted != NULL) {
            strlist_take(w->out,
                         xasprintf("SECURITY LABEL FOR %s ON DATABASE %s IS %s", ident, w->database,
                                   quoted));
        }
        free(provider);
        free(label);
        free(ident);
        free(quoted);
    }
    return w->e->kind == ERR_NONE ? 0 : -1;
}

/* Settings that are kept as a list of quoted names, and must be set as a list of strings. */
static bool
is_list(const char *name)
{
    static const char *const lists[] = {"local_preload_libraries",   "search_path",
                                        "session_preload_libraries", "shared_preload_libraries",
                                        "temp_tablespaces",          "unix_socket_directories"};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcasecmp(lists[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The next element at *p, its quotes undone; *p moves past the comma.  Allocated. */
static char *
next_element(const char **p)
{
    const char *s = *p + strspn(*p, " \t\n");
    char       *name = xmalloc(strlen(s) + 1), *to = name;
    bool        quoted = *s == '"';

    for (s += quoted; *s != '\0'; s++) {
        if (quoted && *s == '"' && *++s != '"') {
            break;
        }
        if (!quoted && *s == ',') {
            break;
        }
        *to++ = *s;
    }
    while (!quoted && to > name && strchr(" \t\n", to[-1]) != NULL) {
        to--;
    }
    *to = '\0';
    s += strcspn(s, ",");
    *p = *s == ',' ? s + 1 : s;
    return name;
}

/* The text after TO; allocated, or NULL. */
static char *
setting_value(struct writer *w, const char *name, const char *value)
{
    struct buf list = BUF_INIT(MIB);
    char      *text = NULL;

    if (!is_list(name) || *value == '\0') {
        return literal(w, value);
    }
    while (*value != '\0' && w->e->kind == ERR_NONE) {
        char *element = next_element(&value), *quoted = literal(w, element);

        if (quoted != NULL) {
            (void)buf_printf(&list, w->e, "%s%s", list.len == 0 ? "" : ", ", quoted);
        }
        free(element);
        free(quoted);
    }
    text = w->e->kind == ERR_NONE ? xstrdup(buf_str(&list)) : NULL;
    buf_free(&list);
    return text;
}

static void
add_setting(struct writer *w, const char *role, const char *name, const char *value)
{
    char *ident = pg_ident(name), *who = role == NULL ? NULL : pg_ident(role),
         *to = setting_value(w, name, value);

    if (to != NULL && who == NULL) {
        strlist_take(w->out, xasprintf("ALTER DATABASE %s SET %s TO %s", w->database, ident, to));
    } else if (to != NULL) {
        strlist_take(
            w->out,
            xasprintf("ALTER ROLE %s IN DATABASE %s SET %s TO %s", who, w->database, ident, to));
    }
    free(ident);
    free(who);
    free(to);
}

static int
add_settings(struct writer *w, const json_t *p)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(p, "settings"), i, one) {
        char *role = text_of(one, "role", w->e), *name = text_of(one, "name", w->e),
             *value = text_of(one, "value", w->e);

        if (name != NULL && value != NULL && w->e->kind == ERR_NONE) {
            add_setting(w, role, name, value);
        }
        free(role);
        free(name);
        free(value);
    }
    return w->e->kind == ERR_NONE ? 0 : -1;
}

/* The privileges of an aclitem, with and without the right to grant them further. */
struct privileges {
    char plain[64], grantable[64]; /* "CREATE, CONNECT" */
};

static void
add_privilege(char *list, size_t cap, const char *name)
{
    size_t n = strlen(list);

    (void)snprintf(list + n, cap - n, "%s%s", n == 0 ? "" : ", ", name);
}

static void
read_privileges(const char *letters, struct privileges *p)
{
    static const struct {
        char        letter;
        const char *name;
    } known[] = {{'C', "CREATE"}, {'T', "TEMPORARY"}, {'c', "CONNECT"}};

    *p = (struct privileges){0};
    for (const char *s = letters; *s != '\0' && *s != '/'; s++) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (*s == known[i].letter && s[1] == '*') {
                add_privilege(p->grantable, sizeof p->grantable, known[i].name);
            } else if (*s == known[i].letter) {
                add_privilege(p->plain, sizeof p->plain, known[i].name);
            }
        }
    }
}

/* "joe=CTc/owner", "\"a \"\"b\"\"\"=c*\/owner"; an empty name is PUBLIC.  The grantee's name,
 * allocated, and the text after the equals sign; NULL when it is not such a text. */
static char *
read_grantee(const char *item, const char **letters)
{
    char *name = xmalloc(strlen(item) + 1), *to = name;
    bool  quoted = *item == '"';

    for (item += quoted; *item != '\0'; item++) {
        if (quoted ? *item == '"' && *++item != '"' : *item == '=') {
            break;
        }
        *to++ = *item;
    }
    *to = '\0';
    *letters = item + 1;
    if (*item != '=') {
        free(name);
        return NULL;
    }
    return name;
}

/* A default that the source has kept: PUBLIC may connect and make temporary tables, the owner has
 * all privileges. */
static bool
is_default(const char *who, const char *owner, const char *letters)
{
    return (*who == '\0' && strncmp(letters, "Tc/", 3) == 0) ||
        (strcmp(who, owner) == 0 && strncmp(letters, "CTc/", 4) == 0);
}

static void
add_grants(struct writer *w, const char *who, const char *letters)
{
    struct privileges have;
    char             *role = *who == '\0' ? xstrdup("PUBLIC") : pg_ident(who);

    read_privileges(letters, &have);
    if (have.plain[0] != '\0') {
        strlist_take(w->out,
                     xasprintf("GRANT %s ON DATABASE %s TO %s", have.plain, w->database, role));
    }
    if (have.grantable[0] != '\0') {
        strlist_take(w->out,
                     xasprintf("GRANT %s ON DATABASE %s TO %s WITH GRANT OPTION", have.grantable,
                               w->database, role));
    }
    free(role);
}

/* A new database has the defaults: those that the source has revoked are revoked first. */
static void
add_revokes(struct writer *w, const json_t *acl, const char *owner)
{
    bool    public_kept = false, owner_kept = false;
    char   *role = pg_ident(owner);
    size_t  i;
    json_t *one;

    json_array_foreach (acl, i, one) {
        size_t      n;
        struct err  ignored = ERR_INIT;
        char       *item = json_bytes_get(one, &n, &ignored);
        const char *letters;
        char       *who = item == NULL ? NULL : read_grantee(item, &letters);

        if (who != NULL && is_default(who, owner, letters)) {
            public_kept = public_kept || *who == '\0';
            owner_kept = owner_kept || *who != '\0';
        }
        free(who);
        free(item);
    }
    if (!public_kept) {
        strlist_take(w->out, xasprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", w->database));
    }
    if (!owner_kept) {
        strlist_take(w->out, xasprintf("REVOKE ALL ON DATABASE %s FROM %s", w->database, role));
    }
    free(role);
}

static int
add_acl(struct writer *w, const json_t *p)
{
    const json_t *acl = json_object_get(p, "acl");
    char         *owner = text_of(p, "owner", w->e);
    json_t       *one;
    size_t        i, n;

    if (owner == NULL || !json_is_array(acl)) {
        free(owner);
        return w->e->kind == ERR_NONE ? 0 : -1;
    }
    add_revokes(w, acl, owner);
    json_array_foreach (acl, i, one) {
        char       *item = json_bytes_get(one, &n, w->e), *who;
        const char *letters;

        if (item == NULL) {
            break;
        }
        if ((who = read_grantee(item, &letters)) == NULL) {
            err_set(w->e, ERR_CORRUPT, "\"%s\" is not a privilege of a database", item);
        } else if (!is_default(who, owner, letters)) {
            add_grants(w, who, letters);
        }
        free(who);
        free(item);
    }
    free(owner);
    return w->e->kind == ERR_NONE ? 0 : -1;
}

int
properties_sql(PGconn *conn, const json_t *p, const char *name, const struct properties_options *o,
               struct strlist *out, struct err *e)
{
    struct writer w = {.conn = conn, .database = pg_ident(name), .out = out, .e = e};
    int           rc = 0;

    err_clear(e);
    if (p != NULL &&
        ((!o->no_owner && add_owner(&w, p) != 0) || add_comment(&w, p) != 0 ||
         add_labels(&w, p) != 0 || add_settings(&w, p) != 0 ||
         (!o->no_privileges && add_acl(&w, p) != 0))) {
        rc = -1;
    }
    free(w.database);
    return rc == 0 ? 0 : err_wrap(e, "properties of the database");
}
