/*
 * command.c - a command of the administrator's, which finds the copy by PG* variables.
 *
 * It runs as whoever runs the drill, like a passphrase command.  Nothing else of the environment
 * may lead it to another server: every other PG* variable is taken away, and DATABASE_URL, which
 * many programs look at first, names the copy, too.  When it ends, by itself or at its time limit,
 * so does all that it has left in its process group.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/proc.h"
#include "core/mem.h"
#include "pg/conn/conn.h"
#include "verify/checks/outcome.h"

enum { SAID_MAX = 4096, SAID_SHOWN = 400 };

/* What it has printed: all of it, or the last of it. */
struct said {
    char   text[SAID_MAX + 1];
    size_t n;
    bool   cut;
};

static int
take(void *ctx, const void *data, size_t n, struct err *e)
{
    struct said *s = ctx;
    const char  *p = data;

    (void)e;
    if (n > SAID_MAX) {
        p += n - SAID_MAX;
        n = SAID_MAX;
        s->cut = true;
    }
    if (s->n + n > SAID_MAX) {
        size_t drop = s->n + n - SAID_MAX;

        memmove(s->text, s->text + drop, s->n - drop);
        s->n -= drop;
        s->cut = true;
    }
    memcpy(s->text + s->n, p, n);
    s->n += n;
    return 0;
}

/* Without the blanks at the end, and NUL bytes. */
static void
finish(struct said *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->text[i] == '\0')
            s->text[i] = '?';
    while (s->n > 0 && strchr(" \t\r\n", s->text[s->n - 1]) != NULL)
        s->n--;
    s->text[s->n] = '\0';
}

/* Its last words, lines joined by "; "; NULL: it said nothing. */
static char *
last_words(const struct said *s)
{
    size_t from = s->n > SAID_SHOWN ? s->n - SAID_SHOWN : 0;
    char  *shown = xcalloc(2 * SAID_SHOWN + 8, 1);
    size_t n = 0;

    while (from < s->n && from > 0 && (s->text[from] & 0xc0) == 0x80)
        from++; /* not within a character */
    if (from > 0 || s->cut)
        n += (size_t)sprintf(shown, "...");
    for (size_t i = from; i < s->n; i++) {
        if (s->text[i] == '\n')
            shown[n++] = ';';
        shown[n++] = (char)(s->text[i] == '\n' ? ' ' : s->text[i]);
    }
    if (s->n > 0)
        return shown;
    free(shown);
    return NULL;
}

static void
add(struct strlist *env, const char *name, const char *value)
{
    if (value != NULL)
        strlist_take(env, xasprintf("%s=%s", name, value));
}

/* A path as a part of a URL; the other parts are names of the drill's own. */
static char *
in_url(const char *path)
{
    char *text = xcalloc(3 * strlen(path) + 1, 1), *out = text;

    for (; *path != '\0'; path++) {
        if (isalnum((unsigned char)*path) || strchr("/._-~", *path) != NULL)
            *out++ = *path;
        else
            out += sprintf(out, "%%%02X", (unsigned char)*path);
    }
    return text;
}

/* How the server is reached and known, besides: hostaddr, sslmode, sslrootcert and their kind. */
static void
add_settings(struct strlist *env, const char *conninfo)
{
    static const char *const own[] = {"host", "port", "user", "password", "dbname", NULL};
    PQconninfoOption        *all = conninfo == NULL ? NULL : PQconninfoParse(conninfo, NULL);

    for (PQconninfoOption *w = all; w != NULL && w->keyword != NULL; w++) {
        bool named = false;

        for (size_t i = 0; own[i] != NULL; i++)
            named = named || strcmp(w->keyword, own[i]) == 0;
        if (!named && w->envvar != NULL)
            add(env, w->envvar, w->val);
    }
    PQconninfoFree(all);
}

/* Names and values for struct proc_spec: the copy's, and nobody else's. */
static void
environment(const struct pg_target *t, struct strlist *env)
{
    char *host = in_url(t->host);

    for (char **v = environ; *v != NULL; v++)
        if (strncmp(*v, "PG", 2) == 0 && strncmp(*v, "PGASSAY_", 8) != 0)
            strlist_take(env, xstrndup(*v, strcspn(*v, "=")));
    add(env, "PGHOST", t->host);
    add(env, "PGPORT", t->port);
    add(env, "PGUSER", t->user);
    add(env, "PGPASSWORD", t->password);
    add(env, "PGDATABASE", t->dbname);
    add_settings(env, t->conninfo);
    strlist_take(env,
                 xasprintf("DATABASE_URL=postgresql:///%s?host=%s&port=%s&user=%s", t->dbname, host,
                           t->port, t->user));
    free(host);
    strlist_take(env, NULL);
}

static int
judge(const struct own_check *k, const struct said *said, int status, struct own_outcome *out,
      struct err *e)
{
    bool met = true;

    out->have = last_words(said);
    if (status == 126 || status == 127)
        return err_set(e, ERR_IO, "the command could not be run%s%s", out->have != NULL ? ": " : "",
                       out->have != NULL ? out->have : "");
    if (status != 0) {
        char *have = xasprintf("%d%s%s", status, out->have != NULL ? ": " : "",
                               out->have != NULL ? out->have : "");

        free(out->have);
        out->have = have;
        out->what = "the command's exit status";
        out->want = xstrdup("0");
        out->state = OWN_MISSED;
        return 0;
    }
    out->what = "the command's output is not as expected";
    if (k->expects) {
        out->want = xstrdup(k->expect_text);
        if (said->cut)
            return err_set(e, ERR_IO, "the command printed too much to be compared");
        if (expect_judge(&k->expect, said->text, &met, e) != 0)
            return -1;
    }
    out->state = met ? OWN_MET : OWN_MISSED;
    return 0;
}

int
own_command(const struct own_check *k, const struct own_place *p, struct own_outcome *out,
            struct err *e)
{
    char          *script = xasprintf("exec 2>&1\n%s", k->text);
    const char    *argv[] = {"/bin/sh", "-c", script, NULL};
    struct strlist env = {0};
    struct said    said = {.n = 0};
    int            status = 0, rc;

    environment(p->target, &env);
    rc = proc_run(&(struct proc_spec){.argv = argv,
                                      .env = (const char *const *)env.v,
                                      .out_fn = take,
                                      .out_ctx = &said,
                                      .idle_ms = -1,
                                      .total_ms = k->timeout_s * 1000,
                                      .whole_group = true,
                                      .status_ok = true},
                  &status, e);
    finish(&said);
    if (rc == 0)
        rc = judge(k, &said, status, out, e);
    strlist_free(&env);
    free(script);
    return rc;
}
