/* A table of mutilations: each is noticed, named, and harms nothing else. */
#include "tests/fault/damage.h"

#include <inttypes.h>

#include "core/codec.h"
#include "core/crypto/hash.h"

enum target { LABEL, CHUNK_LIST, MANIFEST, CHUNK };

/* Changes the object's bytes; *gone takes it away. */
typedef void mutilate_fn(struct buf *, bool *gone);

static void
cut(struct buf *b, bool *gone)
{
    (void)gone;
    b->len /= 2;
}

static void
empty(struct buf *b, bool *gone)
{
    (void)gone;
    b->len = 0;
}

static void
flip(struct buf *b, bool *gone)
{
    (void)gone;
    b->data[b->len / 2] ^= 0x10;
}

static void
flip_last(struct buf *b, bool *gone)
{
    (void)gone;
    b->data[b->len - 1] ^= 0x01;
}

static void
zeroes(struct buf *b, bool *gone)
{
    (void)gone;
    memset(b->data, 0, b->len);
}

static void
longer(struct buf *b, bool *gone)
{
    struct err e = ERR_INIT;

    (void)gone;
    assert_ok(buf_append(b, "more", 4, &e), &e);
}

static void
take_away(struct buf *b, bool *gone)
{
    (void)b;
    *gone = true;
}

static void
garbage(struct buf *b, bool *gone)
{
    (void)gone;
    for (size_t i = 0; i < b->len; i++) {
        b->data[i] = (uint8_t)(i * 197 + 13);
    }
}

static void
huge(struct buf *b, bool *gone)
{
    struct err e = ERR_INIT;

    (void)gone;
    assert_ok(buf_reserve(b, 40 * MIB, &e), &e);
    memset(b->data + b->len, 'x', 40 * MIB);
    b->len += 40 * MIB;
}

/* Replaces the first find by to, of the same or another length. */
static void
replace(struct buf *b, const char *find, const char *to)
{
    struct err e = ERR_INIT;
    char      *at = memmem(b->data, b->len, find, strlen(find));
    size_t     before;
    size_t     rest;

    assert_non_null(at);
    before = (size_t)((uint8_t *)at - b->data);
    rest = b->len - before - strlen(find);
    assert_ok(buf_reserve(b, strlen(to), &e), &e);
    memmove(b->data + before + strlen(to), b->data + before + strlen(find), rest);
    memcpy(b->data + before, to, strlen(to));
    b->len = before + strlen(to) + rest;
}

#define REPLACER(name, find, to)                                                                   \
    static void name(struct buf *b, bool *gone)                                                    \
    {                                                                                              \
        (void)gone;                                                                                \
        replace(b, find, to);                                                                      \
    }

REPLACER(future_format, "\"format\":1", "\"format\":2")
REPLACER(unknown_need, "\"needs\":[]", "\"needs\":[\"quantum\"]")
REPLACER(unknown_key, "\"needs\":[]", "\"needs\":[],\"later\":1")
REPLACER(twice, "\"scope\":\"full\"", "\"scope\":\"full\",\"scope\":\"x\"")
REPLACER(other_database, "\"db\":\"shop\"", "\"db\":\"ship\"")
REPLACER(no_run, "\"run\":", "\"ran\":")
REPLACER(short_digest, "\"chunks_sha256\":\"", "\"chunks_sha256\":\"0")
REPLACER(negative, "\"rows\":0", "\"rows\":-1")
REPLACER(not_a_time, "\"snapshot\":\"2", "\"snapshot\":\"x2")
REPLACER(other_type, "\"type\":\"label\"", "\"type\":\"run\"")
REPLACER(nul_inside, "\"scope\":\"full\"", "\"scope\":\"fu\\u0000ll\"")

static void
no_newline(struct buf *b, bool *gone)
{
    (void)gone;
    b->len--;
}

static void
deep(struct buf *b, bool *gone)
{
    struct err e = ERR_INIT;

    (void)gone;
    buf_clear(b);
    for (int i = 0; i < 40; i++) {
        assert_ok(buf_puts(b, "{\"a\":", &e), &e);
    }
    assert_ok(buf_puts(b, "1", &e), &e);
    for (int i = 0; i < 40; i++) {
        assert_ok(buf_puts(b, "}", &e), &e);
    }
    assert_ok(buf_puts(b, "\n", &e), &e);
}

static const struct mutilation {
    const char  *name;
    enum target  target;
    mutilate_fn *fn;
    const char  *expected; /* in the problem or the error; NULL: no harm */
} table[] = {
    {"label cut", LABEL, cut, "cut short"},
    {"label empty", LABEL, empty, "cut short"},
    {"label garbage", LABEL, garbage, "label.json"},
    {"label zeroes", LABEL, zeroes, "label.json"},
    {"label huge", LABEL, huge, "at most"},
    {"label without newline", LABEL, no_newline, "cut short"},
    {"label of a later format", LABEL, future_format, "format 2 is not known"},
    {"label with an unknown need", LABEL, unknown_need, "needs \"quantum\""},
    {"label with an unknown key", LABEL, unknown_key, NULL},
    {"label with a key twice", LABEL, twice, "label.json"},
    {"label of another database", LABEL, other_database, "of \"ship\""},
    {"label without run", LABEL, no_run, "\"run\""},
    {"label with a long digest", LABEL, short_digest, "\"chunks_sha256\""},
    {"label with a negative count", LABEL, negative, "\"rows\""},
    {"label with a wrong time", LABEL, not_a_time, "\"snapshot\""},
    {"label of another type", LABEL, other_type, "not a \"label\""},
    {"label with a NUL", LABEL, nul_inside, "label.json"},
    {"label too deep", LABEL, deep, "label.json"},
    {"chunk list missing", CHUNK_LIST, take_away, "chunks.zst is missing"},
    {"chunk list cut", CHUNK_LIST, cut, "chunks.zst has"},
    {"chunk list longer", CHUNK_LIST, longer, "chunks.zst has"},
    {"chunk list flipped", CHUNK_LIST, flip, "SHA-256"},
    {"manifest missing", MANIFEST, take_away, "manifest.json.zst is missing"},
    {"manifest cut", MANIFEST, cut, "manifest.json.zst has"},
    {"manifest flipped", MANIFEST, flip, "SHA-256"},
    {"manifest zeroes", MANIFEST, zeroes, "SHA-256"},
    {"chunk missing", CHUNK, take_away, "does not exist"},
    {"chunk cut", CHUNK, cut, "bytes, not"},
    {"chunk empty", CHUNK, empty, "bytes, not"},
    {"chunk longer", CHUNK, longer, "bytes, not"},
    {"chunk flipped", CHUNK, flip, "SHA-256"},
    {"chunk flipped at its end", CHUNK, flip_last, "SHA-256"},
    {"chunk zeroes", CHUNK, zeroes, "SHA-256"},
    {"chunk huge", CHUNK, huge, "at most"},
};

static char *
key_of(struct repo *r, enum target target, const char *id)
{
    static const char *const names[] = {"label.json", "chunks.zst", "manifest.json.zst",
                                        "chunks/1/"};
    char *prefix = target == CHUNK ? xstrdup("shop/chunks/") : xasprintf("shop/backups/%s/", id);
    struct strlist keys = fixture_keys_with(r, prefix, names[target]);
    char          *key;

    assert_in_range(keys.n, 1, FIXTURE_CHUNKS);
    key = xstrdup(keys.v[0]);
    strlist_free(&keys);
    free(prefix);
    return key;
}

static void
apply(struct repo *r, const char *key, mutilate_fn *fn)
{
    struct buf b = BUF_INIT(100 * MIB);
    bool       gone = false;

    fixture_get(r, key, &b);
    fn(&b, &gone);
    if (gone) {
        fixture_take_away(r, key);
    } else {
        fixture_replace(r, key, b.data, b.len);
    }
    buf_free(&b);
}

/* What the first backup's state, or reading it, has to say; empty when all is well. */
static void
diagnose(struct repo *r, const char *id, char *text, size_t cap)
{
    struct backup_list list;
    struct err         e = ERR_INIT;

    text[0] = '\0';
    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_string_equal(list.v[0].id, id);
    if (list.v[0].state == BACKUP_DAMAGED) {
        (void)snprintf(text, cap, "%s", list.v[0].problem);
    } else if (fixture_read(r, id, 1, &e) != 0) {
        assert_true(e.kind == ERR_CORRUPT || e.kind == ERR_NOT_FOUND);
        (void)snprintf(text, cap, "%s", e.text);
    }
    backup_list_free(&list);
}

static int
ignore_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    (void)ctx;
    (void)line;
    (void)e;
    return 0;
}

static void
mutilate_one(const struct mutilation *m)
{
    struct repo *r = fixture_repo_in_memory();
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    char         other[BACKUP_ID_MAX];
    char         text[1024];
    char        *key;

    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    key = key_of(r, m->target, id);
    apply(r, key, m->fn);
    diagnose(r, id, text, sizeof text);
    if (text[0] == '\0' && m->target == CHUNK_LIST) {
        struct label *l = label_load(r, "shop", id, &e);

        assert_int_equal(chunk_list_read(r, l, ignore_line, NULL, &e), -1);
        (void)snprintf(text, sizeof text, "%s", e.text);
        label_free(l);
    }
    if (m->expected == NULL ? text[0] != '\0' : strstr(text, m->expected) == NULL) {
        fail_msg("%s: got \"%s\", expected \"%s\"", m->name, text,
                 m->expected != NULL ? m->expected : "");
    }
    /* The next backup is whole whatever happened to this one. */
    if (m->target != CHUNK || m->fn == take_away || m->fn == cut) {
        assert_ok(fixture_backup(r, 1, other, NULL, &e), &e);
        assert_ok(fixture_read(r, other, 1, &e), &e);
    }
    free(key);
    repo_close(r);
}

static void
each_mutilation_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        mutilate_one(&table[i]);
    }
}

/* Two chunks exchange their bytes: each is good by itself. */
static void
swapped_chunks_are_noticed(void **state)
{
    struct repo     *r = fixture_repo_in_memory();
    struct err       e = ERR_INIT;
    char             id[BACKUP_ID_MAX];
    struct label    *l;
    struct manifest *m;
    struct buf       a = BUF_INIT(MIB);
    struct buf       b = BUF_INIT(MIB);
    char            *key[2];

    (void)state;
    assert_ok(fixture_backup(r, 1, id, NULL, &e), &e);
    l = label_load(r, "shop", id, &e);
    m = manifest_load(r, l, &e);
    assert_non_null(m);
    for (int i = 0; i < 2; i++) {
        key[i] = chunk_key("shop", &m->chunks[i].name);
    }
    assert_ok(storage_get(r->st, key[0], &a, &e), &e);
    assert_ok(storage_get(r->st, key[1], &b, &e), &e);
    assert_ok(storage_remove(r->st, (const char *const *)key, 2, &e), &e);
    assert_ok(storage_put(r->st, key[0], b.data, b.len, &e), &e);
    assert_ok(storage_put(r->st, key[1], a.data, a.len, &e), &e);
    assert_int_equal(fixture_read(r, id, 1, &e), -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    for (int i = 0; i < 2; i++) {
        free(key[i]);
    }
    buf_free(&a);
    buf_free(&b);
    manifest_free(m);
    label_free(l);
    repo_close(r);
}

/* Somebody who can compute SHA-256 but has no id key stores other rows under a name that fits
 * the bytes. */
static void
contents_of_another_id_are_noticed(void **state)
{
    struct repo     *r = fixture_repo_in_memory();
    struct err       e = ERR_INIT;
    struct codec    *codec = codec_new(CODEC_DEFAULT);
    struct buf       stored = BUF_INIT(MIB);
    struct buf       scratch = BUF_INIT(CHUNK_STORED_MAX);
    struct buf       out = BUF_INIT(CHUNK_RAW_MAX);
    char             sha[SHA256_HEX + 1];
    char            *name;
    char            *key;
    struct chunk_ref line;

    (void)state;
    assert_ok(codec_compress(codec, "forged rows", 11, &stored, &e), &e);
    sha256_hex(stored.data, stored.len, sha);
    name = xasprintf("1/aa/aa%062d-%s-0123456789abcdef.zst", 0, sha);
    key = xasprintf("shop/chunks/%s", name);
    assert_ok(storage_put(r->st, key, stored.data, stored.len, &e), &e);
    line = (struct chunk_ref){.size = stored.len, .raw_size = 11};
    assert_int_equal(chunk_name_parse(name, &line.name), 0);
    assert_int_equal(chunk_check(r, "shop", &line, codec, &scratch, &out, &e), 1);
    assert_err(&e, ERR_CORRUPT, "do not match its id");
    free(name);
    free(key);
    codec_free(codec);
    buf_free(&stored);
    buf_free(&scratch);
    buf_free(&out);
    repo_close(r);
}

static char *journals;

static int
set_up(void **state)
{
    (void)state;
    journals = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fixture_remove(journals);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mutilation_is_noticed),
        cmocka_unit_test(swapped_chunks_are_noticed),
        cmocka_unit_test(contents_of_another_id_are_noticed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
