#include "restore/file/policy.h"

#include <stdlib.h>
#include <string.h>

#include "pg/archive/psql_line.h"
#include "restore/file/encoding.h"
#include "restore/file/policy_roles.h"

enum { TOKENS_MAX = 4096 };

void
policy_free(struct policy *p)
{
    free(p->database);
    free(p->key);
    json_decref(p->properties);
    strlist_free(&p->roles);
    strlist_free(&p->made);
    strlist_free(&p->extensions);
    strlist_free(&p->tablespaces);
}

char *
policy_words(const struct sql_piece *piece)
{
    enum { SHOWN = 60 };
    size_t n = strcspn(piece->text, "\r\n'$;");

    if (n > SHOWN) {
        n = SHOWN;
        while (n > 0 && ((unsigned char)piece->text[n] & 0xc0) == 0x80) {
            n--; /* not within a character */
        }
    }
    while (n > 0 && piece->text[n - 1] == ' ') {
        n--;
    }
    return xasprintf("%.*s%s", (int)n, piece->text, piece->text[n] == ';' ? "" : " …");
}

static int
refuse(const struct sql_piece *piece, struct err *e, const char *why)
{
    char *words = policy_words(piece);

    err_set(e, ERR_CORRUPT, "line %llu, \"%s\": %s", (unsigned long long)piece->line, words, why);
    free(words);
    return -1;
}

int
policy_refuse_encoding(const struct sql_piece *piece, struct err *e)
{
    refuse(piece, e, "in this encoding quotes and backslashes may be parts of characters");
    return err_hint(e, "convert it, and this line, with iconv to UTF-8; or pg_dump -E UTF8");
}

/* ---- the database itself ---- */

/* 'UTF8' as a string of the manifest's.  A backslash or a quote is in no name of an encoding or
 * locale. */
static void
property(json_t *o, const char *key, const struct sql_token *value)
{
    char *text = value->kind == SQL_STRING && *value->at == '\''
        ? xstrndup(value->at + 1, value->n - 2)
        : sql_name(value);

    if (text != NULL && strpbrk(text, "'\\") == NULL) {
        json_object_set_new(o, key, json_text(text));
    }
    free(text);
}

/* WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C' … */
static void
read_properties(struct policy *p, struct sql_cursor c)
{
    static const struct {
        const char *word, *key;
    } known[] = {
        {"encoding", "encoding"},   {"locale_provider", "provider"}, {"lc_collate", "collate"},
        {"lc_ctype", "ctype"},      {"icu_locale", "locale"},        {"builtin_locale", "locale"},
        {"icu_rules", "icu_rules"},
    };

    json_decref(p->properties);
    p->properties = json_object();
    for (; c.end - c.p >= 3; c.p++) {
        if (!sql_is_sign(&c.p[1], '=')) {
            continue;
        }
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (sql_is(c.p, known[i].word)) {
                property(p->properties, known[i].key, &c.p[2]);
            }
        }
        if (sql_is(c.p, "locale")) { /* both, unless one of them follows */
            property(p->properties, "collate", &c.p[2]);
            property(p->properties, "ctype", &c.p[2]);
        }
    }
}

/* The name of a database comes next: is it the dump's own, whose name this may be the first to say?
 * *span is where it stands. */
static bool
is_own_database(struct policy *p, struct sql_cursor *c, const struct sql_token **at)
{
    char *name = NULL;
    bool  own;

    *at = c->p;
    if (!sql_simple_name(c, &name)) {
        return false;
    }
    if (p->database == NULL) {
        p->database = xstrdup(name);
    }
    own = strcmp(p->database, name) == 0;
    free(name);
    return own;
}

/* After the words: … DATABASE name. */
static bool
names_database(struct sql_cursor *c)
{
    static const char *const heads[] = {"ALTER DATABASE", "COMMENT ON DATABASE"};
    struct sql_cursor        at = *c;

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (sql_words(c, heads[i])) {
            return true;
        }
    }
    if (sql_words(&at, "GRANT") || sql_words(&at, "REVOKE") || sql_words(&at, "SECURITY LABEL") ||
        sql_words(&at, "ALTER ROLE") || sql_words(&at, "ALTER USER")) {
        const char *words = sql_has_words(at, "ON DATABASE") ? "ON DATABASE" : "IN DATABASE";

        while (at.p != at.end && !sql_words(&at, words)) {
            at.p++;
        }
        if (at.p != at.end) {
            *c = at;
            return true;
        }
    }
    return false;
}

static int
later(const struct sql_piece *piece, const struct sql_token *name, struct policy_out *out)
{
    out->action = POLICY_LATER;
    out->text = xstrdup(piece->text);
    out->from = (size_t)(name->at - piece->text);
    out->to = out->from + name->n;
    return 0;
}

/* 1: of a picked database nothing else is of interest; -1. */
static int
not_own(struct policy *p, const struct sql_piece *piece, struct policy_out *out, struct err *e)
{
    if (p->o->pick == NULL) {
        return refuse(piece, e,
                      "it is about another database than the one that is restored, which is left "
                      "alone");
    }
    out->action = POLICY_SKIP;
    return 1;
}

/* 1: it is about databases, and *out says what becomes of it; 0: it is not; -1. */
static int
judge_database(struct policy *p, const struct sql_piece *piece, const struct sql_statement *s,
               struct policy_out *out, struct err *e)
{
    struct sql_cursor       c = sql_cursor(s);
    const struct sql_token *name;

    if (sql_words(&c, "DROP DATABASE")) {
        out->action = POLICY_SKIP;
        return 1;
    }
    if (sql_words(&c, "CREATE DATABASE")) {
        if (p->properties != NULL || !is_own_database(p, &c, &name)) {
            p->here = false; /* the next database's part has begun */
            return not_own(p, piece, out, e);
        }
        read_properties(p, c);
        out->action = POLICY_SKIP;
        return 1;
    }
    if (!names_database(&c)) {
        return 0;
    }
    if (!is_own_database(p, &c, &name) || sql_sign(&c, ',')) {
        return not_own(p, piece, out, e);
    }
    if (sql_has_words(c, "CONNECTION LIMIT") || sql_has_words(c, "IS_TEMPLATE") ||
        sql_has_words(c, "SET TABLESPACE")) {
        out->action = POLICY_SKIP;
        return 1;
    }
    return later(piece, name, out) == 0 ? 1 : -1;
}

/* ---- the cluster ---- */

static bool
begins_with_one_of(const struct sql_statement *s, const char *const *heads, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sql_cursor c = sql_cursor(s);

        if (sql_words(&c, heads[i])) {
            return true;
        }
    }
    return false;
}
#define BEGINS(s, heads) begins_with_one_of(s, heads, sizeof(heads) / sizeof(heads)[0])

/* SECURITY LABEL FOR provider ON ROLE …; on: "ON ROLE". */
static bool
is_label(const struct sql_statement *s, const char *on)
{
    struct sql_cursor c = sql_cursor(s);

    if (!sql_words(&c, "SECURITY LABEL")) {
        return false;
    }
    if (sql_words(&c, "FOR") && c.p != c.end) {
        c.p++; /* a name, or a string */
    }
    return sql_words(&c, on);
}

static bool
is_about_tablespaces(const struct sql_statement *s)
{
    static const char *const heads[] = {"CREATE TABLESPACE", "ALTER TABLESPACE", "DROP TABLESPACE",
                                        "COMMENT ON TABLESPACE"};
    struct sql_cursor        c = sql_cursor(s);

    return BEGINS(s, heads) || is_label(s, "ON TABLESPACE") ||
        ((sql_words(&c, "GRANT") || sql_words(&c, "REVOKE")) && sql_has_words(c, "ON TABLESPACE"));
}

static bool
is_about_roles(const struct sql_statement *s)
{
    static const char *const heads[] = {
        "CREATE ROLE", "ALTER ROLE", "DROP ROLE", "CREATE GROUP",    "ALTER GROUP",
        "DROP GROUP",  "DROP OWNED", "DROP USER", "COMMENT ON ROLE", "REASSIGN OWNED"};
    static const char *const mappings[] = {"CREATE USER MAPPING", "ALTER USER MAPPING",
                                           "DROP USER MAPPING"};
    static const char *const users[] = {"CREATE USER", "ALTER USER"};
    struct sql_cursor        c = sql_cursor(s);

    if (BEGINS(s, mappings)) {
        return false;
    }
    return BEGINS(s, heads) || BEGINS(s, users) || is_label(s, "ON ROLE") ||
        ((sql_words(&c, "GRANT") || sql_words(&c, "REVOKE")) &&
         (!sql_has_words(c, "ON") || sql_has_words(c, "ON PARAMETER")));
}

/* The role that CREATE, ALTER or DROP ROLE is about; NULL: none.  Allocated. */
static char *
role_of(const struct sql_statement *s)
{
    static const char *const heads[] = {"CREATE ROLE", "ALTER ROLE", "DROP ROLE IF EXISTS",
                                        "DROP ROLE"};
    char                    *name = NULL;

    for (size_t i = 0; name == NULL && i < sizeof heads / sizeof heads[0]; i++) {
        struct sql_cursor c = sql_cursor(s);

        if (sql_words(&c, heads[i])) {
            (void)sql_simple_name(&c, &name);
        }
    }
    return name;
}

/* The statement without "TABLESPACE = name"; NULL: it has none. */
static char *
without_tablespace(const struct sql_piece *piece, const struct sql_statement *s)
{
    for (size_t i = 0; i + 2 < s->n; i++) {
        if (sql_is(&s->v[i], "tablespace") && sql_is_sign(&s->v[i + 1], '=')) {
            const char *after = s->v[i + 2].at + s->v[i + 2].n;

            return xasprintf("%.*s%s", (int)(s->v[i].at - piece->text), piece->text, after);
        }
    }
    return NULL;
}

/* pg_dumpall into a server of its own. */
static void
judge_cluster(struct policy *p, const struct sql_piece *piece, const struct sql_statement *s,
              struct policy_out *out)
{
    struct sql_cursor c = sql_cursor(s);
    char             *role = role_of(s);

    if (role != NULL && p->o->self != NULL && strcmp(role, p->o->self) == 0) {
        out->action = POLICY_SKIP;
    }
    if (role != NULL && sql_words(&c, "CREATE ROLE")) {
        policy_add_once(&p->made, xstrdup(role));
    }
    free(role);
    c = sql_cursor(s);
    if (sql_words(&c, "CREATE DATABASE") && (out->text = without_tablespace(piece, s)) != NULL) {
        out->action = POLICY_CHANGED;
    }
    if (sql_words(&c, "ALTER DATABASE") && sql_has_words(c, "SET TABLESPACE")) {
        out->action = POLICY_SKIP;
    }
}

/* ---- everything ---- */

static bool
is_left_out(const struct policy_options *o, const struct sql_statement *s)
{
    static const char *const privileges[] = {"GRANT", "REVOKE", "ALTER DEFAULT PRIVILEGES"};
    static const char *const mapping[] = {"CREATE USER MAPPING"};
    static const char *const authorization[] = {"SET SESSION AUTHORIZATION"};
    static const char *const tablespace[] = {"SET default_tablespace"};
    struct sql_cursor        c = sql_cursor(s);

    return (o->no_privileges && BEGINS(s, privileges)) ||
        (o->no_owner &&
         ((sql_words(&c, "ALTER") && sql_has_words(c, "OWNER TO")) || BEGINS(s, authorization))) ||
        (o->no_tablespaces && BEGINS(s, tablespace)) ||
        (o->scratch && !o->allow_remote && BEGINS(s, mapping)) ||
        (o->scratch && is_about_tablespaces(s));
}

static void
note_extension(struct policy *p, const struct sql_statement *s)
{
    struct sql_cursor c = sql_cursor(s);
    char             *name = NULL;

    if (sql_words(&c, "CREATE EXTENSION")) {
        (void)sql_words(&c, "IF NOT EXISTS");
        if (sql_simple_name(&c, &name)) {
            policy_add_once(&p->extensions, name);
        }
    }
}

/* SET default_tablespace = fast; '' is the database's own. */
static void
note_tablespace(struct policy *p, const struct sql_statement *s)
{
    struct sql_cursor c = sql_cursor(s);
    char             *name = NULL;

    if (sql_words(&c, "SET default_tablespace") && sql_sign(&c, '=') &&
        sql_simple_name(&c, &name)) {
        policy_add_once(&p->tablespaces, name);
    }
}

static bool
sets_a_clients_encoding(const struct sql_statement *s)
{
    struct sql_cursor c = sql_cursor(s);

    if (!sql_words(&c, "SET NAMES") &&
        !(sql_words(&c, "SET client_encoding") && (sql_sign(&c, '=') || sql_words(&c, "TO")))) {
        return false;
    }
    return c.p != c.end && encoding_is_clients(c.p->at, c.p->n);
}

static int
judge_statement(struct policy *p, const struct sql_piece *piece, const struct sql_statement *s,
                struct policy_out *out, struct err *e)
{
    static const char *const system[] = {"ALTER SYSTEM"};
    static const char *const copy[] = {"COPY"};
    int                      about_database = 0;

    if (piece->kind == SQL_PIECE_STATEMENT && BEGINS(s, copy)) {
        return refuse(piece, e, "no dump has a COPY other than from itself");
    }
    if (BEGINS(s, system)) {
        return refuse(piece, e, "no dump changes the server's own settings");
    }
    if (sets_a_clients_encoding(s)) {
        return policy_refuse_encoding(piece, e);
    }
    if (is_left_out(p->o, s)) {
        out->action = POLICY_SKIP;
        return 0;
    }
    if (p->o->cluster) {
        judge_cluster(p, piece, s, out);
    } else if ((about_database = judge_database(p, piece, s, out, e)) < 0) {
        return -1;
    } else if (p->o->pick != NULL &&
               (about_database == 0 ? !p->here : out->action == POLICY_SKIP)) {
        out->action = POLICY_SKIP;
        return 0;
    } else if (about_database == 0 &&
               (is_about_tablespaces(s) || (is_about_roles(s) && !p->o->scratch))) {
        refuse(piece, e, "it is about the whole server, not about one database");
        return err_hint(e,
                        "--scratch --keep restores all of it into a server of its own, from which "
                        "pg_dump takes one database");
    }
    policy_note_roles(p, s);
    note_extension(p, s);
    note_tablespace(p, s);
    return 0;
}

/* Other databases are only gone on in if the server is the dump's. */
static int
judge_line(struct policy *p, const struct sql_piece *piece, struct policy_out *out, struct err *e)
{
    char *name = NULL;
    bool  own;

    switch (psql_line_read(piece->text, &p->key, &name)) {
    case PSQL_LINE_NOTHING:
        out->action = POLICY_SKIP;
        return 0;
    case PSQL_LINE_CONNECT:
        if (p->o->pick != NULL) {
            p->here = strcmp(p->o->pick, name) == 0;
            p->met = p->met || p->here;
            out->action = POLICY_SKIP;
            free(name);
            return 0;
        }
        out->action = p->o->cluster ? POLICY_CONNECT : POLICY_SKIP;
        own = p->o->cluster || (p->database != NULL && strcmp(p->database, name) == 0);
        if (own) {
            out->text = p->o->cluster ? name : NULL;
            if (!p->o->cluster) {
                free(name);
            }
            return 0;
        }
        free(name);
        refuse(piece, e, "it goes on in another database");
        return err_hint(e,
                        "--scratch --keep restores all of it into a server of its own, from which "
                        "pg_dump takes one database");
    case PSQL_LINE_OTHER:
        break;
    }
    refuse(piece, e, "a command for psql, which no dump has: it is not run");
    return err_hint(e, "who wrote that into the dump, and why?");
}

int
policy_judge(struct policy *p, const struct sql_piece *piece, struct policy_out *out, struct err *e)
{
    struct sql_statement head;
    int                  rc;

    *out = (struct policy_out){.action = POLICY_RUN};
    if (p->o->pick != NULL && p->database == NULL) {
        p->database = xstrdup(p->o->pick);
    }
    if (piece->kind == SQL_PIECE_PSQL) {
        return judge_line(p, piece, out, e);
    }
    sql_head(piece, TOKENS_MAX, &head);
    rc = head.n == 0 ? 0 : judge_statement(p, piece, &head, out, e);
    sql_head_free(&head);
    return rc;
}
