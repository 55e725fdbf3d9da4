#include "verify/compare/known.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/log.h"
#include "verify/job/options.h"

/* A line each; the oldest goes first.  The version is raised when definitions are normalised
 * otherwise. */
enum { ANSWERS = 8, LINE = SHA256_HEX + 1, KNOWN_VERSION = 1 };

/* With its end, so that no two lists have the same bytes. */
static void
add_text(struct sha256_sum *sum, const char *text)
{
    sha256_sum_more(sum, text, strlen(text) + 1);
}

static void
add_number(struct sha256_sum *sum, size_t n)
{
    char *text = xasprintf("%zu", n);

    add_text(sum, text);
    free(text);
}

static void
add_objects(struct sha256_sum *sum, const struct objectlist *l)
{
    add_number(sum, l->n);
    for (size_t i = 0; i < l->n; i++) {
        add_text(sum, l->v[i].kind);
        add_text(sum, l->v[i].schema);
        add_text(sum, l->v[i].name);
        add_text(sum, l->v[i].owner);
        add_text(sum, l->v[i].digest);
    }
}

void
known_ask(const struct compare *c, const struct objectlist *want, const struct objectlist *have,
          struct known *k)
{
    struct sha256_sum *sum = sha256_sum_new();
    struct err         ignored = ERR_INIT;
    char              *enc = name_encode(c->label->db), *file = xasprintf("%s.trips", enc);

    add_number(sum, KNOWN_VERSION);
    add_text(sum, PGASSAY_VERSION);
    add_text(sum, c->label->pg_dump_version);
    add_text(sum, c->snap->pg_dump_version);
    add_number(sum, (size_t)c->label->server_version_num);
    add_number(sum, (size_t)pg_version(c->snap->conn));
    add_number(sum, c->remote_allowed);
    add_number(sum, holds_every_definition(c->man));
    add_objects(sum, want);
    add_objects(sum, have);
    sha256_sum_hex(sum, k->question);
    sha256_sum_free(sum);
    k->path = c->is_copy && !c->options->allow_unsigned ? state_file(c->repo->id, file, &ignored)
                                                        : NULL;
    free(file);
    free(enc);
}

/* What is remembered; a file that something else has written in is none. */
static void
recall(const struct known *k, struct buf *lines)
{
    struct err e = ERR_INIT;

    if (k->path == NULL)
        return;
    if (state_read(k->path, lines, &e) != 0 || lines->len % LINE != 0) {
        log_info("\"%s\", what reference restores have settled, is passed over", k->path);
        buf_clear(lines);
    }
}

bool
known_equal(const struct known *k)
{
    struct buf lines = BUF_INIT(ANSWERS * LINE + 1);
    bool       found = false;

    recall(k, &lines);
    for (size_t at = 0; at + LINE <= lines.len && !found; at += LINE)
        found = memcmp(lines.data + at, k->question, SHA256_HEX) == 0;
    buf_free(&lines);
    if (found)
        log_info(
            "schema: an earlier reference restore has settled the definitions whose text "
            "differs");
    return found;
}

void
known_keep(const struct known *k)
{
    struct buf lines = BUF_INIT(ANSWERS * LINE + 1), out = BUF_INIT(ANSWERS * LINE + 1);
    struct err e = ERR_INIT;
    size_t     from;

    if (k->path == NULL)
        return;
    recall(k, &lines);
    from = lines.len < ANSWERS * LINE ? 0 : LINE;
    if (buf_append(&out, lines.data + from, lines.len - from, &e) != 0 ||
        buf_printf(&out, &e, "%s\n", k->question) != 0 || state_write(k->path, &out, &e) != 0)
        log_info("%s; the next drill makes its reference restore again", e.text);
    buf_free(&lines);
    buf_free(&out);
}

void
known_free(struct known *k)
{
    free(k->path);
    *k = (struct known){0};
}
