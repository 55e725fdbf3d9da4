/* manifest.h, chunklist.h, chunkname.h, label.h: what is written reads back, and nothing else
 * reads. */
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "storage/format/chunklist.h"
#include "storage/format/chunkname.h"
#include "storage/format/jsonpull.h"
#include "storage/format/manifest.h"

#define HEX63 "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX64 "0" HEX63
#define NAME(aa)                                                                                   \
    "1/" aa "/" aa "23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-" HEX64         \
    "-0123456789abcdef.zst"

static uint32_t
add_chunk(struct manifest *m, const char *name, uint64_t size, uint64_t raw_size)
{
    struct chunk_ref ref = {.size = size, .raw_size = raw_size};

    assert_int_equal(chunk_name_parse(name, &ref.name), 0);
    VEC_GROW(m->chunks, m->n_chunks, m->cap_chunks);
    m->chunks[m->n_chunks] = ref;
    return (uint32_t)m->n_chunks++;
}

static void
add_range(struct manifest_table *t, uint64_t first_block, uint64_t rows, uint32_t chunk,
          uint64_t length)
{
    struct manifest_range   r = {.first_block = first_block, .rows = rows, .fp = {rows * 3, ~rows}};
    struct manifest_segment s = {.chunk = chunk, .length = length};

    segment_add(&r.segments, &r.n, &r.cap, &s);
    VEC_GROW(t->ranges, t->n_ranges, t->cap_ranges);
    t->ranges[t->n_ranges++] = r;
    t->rows += rows;
    t->bytes += length;
    fingerprint_add(&t->fp, &r.fp);
}

static struct manifest_table *
add_table(struct manifest *m, const char *schema, const char *name)
{
    struct manifest_table *t = manifest_add_table(m);

    t->schema = xstrdup(schema);
    t->name = xstrdup(name);
    t->owner = xstrdup("postgres");
    t->kind = 'r';
    t->persistence = 'p';
    t->columns = xcalloc(2, sizeof *t->columns);
    t->n_columns = 2;
    t->columns[0] = (struct manifest_column){xstrdup("id"), xstrdup("integer"), false, true};
    t->columns[1] = (struct manifest_column){xstrdup("caf\xe9"), xstrdup("text"), true, false};
    return t;
}

/* The first bytes of base, then 1000 of the chunk that ends with the list. */
static void
add_delta(struct manifest *m, uint32_t own, uint32_t base, uint64_t from_base, uint64_t list)
{
    struct manifest_delta d = {.raw_size = from_base + 100};

    memset(d.sha256, 'e', sizeof d.sha256 - 1);
    segment_add(&d.sources, &d.n, &d.cap, &(struct manifest_segment){base, 0, from_base});
    segment_add(&d.sources, &d.n, &d.cap, &(struct manifest_segment){own, 0, 1000});
    segment_add(&d.sources, &d.n, &d.cap, &(struct manifest_segment){own, 1000, list});
    assert_int_equal(manifest_add_delta(m, &d), MANIFEST_DELTA);
}

static struct manifest *
sample(void)
{
    struct manifest       *m = manifest_new();
    struct manifest_table *t;

    (void)add_chunk(m, NAME("aa"), 50, 1000);
    (void)add_chunk(m, NAME("bb"), 60, 2000);
    (void)add_chunk(m, NAME("cc"), 40, 1030);
    t = add_table(m, "public", "orders");
    t->format = COPY_BINARY;
    t->load_via = xstrdup("\"public\".\"parent\"");
    add_range(t, 0, 10, 0, 1000);
    add_range(t, 2048, 20, 1, 1500);
    add_delta(m, 2, 0, 700, 30);
    add_range(t, 4096, 5, MANIFEST_DELTA, 800);
    t = add_table(m, "public", "\xff raw bytes");
    t->skipped = xstrdup("foreign table");
    t->kind = 'f';
    t = add_table(m, "a", "zero");
    manifest_sort(m);
    m->server = json_pack("{s:s}", "version", "15.20");
    VEC_GROW(m->sequences, m->n_sequences, m->cap_sequences);
    m->sequences[m->n_sequences++] = (struct manifest_sequence){xstrdup("public"), xstrdup("s"),
                                                                INT64_MIN, true};
    VEC_GROW(m->matviews, m->n_matviews, m->cap_matviews);
    m->matviews[m->n_matviews++] = (struct manifest_matview){xstrdup("public"), xstrdup("v"), true,
                                                             false};
    VEC_GROW(m->objects, m->n_objects, m->cap_objects);
    m->objects[m->n_objects++] = (struct manifest_object){xstrdup("TABLE"), xstrdup("public"),
                                                          xstrdup("orders"), NULL, HEX64};
    segment_add(&m->archive, &m->n_archive, &m->cap_archive,
                &(struct manifest_segment){1, 1500, 500});
    t = manifest_find(m, "public", "orders");
    segment_add(&t->statistics, &t->n_statistics, &t->cap_statistics,
                &(struct manifest_segment){1, 1200, 300});
    strlist_add(&m->warnings, "something");
    m->lo_count = 3;
    m->has_fingerprint_key = true;
    memset(m->fingerprint_key, 0x5a, sizeof m->fingerprint_key);
    return m;
}

static char *
text_of(const struct manifest *m)
{
    struct buf b = BUF_INIT(64 * MIB);
    struct err e = ERR_INIT;
    char      *text;

    assert_ok(manifest_format(m, &b, &e), &e);
    text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

static void
a_manifest_reads_back_as_it_was(void **state)
{
    struct manifest       *m = sample();
    char                  *text = text_of(m);
    struct err             e = ERR_INIT;
    struct manifest       *again = manifest_parse(text, strlen(text), &e);
    char                  *text_again;
    struct manifest_table *t;

    (void)state;
    if (again == NULL) {
        fail_msg("%s", e.text);
    }
    text_again = text_of(again);
    assert_string_equal(text, text_again);
    /* Of the one table that has any. */
    assert_non_null(strstr(text, "\"statistics\":[[1,1200,300]]"));
    assert_null(strstr(strstr(text, "\"statistics\":") + 1, "\"statistics\":"));
    t = manifest_find(again, "public", "orders");
    assert_non_null(t);
    assert_int_equal(t->rows, 35);
    assert_int_equal(t->n_ranges, 3);
    assert_int_equal(t->n_statistics, 1);
    assert_int_equal(t->statistics[0].offset, 1200);
    assert_int_equal(again->tables[0].n_statistics, 0);
    assert_int_equal(t->ranges[1].first_block, 2048);
    assert_true(t->columns[1].generated && t->columns[0].not_null);
    assert_non_null(manifest_find(again, "public", "\xff raw bytes"));
    assert_null(manifest_find(again, "public", "order"));
    assert_true(again->sequences[0].last_value == INT64_MIN);
    assert_true(again->has_fingerprint_key);
    assert_memory_equal(again->fingerprint_key, m->fingerprint_key, sizeof m->fingerprint_key);
    free(text);
    free(text_again);
    manifest_free(m);
    manifest_free(again);
}

static void
the_text_is_one_json_document(void **state)
{
    struct manifest *m = sample();
    char            *text = text_of(m);
    json_t          *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    (void)state;
    assert_non_null(o);
    assert_int_equal(json_array_size(json_object_get(o, "tables")), 3);
    json_decref(o);
    free(text);
    manifest_free(m);
}

static void
blanks_and_unknown_keys_do_not_matter(void **state)
{
    struct manifest *m = sample();
    char            *text = text_of(m);
    json_t          *o = json_loads(text, 0, NULL);
    struct err       e = ERR_INIT;
    char            *pretty;
    struct manifest *again;

    (void)state;
    (void)json_object_set_new(o, "later", (json_pack)("[{s:i}]", "x", 1));
    pretty = json_dumps(o, JSON_INDENT(4));
    again = manifest_parse(pretty, strlen(pretty), &e);
    assert_non_null(again);
    manifest_free(again);
    free(pretty);
    json_decref(o);
    free(text);
    manifest_free(m);
}

static void
a_manifest_cut_anywhere_is_refused(void **state)
{
    struct manifest *m = sample();
    char            *text = text_of(m);
    size_t           n = strlen(text);

    (void)state;
    /* Without its last newline it is whole. */
    for (size_t i = 0; i + 1 < n; i++) {
        struct err e = ERR_INIT;

        assert_null(manifest_parse(text, i, &e));
        assert_int_equal(e.kind, ERR_CORRUPT);
    }
    free(text);
    manifest_free(m);
}

static void
what_does_not_add_up_is_refused(void **state)
{
    static const struct {
        const char *find, *to, *says;
    } table[] = {
        {"\"format\":1", "\"format\":7", "format 7"},
        {"\"needs\":[\"delta\"]", "\"needs\":[\"dalta\"]", "needs \"dalta\""},
        {"\"rows\":35", "\"rows\":36", "\"public\".\"orders\""},
        {"\"bytes\":3300", "\"bytes\":3301", "bytes"},
        {"[[0,0,1000]]", "[[3,0,1000]]", "no chunk 3"},
        {"[[2147483648,0,800]]", "[[2147483649,0,800]]", "no chunk 2147483649"},
        {"[[2147483648,0,800]]", "[[2147483648,1,800]]", "outside"},
        {"[0,0,700]", "[2147483648,0,700]", "delta 0: source 0 is a delta"},
        {"[0,0,700]", "[3,0,700]", "delta 0: segment 0: there is no chunk 3"},
        {"[2,1000,30]", "[2,1000,31]", "delta 0: segment 2: lies outside"},
        {"[800,\"ee", "[0,\"ee", "delta 0: 3 sources of 0 bytes are out of range"},
        {"[800,\"ee", "[26000000,\"ee", "out of range"},
        {"[800,\"ee", "[800,\"EE", "\"deltas\", element 0"},
        {",[2,0,1000],[2,1000,30]]", "]", "1 sources"},
        {"[[0,0,1000]]", "[[0,1,1000]]", "outside"},
        {"[[0,0,1000]]", "[[0,18446744073709551615,1000]]", "key \"ranges\", element 0"},
        {"[[0,0,1000]]", "[[0,9223372036854775807,1000]]", "\"offset\""},
        {"[[0,0,1000]]", "[[0,4503599627370496,1000]]", "outside"},
        {"[[0,0,1000]]", "[[-1,0,1000]]", "\"segments\", element 0: key \"chunk\""},
        {"[[0,0,1000]]", "[[0,0]]", "it is not [chunk, offset, length]"},
        {"[1,1500,500]", "[1,1500,501]", "schema archive"},
        {"[1,1200,300]", "[1,1200,801]", "\"public\".\"orders\": statistics: segment 0"},
        {"[1,1200,300]", "[3,1200,300]", "\"public\".\"orders\": statistics: segment 0"},
        {"1/aa/aa", "1/ab/aa", "not the name of a chunk"},
        {"1/aa/aa", "1/../aa", "not the name of a chunk"},
        {"1/bb/bb", "1/aa/aa", "appears twice"},
        {",50,1000]", ",50,99999999999]", "out of range"},
        {"\"schema\":\"a\"", "\"schema\":\"z\"", "out of order"},
        {"\"kind\":\"f\"", "\"kind\":\"q\"", "unknown kind"},
        {"\"format\":\"binary\"", "\"format\":\"csv\"", "csv"},
        {"-9223372036854775808", "-9223372036854775809", "last_value"},
        {"\"sequences\":", "\"tables\":", "key \"tables\", element 0: key \"oid\" is missing"},
        {"\"matviews\":", "\"view\":", "\"matviews\" is missing"},
        {"\"archive\":", "\"globals_sql\":", "twice"},
        {"\"large_objects\":{\"count\":3", "\"large_objects\":{\"count\":-3", "count"},
    };
    struct manifest *m = sample();
    char            *text = text_of(m);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *at = strstr(text, table[i].find);
        struct err  e = ERR_INIT;
        char       *bad;

        if (at == NULL) {
            fail_msg("\"%s\" is not in the manifest", table[i].find);
            return;
        }
        bad = xasprintf("%.*s%s%s", (int)(at - text), text, table[i].to,
                        at + strlen(table[i].find));
        if (manifest_parse(bad, strlen(bad), &e) != NULL) {
            fail_msg("%s was accepted", table[i].to);
        }
        assert_err(&e, ERR_CORRUPT, table[i].says);
        free(bad);
    }
    free(text);
    manifest_free(m);
}

static void
what_does_not_add_up_is_not_written(void **state)
{
    struct manifest *m = sample();
    struct buf       b = BUF_INIT(MIB);
    struct err       e = ERR_INIT;

    (void)state;
    m->tables[1].rows++;
    assert_int_equal(manifest_format(m, &b, &e), -1);
    assert_err(&e, ERR_CORRUPT, "manifest not written");
    assert_int_equal(b.len, 0);
    buf_free(&b);
    manifest_free(m);
}

/* As a copy does: places stay, names go. */
static void
chunks_are_ordered_by_their_first_use(void **state)
{
    const struct chunk_number numbers[] = {{7}, {3}, {5}};
    struct manifest          *m = sample();
    struct buf                b = BUF_INIT(MIB);
    struct err                e = ERR_INIT;
    struct manifest_table    *t;

    (void)state;
    manifest_number_chunks(m, numbers);
    assert_int_equal(m->n_chunks, 0);
    t = manifest_find(m, "public", "orders");
    assert_int_equal(t->ranges[0].segments[0].chunk, 0);
    manifest_order_chunks(m);
    /* The archive comes first. */
    assert_int_equal(m->n_numbers, 3);
    assert_int_equal(m->numbers[0].n, 3);
    assert_int_equal(m->numbers[1].n, 7);
    assert_int_equal(m->numbers[2].n, 5);
    assert_int_equal(m->archive[0].chunk, 0);
    assert_int_equal(t->ranges[0].segments[0].chunk, 1);
    assert_int_equal(t->ranges[1].segments[0].chunk, 0);
    assert_int_equal(t->statistics[0].chunk, 0);
    assert_int_equal(t->ranges[2].segments[0].chunk, MANIFEST_DELTA);
    assert_int_equal(m->deltas[0].sources[0].chunk, 1);
    assert_int_equal(m->deltas[0].sources[2].chunk, 2);
    /* Again, nothing changes. */
    manifest_order_chunks(m);
    assert_int_equal(m->numbers[0].n, 3);
    assert_int_equal(t->ranges[0].segments[0].chunk, 1);
    /* Numbers are no names. */
    assert_int_equal(manifest_format(m, &b, &e), -1);
    assert_err(&e, ERR_CORRUPT, "there is no chunk");
    buf_free(&b);
    manifest_free(m);
}

/* As a backup does: what is stored once has one place, whoever gave it several. */
static void
a_chunk_that_is_used_twice_has_one_place_and_an_unused_one_none(void **state)
{
    struct manifest       *m = manifest_new();
    struct manifest_table *t = add_table(m, "public", "t");

    (void)state;
    add_range(t, 0, 1, manifest_add_chunk(m, (struct chunk_number){5}), 10);
    (void)manifest_add_chunk(m, (struct chunk_number){9});
    add_range(t, 1, 1, manifest_add_chunk(m, (struct chunk_number){2}), 10);
    add_range(t, 2, 1, manifest_add_chunk(m, (struct chunk_number){5}), 10);
    assert_int_equal(t->ranges[2].segments[0].chunk, 3);
    manifest_order_chunks(m);
    assert_int_equal(m->n_numbers, 2);
    assert_int_equal(m->numbers[0].n, 5);
    assert_int_equal(m->numbers[1].n, 2);
    assert_int_equal(t->ranges[0].segments[0].chunk, 0);
    assert_int_equal(t->ranges[1].segments[0].chunk, 1);
    assert_int_equal(t->ranges[2].segments[0].chunk, 0);
    manifest_free(m);
}

/* One draft, two repositories: the names differ, the places do not. */
static void
a_draft_is_encoded_by_the_names_of_each_repository(void **state)
{
    const struct chunk_number numbers[] = {{0}, {1}, {2}};
    struct manifest          *m = sample();
    const struct chunk_ref    here[] = {m->chunks[1], m->chunks[0], m->chunks[2]};
    struct chunk_ref          there[] = {m->chunks[1], m->chunks[0], m->chunks[2]};
    struct encoded            a, b;
    struct err                e = ERR_INIT;
    struct draft              d;

    (void)state;
    there[0].name.id[0] = 0xee;
    manifest_number_chunks(m, numbers);
    d = manifest_draft(m);
    assert_int_equal(d.n, 3);
    assert_int_equal(d.chunks[0].n, 1);
    assert_ok(d.encode(d.what, here, d.n, NULL, &a, &e), &e);
    assert_ok(d.encode(d.what, there, d.n, NULL, &b, &e), &e);
    assert_string_not_equal(a.raw_sha256, b.raw_sha256);
    assert_int_equal(a.raw_size, b.raw_size);
    /* A chunk too few is found before anything is stored. */
    encoded_free(&b);
    assert_int_equal(d.encode(d.what, here, 1, NULL, &b, &e), -1);
    assert_err(&e, ERR_CORRUPT, "there is no chunk 1");
    encoded_free(&a);
    encoded_free(&b);
    manifest_free(m);
}

static void
a_manifest_without_a_fingerprint_key_reads_back_without(void **state)
{
    struct manifest *m = sample();
    struct err       e = ERR_INIT;
    struct manifest *again;
    char            *text;

    (void)state;
    m->has_fingerprint_key = false;
    text = text_of(m);
    assert_null(strstr(text, "fingerprint_key"));
    again = manifest_parse(text, strlen(text), &e);
    assert_non_null(again);
    assert_false(again->has_fingerprint_key);
    manifest_free(again);
    free(text);
    text = xasprintf("%s",
                     "{\"format\":1,\"needs\":[],\"type\":\"manifest\",\"fingerprint_key\":"
                     "\"5A\"}");
    assert_null(manifest_parse(text, strlen(text), &e));
    assert_err(&e, ERR_CORRUPT, "fingerprint_key");
    free(text);
    manifest_free(m);
}

/* ---- chunk names ---- */

static void
a_chunk_name_reads_back(void **state)
{
    static const char name[] = NAME("aa");
    struct chunk_name c;
    char              out[CHUNK_NAME_MAX];

    (void)state;
    assert_int_equal(chunk_name_parse(name, &c), 0);
    chunk_name_format(&c, out);
    assert_string_equal(out, name);
    assert_int_equal(c.epoch, 1);
    assert_int_equal(c.codec, CODEC_ZSTD);
}

/* Chunk lists are sorted by the text. */
static void
chunk_names_compare_as_their_text(void **state)
{
    static const char *const names[] = {
        NAME("00"),
        NAME("aa"),
        NAME("aa") ".enc",
        NAME("ff"),
        "10" NAME("aa"),
        "2/aa/aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-" HEX64
        "-0123456789abcdef.gz",
        "2/aa/aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-" HEX64
        "-0123456789abcdef.gz.enc",
        "2/aa/aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-" HEX64
        "-0123456789abcdef.raw",
        "2/aa/aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-" HEX64
        "-0123456789abcdef.zst",
        "2/aa/aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-" HEX64
        "-f123456789abcdef.zst",
        "2/aa/aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-f" HEX63
        "-0123456789abcdef.gz",
    };
    enum { N = sizeof names / sizeof names[0] };
    struct chunk_name c[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(chunk_name_parse(names[i], &c[i]), 0);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < N; k++) {
            int by_text = strcmp(names[i], names[k]);
            int by_name = chunk_name_compare(&c[i], &c[k]);

            assert_int_equal((by_text > 0) - (by_text < 0), (by_name > 0) - (by_name < 0));
        }
    }
}

static void
what_is_no_chunk_name_is_refused(void **state)
{
    static const char        good[] = NAME("aa");
    static const char *const bad[] = {"",      "1",      "1/",     "1/aa",        "1/aa/",
                                      "0/aa/", "/aa/aa", "01/aa/", "99999999/aa/"};
    struct chunk_name        c;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chunk_name_parse(bad[i], &c), -1);
    }
    for (size_t i = 0; i < sizeof good - 1; i++) {
        char text[sizeof good];

        memcpy(text, good, sizeof good);
        text[i] = '\0';
        assert_int_equal(chunk_name_parse(text, &c), -1);
        memcpy(text, good, sizeof good);
        text[i] = 'X';
        assert_int_equal(chunk_name_parse(text, &c), -1);
    }
}

/* ---- chunk lists ---- */

struct counted {
    size_t   n;
    uint64_t bytes;
};

static int
count_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct counted *c = ctx;

    (void)e;
    c->n++;
    c->bytes += line->size;
    return 0;
}

static void
a_chunk_list_is_sorted_and_reads_back(void **state)
{
    struct chunk_ref refs[] = {
        {.size = 60, .raw_size = 2000},
        {.size = 50, .raw_size = 1000, .retain_until = 1800000000},
    };
    struct buf     out = BUF_INIT(MIB);
    struct err     e = ERR_INIT;
    struct counted c = {0};

    (void)state;
    assert_int_equal(chunk_name_parse(NAME("bb"), &refs[0].name), 0);
    assert_int_equal(chunk_name_parse(NAME("aa"), &refs[1].name), 0);
    assert_ok(chunk_list_format(refs, 2, &out, &e), &e);
    assert_string_equal(buf_str(&out),
                        NAME("aa") " 50 1000 1800000000\n" NAME("bb") " 60 2000 0\n");
    assert_ok(chunk_list_parse(out.data, out.len, count_line, &c, &e), &e);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.bytes, 110);
    buf_free(&out);
}

static void
a_malformed_chunk_list_names_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        {NAME("aa") " 50 1000 0", "line 1 is cut short"},
        {NAME("aa") " 50 1000\n", "line 1"},
        {NAME("aa") " 50 1000 0 0\n", "line 1"},
        {NAME("aa") " -5 1000 0\n", "line 1"},
        {NAME("aa") " 50 99999999999 0\n", "line 1"},
        {NAME("aa") " 99999999999999999999 1 0\n", "line 1"},
        {NAME("aa") " 50 1000 0\n" NAME("aa") " 50 1000 0\n", "line 2 is a duplicate"},
        {NAME("bb") " 50 1000 0\n" NAME("aa") " 50 1000 0\n",
         "line 2 is a duplicate or out of order"},
        {NAME("aa") " 50 1000 0\n\n", "line 2"},
        {"../../etc/passwd 1 1 0\n", "line 1"},
    };
    struct counted c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct err e = ERR_INIT;

        assert_int_equal(chunk_list_parse(table[i].text, strlen(table[i].text), count_line, &c, &e),
                         -1);
        assert_err(&e, ERR_CORRUPT, table[i].says);
    }
}

/* ---- a large one: memory stays near the text and the result ---- */

static size_t
peak_kib(void)
{
    FILE  *f = fopen("/proc/self/status", "r");
    char   line[128];
    size_t kib = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "VmHWM: %zu", &kib);
    }
    (void)fclose(f);
    return kib;
}

static void
a_large_manifest_needs_little_memory(void **state)
{
    enum { RANGES = 150000 };
    struct manifest       *m = manifest_new();
    struct buf             text = BUF_INIT(512 * MIB);
    struct err             e = ERR_INIT;
    struct manifest_table *t;
    size_t                 before;

    (void)state;
    t = add_table(m, "public", "huge");
    for (uint32_t i = 0; i < RANGES; i++) {
        char     name[CHUNK_NAME_MAX];
        uint32_t id = i * 2654435761u; /* spread, as keyed hashes are */

        (void)snprintf(name, sizeof name, "1/%02x/%08x%056x-" HEX64 "-0123456789abcdef.zst",
                       id >> 24, id, i);
        add_range(t, i * 2048u, 100, add_chunk(m, name, 1000, 2000), 2000);
    }
    assert_ok(manifest_format(m, &text, &e), &e);
    manifest_free(m);
    before = peak_kib();
    m = manifest_parse(text.data, text.len, &e);
    assert_non_null(m);
    /* The first copy's pages are used again, so nearly all of the second's memory is not new. */
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    assert_true(peak_kib() - before < 32 * 1024);
#else
    (void)before;
#endif
    assert_int_equal(m->tables[0].n_ranges, RANGES);
    manifest_free(m);
    buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_reads_back_as_it_was),
        cmocka_unit_test(the_text_is_one_json_document),
        cmocka_unit_test(blanks_and_unknown_keys_do_not_matter),
        cmocka_unit_test(a_manifest_cut_anywhere_is_refused),
        cmocka_unit_test(what_does_not_add_up_is_refused),
        cmocka_unit_test(what_does_not_add_up_is_not_written),
        cmocka_unit_test(chunks_are_ordered_by_their_first_use),
        cmocka_unit_test(a_chunk_that_is_used_twice_has_one_place_and_an_unused_one_none),
        cmocka_unit_test(a_draft_is_encoded_by_the_names_of_each_repository),
        cmocka_unit_test(a_manifest_without_a_fingerprint_key_reads_back_without),
        cmocka_unit_test(a_chunk_name_reads_back),
        cmocka_unit_test(chunk_names_compare_as_their_text),
        cmocka_unit_test(what_is_no_chunk_name_is_refused),
        cmocka_unit_test(a_chunk_list_is_sorted_and_reads_back),
        cmocka_unit_test(a_malformed_chunk_list_names_its_line),
        cmocka_unit_test(a_large_manifest_needs_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
