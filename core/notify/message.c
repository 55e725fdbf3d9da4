#include "core/notify/message.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/human.h"
#include "core/json.h"
#include "core/print.h"
#include "core/runid.h"
#include "core/utf8.h"

enum {
    TEXT_MAX = 8192,
    WORD_BYTES = 42,  /* of text in an encoded word, which has at most 75 characters (RFC 2047) */
    LINE_BYTES = 900, /* of a mail's line: at most 998 (RFC 5322) */
};

static const char *
host_name(void)
{
    static __thread char name[256];

    if (gethostname(name, sizeof name) != 0) {
        (void)strcpy(name, "?");
    }
    name[sizeof name - 1] = '\0';
    return name;
}

char *
message_plain(const char *text)
{
    char *out = xcalloc(TEXT_MAX, 1);

    (void)print_copy(out, TEXT_MAX, text);
    return out;
}

static const char *
what_happened(const struct message *m)
{
    static const struct {
        const char *event, *text;
    } said[] = {
        {"backup-failed", "backup failed"},
        {"backup-recovered", "backup is good again"},
        {"prune-failed", "pruning failed"},
        {"prune-recovered", "pruning is good again"},
        {"drill-failed", "drill failed"},
        {"drill-recovered", "drill is good again"},
        {"key-drill-failed", "key drill failed"},
        {"key-drill-recovered", "key drill is good again"},
        {"damage-failed", "stored data is damaged"},
        {"damage-recovered", "stored data is whole again"},
        {"scrub-failed", "scrub failed"},
        {"scrub-recovered", "scrub is good again"},
        {"chain-failed", "chain of backups is broken"},
        {"chain-recovered", "chain of backups is whole again"},
        {"status-failed", "backups need attention"},
        {"status-recovered", "no longer needs attention"},
        {"test", "test of notifications"},
    };

    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (strcmp(said[i].event, m->event) == 0) {
            return said[i].text;
        }
    }
    return m->event;
}

char *
message_subject(const struct message *m)
{
    char *text = xasprintf("pgassay%s%s: %s", *m->database == '\0' ? "" : " ", m->database,
                           what_happened(m));
    char *out = message_plain(text);

    free(text);
    return out;
}

char *
message_json(const struct message *m)
{
    char    at[32], since[32];
    json_t *j = json_pack("{s:I, s:s, s:s, s:s, s:s}", "version", (json_int_t)1, "event", m->event,
                          "condition", m->condition, "level", m->level, "text", m->text);
    char   *subject = message_subject(m), *out;

    json_object_set_new(j, "database", json_text(*m->database == '\0' ? NULL : m->database));
    json_object_set_new(j, "repository", json_text(*m->repository == '\0' ? NULL : m->repository));
    json_object_set_new(j, "backup", json_text(*m->backup == '\0' ? NULL : m->backup));
    json_object_set_new(j, "subject", json_text(subject));
    json_object_set_new(j, "host", json_text(host_name()));
    json_object_set_new(j, "run", json_text(run_id()));
    json_object_set_new(j, "time", json_text(time_rfc3339(time(NULL), at, sizeof at)));
    json_object_set_new(j, "since", json_text(time_rfc3339(m->since, since, sizeof since)));
    out = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    free(subject);
    json_decref(j);
    return out;
}

static void
put_detail(FILE *f, const char *name, const char *value)
{
    char *shown = message_plain(value);

    if (*shown != '\0') {
        (void)fprintf(f, "%s: %s\n", name, shown);
    }
    free(shown);
}

static FILE *
open_text(char **out, size_t *size)
{
    FILE *f = open_memstream(out, size);

    if (f == NULL) {
        abort(); /* no memory */
    }
    return f;
}

/* What happened, and what belongs to it line by line; allocated. */
static char *
details(const struct message *m)
{
    char   since[32], *out = NULL, *text = message_plain(m->text);
    size_t size;
    FILE  *f = open_text(&out, &size);

    (void)fprintf(f, "%s\n\n", text);
    put_detail(f, "database", m->database);
    put_detail(f, "repository", m->repository);
    put_detail(f, "backup", m->backup);
    put_detail(f, "host", host_name());
    put_detail(f, "since", time_rfc3339(m->since, since, sizeof since));
    put_detail(f, "run", run_id());
    (void)fclose(f);
    free(text);
    return out;
}

/* '&', '<' and '>' are Slack's own: with them a name could mention everybody, or hide a link. */
static char *
slack_escaped(const char *text)
{
    char *out = xcalloc(5 * strlen(text) + 1, 1), *p = out;

    for (; *text != '\0'; text++) {
        if (*text == '&') {
            p += sprintf(p, "&amp;");
        } else if (*text == '<') {
            p += sprintf(p, "&lt;");
        } else if (*text == '>') {
            p += sprintf(p, "&gt;");
        } else {
            *p++ = *text;
        }
    }
    return out;
}

char *
message_slack(const struct message *m)
{
    char   *subject = message_subject(m), *rest = details(m);
    char   *all = xasprintf("%s\n%s", subject, rest), *text = slack_escaped(all);
    json_t *j = json_pack("{s:s}", "text", text);
    char   *out = json_dumps(j, JSON_COMPACT);

    json_decref(j);
    free(subject);
    free(rest);
    free(all);
    free(text);
    return out;
}

static bool
is_ascii(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s > 126 || (unsigned char)*s < 32) {
            return false;
        }
    }
    return true;
}

/* The longest part of at most max bytes that ends between characters. */
static size_t
part_of(const char *s, size_t max)
{
    size_t n = strlen(s), at = max;

    if (n <= max) {
        return n;
    }
    while (at > 0 && ((unsigned char)s[at] & 0xc0) == 0x80) {
        at--;
    }
    return at > 0 ? at : max;
}

/* A header's text: ASCII as it is, anything else in encoded words, each in a line of its own. */
static void
put_header(FILE *f, const char *name, const char *text)
{
    char word[2 * WORD_BYTES];

    (void)fprintf(f, "%s:", name);
    if (is_ascii(text) && strlen(text) < LINE_BYTES) {
        (void)fprintf(f, " %s\n", text);
        return;
    }
    while (*text != '\0') {
        size_t n = part_of(text, WORD_BYTES);

        (void)sodium_bin2base64(word, sizeof word, (const unsigned char *)text, n,
                                sodium_base64_VARIANT_ORIGINAL);
        text += n;
        (void)fprintf(f, " =?UTF-8?B?%s?=\n", word);
    }
}

static void
put_body(FILE *f, const char *text)
{
    while (*text != '\0') {
        size_t line = strcspn(text, "\n");
        size_t n = line > LINE_BYTES ? part_of(text, LINE_BYTES) : line;

        (void)fprintf(f, "%.*s\n", (int)n, text);
        text += n;
        text += *text == '\n' && n == line;
    }
}

char *
message_mail(const struct message *m, const struct strlist *to, const char *from)
{
    char  *out = NULL, *subject = message_subject(m), *body = details(m);
    size_t size;
    FILE  *f = open_text(&out, &size);

    if (from != NULL) {
        (void)fprintf(f, "From: %s\n", from);
    }
    (void)fprintf(f, "To: ");
    for (size_t i = 0; i < to->n; i++) {
        (void)fprintf(f, "%s%s", i == 0 ? "" : ",\n ", to->v[i]);
    }
    (void)fprintf(f, "\n");
    put_header(f, "Subject", subject);
    (void)fprintf(f,
                  "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                  "Content-Type: text/plain; charset=UTF-8\n"
                  "Content-Transfer-Encoding: 8bit\n\n");
    put_body(f, body);
    (void)fclose(f);
    free(subject);
    free(body);
    return out;
}
