/* What is changed in an encrypted repository, field by field and byte by byte: each is noticed
 * in its own words, and not a row comes out.  Whoever changes it keeps up what he can: names,
 * digests and sizes fit, unless they are what he changes. */
#include "tests/fault/encrypted.h"

#include "core/codec.h"

/* A backup on the host that made it, and who reads it. */
struct scene {
    struct repo *r;
    char         id[2][BACKUP_ID_MAX];
};

static struct scene
make_scene(options o)
{
    struct scene s = {.r = new_encrypted_as(o)};

    (void)back_up(s.r, 1, s.id[0]);
    (void)back_up(s.r, 2, s.id[1]);
    return s;
}

/* ---- labels ---- */

enum change { SET, DROP, ELSE_ID };

/* What reading says of a label in which this key was changed and nothing vouches for it. */
static const struct {
    const char *key;
    enum change change;
    const char *value;    /* as JSON */
    const char *expected; /* NULL: it is only information, and the rows are what they were */
} label_table[] = {
    {"format", SET, "2", "format 2 is not known"},
    {"needs", SET, "[\"encryption\",\"quantum\"]", "needs \"quantum\""},
    {"type", SET, "\"run\"", "not a \"label\""},
    {"backup", SET, "\"20200101T000000Z-0000\"", "it is the label of backup 20200101T000000Z-0000"},
    {"backup", SET, "\"x\"", "key \"backup\""},
    {"db", SET, "\"ship\"", "of \"ship\""},
    {"epoch", SET, "0", "key \"epoch\" is out of range"},
    {"epoch", SET, "2", "the repository knows no epoch 2"},
    {"epoch", SET, "\"1\"", "key \"epoch\""},
    {"encrypted", SET, "false", "key \"warnings\" is missing"},
    {"encrypted", DROP, NULL, "key \"warnings\" is missing"},
    {"encrypted", SET, "\"yes\"", "key \"encrypted\""},
    {"hidden", DROP, NULL, "key \"hidden\" is missing"},
    {"hidden", SET, "\"\"", "key \"hidden\""},
    {"hidden", SET, "\"abc\"", "key \"hidden\""},
    {"hidden", SET, "\"50474153534159\"", "key \"hidden\": is too short to be encrypted"},
    {"hidden", ELSE_ID, NULL, "key \"hidden\": does not decrypt: it was changed, or moved here"},
    {"chunks_sha256", SET, "\"00\"", "key \"chunks_sha256\""},
    {"chunks_size", SET, "1", "chunks.zst has"},
    {"manifest_sha256", SET, "\"0000000000000000000000000000000000000000000000000000000000000000\"",
     "its SHA-256 is not what the label says"},
    {"manifest_sha256", ELSE_ID, NULL, "its SHA-256 is not what the label says"},
    {"manifest_size", SET, "1", "manifest.json.zst.enc has"},
    {"manifest_raw_sha256", SET,
     "\"0000000000000000000000000000000000000000000000000000000000000000\"",
     "its plaintext's SHA-256 is not what the label says"},
    {"manifest_raw_size", SET, "1", "manifest.json.zst.enc"},
    {"manifest_raw_size", SET, "2000000000", "more than"},
    {"run", SET, "\"0011\"", "key \"run\""},
    {"run", SET, "\"0011223344556677\"", NULL},
    {"rows", SET, "-1", "key \"rows\""},
    {"rows", SET, "7", NULL},
    {"snapshot", SET, "\"2026\"", "key \"snapshot\""},
    {"copied_from", SET, "{}", "key \"copied_from\""},
    {"copied_from", SET,
     "{\"repo_id\":\"00112233445566778899aabbccddeeff\",\"run\":\"0011223344556677\",\"copied\":"
     "\"2026-11-21T02:15:00Z\"}",
     "missing"},
};

/* What says so first: the listing, or reading it. */
static void
diagnose(struct repo *r, const char *id, char *text, size_t cap)
{
    struct backup_list list;
    struct err         e = ERR_INIT;

    text[0] = '\0';
    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    for (size_t i = 0; i < list.n; i++) {
        if (strcmp(list.v[i].id, id) == 0 && list.v[i].problem != NULL) {
            (void)snprintf(text, cap, "%s", list.v[i].problem);
        }
    }
    backup_list_free(&list);
    if (text[0] == '\0' && fixture_read(r, id, 1, &e) != 0) {
        assert_true(e.kind == ERR_CORRUPT || e.kind == ERR_NOT_FOUND);
        (void)snprintf(text, cap, "%s", e.text);
    }
}

static json_t *
parse_value(const char *text)
{
    json_error_t why;
    json_t      *v = json_loads(text, JSON_DECODE_ANY, &why);

    assert_non_null(v);
    return v;
}

/* The first backup's label, one key of it changed. */
static void
change_label(struct repo *r, const struct scene *s, const char *key, enum change change,
             const char *value)
{
    char   *name = backup_key("shop", s->id[0], "label.json");
    json_t *o = get_json(r, name);

    if (change == DROP) {
        assert_int_equal(json_object_del(o, key), 0);
    } else if (change == ELSE_ID) {
        char   *other_name = backup_key("shop", s->id[1], "label.json");
        json_t *other = get_json(r, other_name);

        (void)json_object_set(o, key, json_object_get(other, key));
        json_decref(other);
        free(other_name);
    } else {
        (void)json_object_set_new(o, key, parse_value(value));
    }
    put_json(r, name, o);
    free(name);
}

static void
expect_words(const char *name, const char *text, const char *expected)
{
    if (expected == NULL ? text[0] != '\0' : strstr(text, expected) == NULL) {
        fail_msg("%s: got \"%s\", expected \"%s\"", name, text, expected != NULL ? expected : "");
    }
}

static void
each_field_of_a_label(void **state)
{
    struct scene s = make_scene(OPTIONS(NULL));

    (void)state;
    for (size_t i = 0; i < sizeof label_table / sizeof label_table[0]; i++) {
        struct repo *r = open_clone(s.r, OPTIONS(cast.identity[OPS]));
        char         text[1024];
        char        *name = xasprintf("label %s, row %zu", label_table[i].key, i);

        change_label(r, &s, label_table[i].key, label_table[i].change, label_table[i].value);
        diagnose(r, s.id[0], text, sizeof text);
        expect_words(name, text, label_table[i].expected);
        assert_reads(r, s.id[1], 2); /* the other one is what it was */
        free(name);
        repo_close(r);
    }
    repo_close(s.r);
}

/* Another value of the same type. */
static json_t *
altered(const json_t *v)
{
    if (json_is_integer(v)) {
        return json_integer(json_integer_value(v) + 1);
    }
    if (json_is_real(v)) {
        return json_real(json_real_value(v) + 1);
    }
    if (json_is_boolean(v)) {
        return json_boolean(!json_is_true(v));
    }
    if (json_is_string(v)) {
        char   *text = xasprintf("%s", json_string_value(v));
        json_t *out;

        if (text[0] != '\0') {
            text[strlen(text) - 1] = text[strlen(text) - 1] == '1' ? '2' : '1';
        }
        out = json_string(text);
        free(text);
        return out;
    }
    return (json_pack)("[s]", "x");
}

/* With a signature that somebody asks for every field is watched over by that. */
static void
each_field_of_a_signed_label(void **state)
{
    static const char *const own_words[] = {"it is the label of backup",
                                            "is not known to this program", "not a \"label\"",
                                            "key \"", "needs \""};
    struct scene s = make_scene(OPTIONS(cast.sign_key[ADMIN], cast.trust_admin, cast.trust_backup));
    char        *name = backup_key("shop", s.id[0], "label.json");
    json_t      *whole = get_json(s.r, name);
    const char  *key;
    json_t      *v;
    size_t       by_signature = 0;

    (void)state;
    json_object_foreach (whole, key, v) {
        struct repo *r = open_clone(
            s.r, OPTIONS(cast.identity[OPS], cast.trust_admin, cast.trust_backup));
        json_t    *o = json_deep_copy(whole);
        struct err e = ERR_INIT;
        bool       own = false;

        (void)json_object_set_new(o, key, altered(v));
        put_json(r, name, o);
        assert_int_equal(fixture_read(r, s.id[0], 1, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        for (size_t i = 0; i < sizeof own_words / sizeof own_words[0]; i++) {
            own = own || strstr(e.text, own_words[i]) != NULL;
        }
        if (!own && strstr(e.text, "its signature is wrong") == NULL) {
            fail_msg("label %s: \"%s\"", key, e.text);
        }
        by_signature += !own;
        repo_close(r);
    }
    assert_true(by_signature > 25);
    json_decref(whole);
    free(name);
    repo_close(s.r);
}

/* ---- manifests and chunks: every byte of what is sealed ---- */

/* Where the first and last byte of each part are. */
static const struct {
    const char *name;
    long        at; /* below 0: from the end */
    const char *expected;
} sealed_table[] = {
    {"magic", 0, "is not encrypted as this program knows it"},
    {"version", 7, "is not encrypted as this program knows it"},
    {"sealed key, first", 8, "its key cannot be opened"},
    {"sealed key, its tag", 40, "its key cannot be opened"},
    {"sealed key, last", SEAL_HEAD - 1, "its key cannot be opened"},
    {"length", SEAL_HEAD, "does not decrypt: it was changed, or moved"},
    {"data", SEAL_HEAD + SEAL_LENGTH, "does not decrypt: it was changed, or moved"},
    {"padding", -SEAL_TAG - 1, "does not decrypt: it was changed, or moved"},
    {"tag, first", -SEAL_TAG, "does not decrypt: it was changed, or moved"},
    {"tag, last", -1, "does not decrypt: it was changed, or moved"},
};

enum { SEALED_ROWS = sizeof sealed_table / sizeof sealed_table[0] };

/* The bytes of another's manifest, or whatever they are, with a label that fits them. */
static void
put_manifest(struct repo *r, const struct scene *s, const struct buf *b)
{
    char *key = backup_key("shop", s->id[0], "manifest.json.zst.enc");
    char *sha = xasprintf("\"%064d\"", 0);
    char *size = xasprintf("%zu", b->len);

    fixture_replace(r, key, b->data, b->len);
    sha256_hex(b->data, b->len, sha + 1);
    sha[1 + SHA256_HEX] = '"';
    change_label(r, s, "manifest_sha256", SET, sha);
    change_label(r, s, "manifest_size", SET, size);
    free(key);
    free(sha);
    free(size);
}

static void
assert_manifest(struct repo *r, const struct scene *s, const char *name, const char *expected)
{
    struct err e = ERR_INIT;

    assert_int_equal(fixture_read(r, s->id[0], 1, &e), -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    expect_words(name, e.text, expected);
}

static void
each_part_of_a_manifest(void **state)
{
    struct scene s = make_scene(OPTIONS(NULL));
    char        *key = backup_key("shop", s.id[0], "manifest.json.zst.enc");
    struct buf   whole = BUF_INIT(MIB);

    (void)state;
    fixture_get(s.r, key, &whole);
    for (size_t i = 0; i < SEALED_ROWS; i++) {
        struct repo *r = open_clone(s.r, OPTIONS(cast.identity[OPS]));
        size_t       at = sealed_table[i].at < 0 ? whole.len - (size_t)-sealed_table[i].at
                                                 : (size_t)sealed_table[i].at;

        whole.data[at] ^= 1;
        put_manifest(r, &s, &whole);
        assert_manifest(r, &s, sealed_table[i].name, sealed_table[i].expected);
        whole.data[at] ^= 1;
        repo_close(r);
    }
    buf_free(&whole);
    free(key);
    repo_close(s.r);
}

/* One of another backup, one cut off, one in the clear. */
static void
another_manifest_in_its_place(void **state)
{
    struct scene        s = make_scene(OPTIONS(NULL));
    struct repo        *r = open_clone(s.r, OPTIONS(cast.identity[OPS]));
    char               *key = backup_key("shop", s.id[1], "manifest.json.zst.enc");
    struct buf          b = BUF_INIT(MIB);
    struct err          e = ERR_INIT;
    struct label       *l = label_load(r, "shop", s.id[1], &e);
    const uint8_t      *data;
    size_t              n;
    const struct epoch *ep = keyring_read(r->keys, 1, &e);
    struct sealed_as    as;

    (void)state;
    assert_non_null(l);
    assert_non_null(ep);
    as = label_manifest_as(l->id, ep);
    fixture_get(r, key, &b);
    put_manifest(r, &s, &b);
    assert_manifest(r, &s, "another backup's",
                    "does not decrypt: it was changed, or moved here from elsewhere");
    b.len /= 2;
    put_manifest(r, &s, &b);
    assert_manifest(r, &s, "half of one", "does not decrypt");
    b.len = 50;
    put_manifest(r, &s, &b);
    assert_manifest(r, &s, "its beginning", "is too short to be encrypted: cut off?");
    fixture_get(r, key, &b);
    assert_ok(unseal(&as, &ep->secret, b.data, b.len, &data, &n, &e), &e);
    memmove(b.data, data, n);
    b.len = n;
    put_manifest(r, &s, &b);
    assert_manifest(r, &s, "in the clear", "is not encrypted as this program knows it");
    label_free(l);
    buf_free(&b);
    free(key);
    repo_close(r);
    repo_close(s.r);
}

/* As if the whole backup had never been encrypted: named and labelled like that. */
static void
a_plain_manifest_under_a_plain_name(void **state)
{
    struct scene        s = make_scene(OPTIONS(NULL));
    struct repo        *r = open_clone(s.r, OPTIONS(cast.identity[OPS]));
    char               *key = backup_key("shop", s.id[0], "manifest.json.zst.enc");
    char               *plain = backup_key("shop", s.id[0], "manifest.json.zst");
    struct buf          b = BUF_INIT(MIB);
    struct err          e = ERR_INIT;
    struct label       *l = label_load(r, "shop", s.id[0], &e);
    const struct epoch *ep = keyring_read(r->keys, 1, &e);
    const uint8_t      *data;
    size_t              n;
    struct sealed_as    as;

    (void)state;
    assert_non_null(l);
    assert_non_null(ep);
    as = label_manifest_as(l->id, ep);
    fixture_get(r, key, &b);
    assert_ok(unseal(&as, &ep->secret, b.data, b.len, &data, &n, &e), &e);
    memmove(b.data, data, n);
    b.len = n;
    put_manifest(r, &s, &b);
    change_label(r, &s, "encrypted", DROP, NULL);
    change_label(r, &s, "warnings", SET, "[]");
    assert_ok(storage_put(r->st, plain, b.data, b.len, &e), &e);
    assert_int_equal(fixture_read(r, s.id[0], 1, &e), -1);
    assert_err(&e, ERR_CORRUPT, "not encrypted, and epoch 1 is");
    label_free(l);
    buf_free(&b);
    free(key);
    free(plain);
    repo_close(r);
    repo_close(s.r);
}

/* ---- chunks ---- */

/* A chunk as a line of a chunk list, and its bytes. */
struct specimen {
    struct chunk_name name;
    struct buf        bytes;
    uint64_t          raw_size;
};

/* The i-th chunk of a backup. */
static struct specimen
get_specimen(struct repo *r, const char *id, size_t i)
{
    struct specimen  s = {.bytes = BUF_INIT(MIB)};
    struct err       e = ERR_INIT;
    struct label    *l = label_load(r, "shop", id, &e);
    struct manifest *m = manifest_load(r, l, &e);
    char            *key;

    assert_non_null(m);
    s.name = m->chunks[i].name;
    s.raw_size = m->chunks[i].raw_size;
    key = chunk_key("shop", &s.name);
    fixture_get(r, key, &s.bytes);
    free(key);
    manifest_free(m);
    label_free(l);
    return s;
}

static void
fit_digest(struct specimen *s)
{
    sha256(s->bytes.data, s->bytes.len, s->name.sha256);
}

/* Stored under the name that it has, it is looked at as a chunk list's line says.  Says what is
 * wrong with it. */
static void
judge(struct repo *r, const struct specimen *s, uint64_t size, uint64_t raw_size, char *text,
      size_t cap)
{
    struct chunk_ref line = {.name = s->name, .size = size, .raw_size = raw_size};
    struct codec    *codec = codec_new(CODEC_DEFAULT);
    struct buf       scratch = BUF_INIT(CHUNK_STORED_MAX);
    struct buf       out = BUF_INIT(CHUNK_RAW_MAX);
    struct err       e = ERR_INIT;
    char            *key = chunk_key("shop", &s->name);
    int              rc;

    fixture_replace(r, key, s->bytes.data, s->bytes.len);
    rc = chunk_check(r, "shop", &line, codec, &scratch, &out, &e);
    assert_true(rc == 0 || rc == 1);
    (void)snprintf(text, cap, "%s", rc == 0 ? "" : e.text);
    free(key);
    codec_free(codec);
    buf_free(&scratch);
    buf_free(&out);
}

static void
assert_judged(struct repo *r, const struct specimen *s, const char *what, const char *expected)
{
    char text[1024];

    judge(r, s, s->bytes.len, s->raw_size, text, sizeof text);
    expect_words(what, text, expected);
}

static void
each_part_of_a_chunk(void **state)
{
    struct scene    s = make_scene(OPTIONS(NULL));
    struct repo    *r = reopen(s.r, OPTIONS(cast.identity[OPS]));
    struct specimen c = get_specimen(r, s.id[0], 1);

    (void)state;
    for (size_t i = 0; i < SEALED_ROWS; i++) {
        size_t at = sealed_table[i].at < 0 ? c.bytes.len - (size_t)-sealed_table[i].at
                                           : (size_t)sealed_table[i].at;

        c.bytes.data[at] ^= 1;
        assert_judged(r, &c, sealed_table[i].name,
                      "its bytes are not those that were written: the SHA-256 differs");
        fit_digest(&c);
        assert_judged(r, &c, sealed_table[i].name, sealed_table[i].expected);
        c.bytes.data[at] ^= 1;
        fit_digest(&c);
    }
    assert_judged(r, &c, "as it was", NULL);
    buf_free(&c.bytes);
    repo_close(r);
}

/* Every field of a chunk list's line, with an object that is called like that. */
static void
each_field_of_a_line(void **state)
{
    struct scene    s = make_scene(OPTIONS(NULL));
    struct repo    *r = reopen(s.r, OPTIONS(cast.identity[OPS]));
    struct specimen whole = get_specimen(r, s.id[0], 1);
    struct specimen c = whole;
    char            text[1024];

    (void)state;
    c.name.epoch = 2;
    assert_judged(r, &c, "epoch", "the repository knows no epoch 2");
    c = whole;
    c.name.id[3] ^= 1;
    assert_judged(r, &c, "id", "does not decrypt: it was changed, or moved here from elsewhere");
    c = whole;
    c.name.sha256[3] ^= 1;
    assert_judged(r, &c, "sha256",
                  "its bytes are not those that were written: the SHA-256 differs");
    c = whole;
    c.name.run[3] ^= 1;
    assert_judged(r, &c, "run", NULL); /* who wrote it is no part of what it is */
    c = whole;
    c.name.codec = CODEC_NONE;
    assert_judged(r, &c, "codec", "does not decrypt: it was changed, or moved here from elsewhere");
    c = whole;
    c.name.sealed = false;
    assert_judged(r, &c, ".enc", "is not encrypted, and epoch 1 is");
    judge(r, &whole, whole.bytes.len + 1, whole.raw_size, text, sizeof text);
    expect_words("size", text, "bytes, not");
    judge(r, &whole, whole.bytes.len, whole.raw_size + 1, text, sizeof text);
    expect_words("raw size, longer", text, "3001");
    judge(r, &whole, whole.bytes.len, whole.raw_size - 1, text, sizeof text);
    expect_words("raw size, shorter", text, "2999");
    assert_judged(r, &whole, "as it was", NULL);
    buf_free(&whole.bytes);
    repo_close(r);
}

/* The list itself is held by the label's digest, at each of its bytes. */
static void
each_byte_of_a_chunk_list(void **state)
{
    struct scene  s = make_scene(OPTIONS(NULL));
    char         *key = backup_key("shop", s.id[0], "chunks.zst");
    struct buf    b = BUF_INIT(MIB);
    struct err    e = ERR_INIT;
    struct label *l = label_load(s.r, "shop", s.id[0], &e);

    (void)state;
    fixture_get(s.r, key, &b);
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 1;
        fixture_replace(s.r, key, b.data, b.len);
        b.data[i] ^= 1;
        err_clear(&e);
        assert_int_equal(chunk_list_read(s.r, l, NULL, NULL, &e), -1);
        assert_err(&e, ERR_CORRUPT, "its SHA-256 is not what the label says");
    }
    label_free(l);
    buf_free(&b);
    free(key);
    repo_close(s.r);
}

/* Another chunk of the same epoch, the beginning of it, and what stands in it in the clear:
 * under a name that fits. */
static void
another_chunk_in_its_place(void **state)
{
    struct scene        s = make_scene(OPTIONS(NULL));
    struct repo        *r = reopen(s.r, OPTIONS(cast.identity[OPS]));
    struct specimen     a = get_specimen(r, s.id[0], 1);
    struct specimen     b = get_specimen(r, s.id[0], 2);
    struct specimen     swapped = {.name = a.name, .bytes = b.bytes, .raw_size = a.raw_size};
    struct specimen     cut = a;
    struct err          e = ERR_INIT;
    const struct epoch *ep = keyring_read(r->keys, 1, &e);
    uint8_t             what[CHUNK_SEALED_AS];
    struct sealed_as    as;
    const uint8_t      *data;
    char               *gone = fixture_chunk(r, s.id[0], 1);

    (void)state;
    assert_non_null(ep);
    fit_digest(&swapped);
    assert_judged(r, &swapped, "swapped",
                  "does not decrypt: it was changed, or moved here from elsewhere");
    cut.bytes.len -= 64;
    fit_digest(&cut);
    assert_judged(r, &cut, "cut off", "does not decrypt");
    cut.bytes.len = SEAL_HEAD;
    fit_digest(&cut);
    assert_judged(r, &cut, "its head alone", "is too short to be encrypted: cut off?");
    /* In the clear, first called encrypted, then by its right name; the encrypted one is taken
     * away. */
    as = chunk_sealed_as(ep->public, a.name.id, (enum codec_kind)a.name.codec, what);
    {
        struct specimen plain = {.name = a.name, .bytes = BUF_INIT(MIB), .raw_size = a.raw_size};
        size_t          n;

        assert_ok(unseal(&as, &ep->secret, a.bytes.data, a.bytes.len, &data, &n, &e), &e);
        assert_ok(buf_append(&plain.bytes, data, n, &e), &e);
        fit_digest(&plain);
        assert_judged(r, &plain, "plain, called encrypted",
                      n < 112 ? "is too short to be encrypted"
                              : "is not encrypted as this program knows it");
        plain.name.sealed = false;
        assert_judged(r, &plain, "plain, called plain", "is not encrypted, and epoch 1 is");
        buf_free(&plain.bytes);
    }
    /* None of all these is taken for the lost one, though each has its id. */
    assert_reads(r, s.id[0], 1);
    fixture_take_away(r, gone);
    assert_int_equal(fixture_read(r, s.id[0], 1, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_reads(r, s.id[1], 2);
    free(gone);
    buf_free(&a.bytes);
    buf_free(&b.bytes);
    repo_close(r);
}

/* Sealed well to the epoch's public key, by somebody who has no id key. */
static void
rows_of_a_stranger_are_noticed(void **state)
{
    static const char rows[] = "1\tforged\n";
    struct scene      s = make_scene(OPTIONS(NULL));
    struct repo      *r = reopen(s.r, OPTIONS(cast.identity[OPS]));
    struct specimen   c = get_specimen(r, s.id[0], 1);
    struct err        e = ERR_INIT;
    uint8_t           what[CHUNK_SEALED_AS];
    struct sealed_as  as = chunk_sealed_as(keyring_epoch(r->keys, 1, &e)->public, c.name.id,
                                           CODEC_NONE, what);

    (void)state;
    assert_ok(seal(&as, rows, sizeof rows - 1, &c.bytes, &e), &e);
    c.name.codec = CODEC_NONE;
    c.raw_size = sizeof rows - 1;
    fit_digest(&c);
    assert_judged(r, &c, "forged", "its contents do not match its id");
    buf_free(&c.bytes);
    repo_close(r);
}

/* ---- key objects ---- */

/* For the parser: what it says of a line in which one key was changed.  reader: in the first
 * reader, not in the object. */
static const struct {
    const char *key;
    bool        reader;
    const char *value; /* NULL: it is gone */
    const char *expected;
} key_table[] = {
    {"format", false, "2", "format 2 is not known"},
    {"needs", false, "[\"quantum\"]", "needs \"quantum\""},
    {"type", false, "\"repo\"", "not a \"keys\""},
    {"epoch", false, "0", "key \"epoch\" is out of range"},
    {"epoch", false, "10001", "key \"epoch\" is out of range"},
    {"epoch", false, NULL, "key \"epoch\""},
    {"n", false, "0", "key \"n\" is out of range"},
    {"n", false, "-1", "key \"n\""},
    {"public", false, "\"00\"", "key \"public\" is not 64 hex digits"},
    {"public", false, NULL, "key \"public\""},
    {"readers", false, NULL, "key \"readers\""},
    {"readers", false, "{}", "key \"readers\""},
    {"readers", false, "[1]", "\"readers\" element 0"},
    {"writers", false, "7", "key \"writers\""},
    {"key", true, "\"00\"", "\"readers\" element 0: key \"key\" is not 16 hex digits"},
    {"name", true, NULL, "\"readers\" element 0: key \"name\""},
    {"read", true, "\"00\"", "\"readers\" element 0: key \"read\" is not 64 hex digits"},
    {"box", true, "\"\"", "\"readers\" element 0: key \"box\""},
    {"box", true, "\"xy\"", "\"readers\" element 0: key \"box\""},
    {"box", true, "\"abc\"", "\"readers\" element 0: key \"box\""},
};

static json_t *
changed_keys(const json_t *whole, const char *key, bool reader, json_t *value)
{
    json_t *o = json_deep_copy(whole);
    json_t *in = reader ? json_array_get(json_object_get(o, "readers"), 0) : o;

    if (value == NULL) {
        (void)json_object_del(in, key);
    } else {
        (void)json_object_set_new(in, key, value);
    }
    return o;
}

static void
each_field_of_a_key_object(void **state)
{
    struct repo *r = new_encrypted();
    json_t      *whole = get_json(r, "keys.1.1.json");

    (void)state;
    for (size_t i = 0; i < sizeof key_table / sizeof key_table[0]; i++) {
        const char       *text = key_table[i].value;
        json_t           *value = text == NULL ? NULL : parse_value(text);
        json_t           *o = changed_keys(whole, key_table[i].key, key_table[i].reader, value);
        struct buf        line = BUF_INIT(MIB);
        struct err        e = ERR_INIT;
        struct epoch_keys parsed;
        char             *name = xasprintf("key object, %s, row %zu", key_table[i].key, i);

        assert_ok(object_format(o, &line, &e), &e);
        assert_int_equal(epoch_keys_parse(line.data, line.len, &parsed, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        expect_words(name, e.text, key_table[i].expected);
        assert_int_equal(parsed.count, 0);
        buf_free(&line);
        json_decref(o);
        free(name);
    }
    json_decref(whole);
    repo_close(r);
}

/* What the object says of another epoch, or was written as another, is not used; a copy beside a
 * backup is, where there is one. */
static void
key_objects_of_another_epoch_are_passed_over(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *other = new_encrypted();
    json_t      *strange = get_json(other, "keys.1.1.json");
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];

    (void)state;
    put_json(r, "keys.1.1.json", strange);
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_null(keyring_read(r->keys, 1, &e));
    assert_err(&e, ERR_AUTH, "no usable \"keys.1.<n>.json\"");
    (void)back_up(other, 1, id);
    fixture_flip(other, "keys.1.1.json");
    other = reopen(other, OPTIONS(cast.identity[OPS]));
    assert_reads(other, id, 1);
    repo_close(r);
    repo_close(other);
}

/* A reader's box: of another reader, of a writer, of another epoch, with a byte changed. */
static void
a_box_that_is_not_ones_own_opens_nothing(void **state)
{
    struct repo            *r = new_encrypted();
    struct repo            *other = new_encrypted();
    struct err              e = ERR_INIT;
    const struct epoch     *ep = keyring_epoch(r->keys, 1, &e);
    struct epoch_keys       o;
    struct epoch_keys       strange;
    struct epoch_recipient *ops;
    struct epoch            out = {.number = 1, .sealed = true};

    (void)state;
    memcpy(out.public, ep->public, sizeof out.public);
    assert_ok(epoch_keys_load(repo_signed(r), ep, &o, &e), &e);
    assert_ok(epoch_keys_load(repo_signed(other), keyring_epoch(other->keys, 1, &e), &strange, &e),
              &e);
    ops = epoch_keys_find(&o, EPOCH_READER, cast.keys[OPS].pub.id);
    assert_ok(epoch_recipient_open(ops, &cast.keys[OPS], &out, &e), &e);
    epoch_deinit(&out);
    for (size_t i = 0; i < ops->box.len; i++) {
        ops->box.data[i] ^= 0x40;
        assert_int_equal(epoch_recipient_open(ops, &cast.keys[OPS], &out, &e), -1);
        assert_err(&e, ERR_CORRUPT,
                   i < 8               ? "not encrypted as this program"
                       : i < SEAL_HEAD ? "its key cannot be opened"
                                       : "does not decrypt");
        assert_null(out.secret.data);
        assert_null(out.naming.data);
        ops->box.data[i] ^= 0x40;
    }
    err_clear(&e);
    assert_int_equal(
        epoch_recipient_open(epoch_keys_find(&o, EPOCH_READER, cast.keys[ESCROW].pub.id),
                             &cast.keys[OPS], &out, &e),
        -1);
    assert_err(&e, ERR_CORRUPT, "its key cannot be opened");
    err_clear(&e);
    assert_int_equal(
        epoch_recipient_open(epoch_keys_find(&strange, EPOCH_READER, cast.keys[OPS].pub.id),
                             &cast.keys[OPS], &out, &e),
        -1);
    assert_err(&e, ERR_CORRUPT, "does not decrypt: it was changed, or moved here from elsewhere");
    err_clear(&e);
    ops->role = EPOCH_WRITER;
    assert_int_equal(epoch_recipient_open(ops, &cast.keys[OPS], &out, &e), -1);
    assert_err(&e, ERR_CORRUPT, "does not decrypt");
    epoch_keys_free(&o);
    epoch_keys_free(&strange);
    repo_close(r);
    repo_close(other);
}

/* Whoever makes a box well, for this epoch, with a secret of his own. */
static void
the_secret_of_another_key_is_not_believed(void **state)
{
    struct epoch      ep;
    struct epoch      mine;
    struct epoch      out = {.number = 1, .sealed = true};
    struct epoch_keys o = {.epoch = 1};
    struct err        e = ERR_INIT;

    (void)state;
    epoch_make(&ep, 1);
    epoch_make(&mine, 1);
    memcpy(mine.public, ep.public, sizeof mine.public);
    memcpy(out.public, ep.public, sizeof out.public);
    assert_ok(epoch_keys_add(&o, EPOCH_READER, &cast.keys[OPS].pub, &mine, &e), &e);
    assert_int_equal(epoch_recipient_open(&o.v[0], &cast.keys[OPS], &out, &e), -1);
    assert_err(&e, ERR_CORRUPT, "it holds the secret of another epoch's key");
    assert_null(out.secret.data);
    assert_null(out.naming.data);
    epoch_keys_free(&o);
    epoch_deinit(&ep);
    epoch_deinit(&mine);
}

/* ---- repo.<n>.json ---- */

static void
each_field_of_the_epochs(void **state)
{
    static const struct {
        const char *value, *expected;
    } table[] = {
        {"7", "key \"epochs\" is not an array"},
        {"[7]", "\"epochs\" element 0"},
        {"[{\"epoch\":0,\"public\":\"\"}]", "out of range, or appears twice"},
        {"[{\"epoch\":2,\"public\":\"\"}]", "out of range, or appears twice"},
        {"[{\"epoch\":1,\"public\":\"00\"}]", "key \"public\" is not 64 hex digits"},
        {"[{\"epoch\":1}]", "key \"public\""},
        {"[]", "key \"id_key\" is missing"},
    };
    struct repo *r = new_encrypted();

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct repo *other = open_clone(r, OPTIONS(NULL));
        json_t      *o = get_json(other, "repo.1.json");
        struct err   e = ERR_INIT;

        (void)json_object_set_new(o, "epochs", parse_value(table[i].value));
        put_json(other, "repo.1.json", o);
        assert_null(try_open(clone_storage(other->st), OPTIONS(NULL), &e));
        assert_int_equal(e.kind, ERR_CORRUPT);
        expect_words(table[i].value, e.text, table[i].expected);
        repo_close(other);
    }
    repo_close(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_hosts, free_hosts)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_field_of_a_label),
        TEST(each_field_of_a_signed_label),
        TEST(each_part_of_a_manifest),
        TEST(another_manifest_in_its_place),
        TEST(a_plain_manifest_under_a_plain_name),
        TEST(each_part_of_a_chunk),
        TEST(each_field_of_a_line),
        TEST(each_byte_of_a_chunk_list),
        TEST(another_chunk_in_its_place),
        TEST(rows_of_a_stranger_are_noticed),
        TEST(each_field_of_a_key_object),
        TEST(key_objects_of_another_epoch_are_passed_over),
        TEST(a_box_that_is_not_ones_own_opens_nothing),
        TEST(the_secret_of_another_key_is_not_believed),
        TEST(each_field_of_the_epochs),
    };

    return cmocka_run_group_tests(tests, make_cast, free_cast);
}
