/*
 * tell.c - a history for people.
 */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/cli/texttable.h"
#include "core/human.h"
#include "core/print.h"
#include "verify/history/history.h"

/* Parts of a sentence, one after another. */
struct words {
    struct buf text;
    struct err never;
};

static void
say(struct words *w, const char *text)
{
    (void)buf_printf(&w->text, &w->never, "%s%s", w->text.len > 0 ? ", " : "", text);
}

/* "12 tables", when there is such a number. */
static void
say_count(struct words *w, const json_t *o, const char *key, const char *noun)
{
    json_int_t n = json_opt_int(o, key, -1);
    char       text[64];

    if (n >= 0) {
        say(w, count_human((uint64_t)n, noun, text, sizeof text));
    }
}

static void
say_bytes(struct words *w, const json_t *o)
{
    char size[16];

    if (json_opt_int(o, "bytes", 0) > 0) {
        say(w, size_human((uint64_t)json_opt_int(o, "bytes", 0), size, sizeof size));
    }
}

/* "recovered in 12 s" */
static void
say_seconds(struct words *w, const json_t *o, const char *key, const char *what)
{
    const json_t *seconds = json_object_get(o, key);
    char          text[32], *all;

    if (json_is_number(seconds)) {
        duration_human(json_number_value(seconds), text, sizeof text);
        all = xasprintf("%s %s", what, text);
        say(w, all);
        free(all);
    }
}

static void
say_wrong(struct words *w, const json_t *o, const char *key, const char *what)
{
    json_int_t n = json_opt_int(o, key, 0);
    char      *text;

    if (n > 0) {
        text = xasprintf("%lld %s", (long long)n, what);
        say(w, text);
        free(text);
    }
}

static void
say_drill(struct words *w, const json_t *o)
{
    bool warm = strncmp(json_opt_str(o, "copy", ""), "warm", 4) == 0;

    if (warm) {
        say(w, "warm");
    }
    say_wrong(w, o, "different", "different");
    say_wrong(w, o, "not_compared", "not compared");
    say_count(w, o, "tables", "table");
    say_count(w, o, "rows", "row");
    say_bytes(w, o);
    if (!warm) { /* the last cold one's */
        say_seconds(w, o, "recovery_seconds", "recovered in");
    }
}

static void
say_restore(struct words *w, const json_t *o)
{
    char *to = xasprintf("to %s on %s", json_opt_str(o, "database", "?"),
                         json_opt_str(o, "server", "?"));

    say(w, to);
    free(to);
    say_count(w, o, "tables", "table");
    say_count(w, o, "rows", "row");
    say_wrong(w, o, "not_restored", "objects not as they were");
    say_seconds(w, o, "seconds", "in");
}

static void
say_scrub(struct words *w, const json_t *o)
{
    say_count(w, o, "objects", "object");
    say_bytes(w, o);
    say_wrong(w, o, "condemned", "found bad");
    say_wrong(w, o, "damaged_backups", "backups damaged");
    say_wrong(w, o, "missing_backups", "backups missing");
    if (strcmp(json_opt_str(o, "end", "complete"), "complete") != 0) {
        say(w, strcmp(json_opt_str(o, "end", ""), "interrupted") == 0 ? "interrupted" : "a part");
    }
}

static void
say_key_drill(struct words *w, const json_t *o)
{
    char *key = xasprintf("by key %s (%s)", json_opt_str(o, "key_name", "?"),
                          json_opt_str(o, "key", "?"));

    say(w, key);
    free(key);
    say_count(w, o, "chunks", "chunk");
    say_bytes(w, o);
}

char *
history_what(const json_t *entry)
{
    static const struct {
        const char *event;
        void (*say)(struct words *, const json_t *);
    } events[] = {{"drill", say_drill},
                  {"restore", say_restore},
                  {"scrub", say_scrub},
                  {"key-drill", say_key_drill}};
    struct words  w = {.text = BUF_INIT(BUF_NO_LIMIT), .never = ERR_INIT};
    const json_t *what = json_object_get(entry, "what");
    char         *text;

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (json_is_object(what) &&
            strcmp(events[i].event, json_opt_str(entry, "event", "")) == 0) {
            events[i].say(&w, what);
        }
    }
    if (json_opt_bool(entry, "hidden", false)) {
        say(&w, "the rest is encrypted");
    }
    text = xstrdup(buf_str(&w.text));
    buf_free(&w.text);
    return text;
}

void
history_print(const json_t *history)
{
    struct texttable t = {.heads = "finished|what|verdict|backup|signed by|of what", .fold = true};
    const json_t    *one;
    size_t           i;
    char            *what, records[48];

    json_array_foreach (json_object_get(history, "entries"), i, one) {
        texttable_add(&t, json_opt_str(one, "finished", "?"));
        texttable_add(&t, json_opt_str(one, "event", "?"));
        texttable_add(&t, json_opt_str(one, "verdict", "?"));
        texttable_add(&t, json_opt_str(one, "backup", NULL));
        texttable_add(&t,
                      json_opt_bool(one, "chained", false) ? json_opt_str(one, "signer", NULL)
                                                           : "(no ledger yet)");
        what = history_what(one);
        texttable_add(&t, what);
        free(what);
    }
    print_out("%s\n", json_opt_str(history, "db", "?"));
    if (t.cells.n == 0 && json_opt_int(history, "records", 0) > 0) {
        print_out("nothing since then; %s before\n",
                  count_human((uint64_t)json_opt_int(history, "records", 0), "record", records,
                              sizeof records));
    } else if (t.cells.n == 0) {
        print_out("nothing is recorded\n");
    } else {
        texttable_print(&t, stdout);
    }
    texttable_free(&t);
}
