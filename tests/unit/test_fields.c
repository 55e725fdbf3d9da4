/* fields.h: the tables of labels and manifests are what docs/schema says, and copies are whole. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "storage/format/label.h"
#include "storage/format/label_fields.h"
#include "storage/format/manifest_fields.h"

/* ---- tables and schemas ---- */

struct schema {
    const char *file;
    json_t     *root;
};

static struct schema
open_schema(const char *file)
{
    struct schema s = {.file = file};
    json_error_t  why;

    s.root = json_load_file(file, 0, &why);
    if (s.root == NULL) {
        fail_msg("%s: %s", file, why.text);
    }
    return s;
}

/* What a $ref, or the first part of an allOf, stands for. */
static json_t *
resolve(const struct schema *s, json_t *x)
{
    static const char defs[] = "#/$defs/";
    const char       *ref;

    if (json_object_get(x, "allOf") != NULL) {
        x = json_array_get(json_object_get(x, "allOf"), 0);
    }
    ref = json_string_value(json_object_get(x, "$ref"));
    if (ref != NULL && strncmp(ref, defs, sizeof defs - 1) == 0) {
        x = json_object_get(json_object_get(s->root, "$defs"), ref + sizeof defs - 1);
    }
    assert_non_null(x);
    return x;
}

static bool
has_type(json_t *x, const char *type)
{
    const char *is = json_string_value(json_object_get(x, "type"));

    return is != NULL && strcmp(is, type) == 0;
}

static bool
is_text(const struct schema *s, json_t *x)
{
    const char *ref = json_string_value(json_object_get(x, "$ref"));

    return (ref != NULL && strcmp(ref, "#/$defs/text") == 0) || has_type(resolve(s, x), "string");
}

static bool
is_number(json_t *x, json_int_t max)
{
    const json_t *most = json_object_get(x, "maximum");

    return has_type(x, "integer") && json_is_integer(json_object_get(x, "minimum")) &&
        (most == NULL ? max == 0 : max == 0 || json_integer_value(most) == max);
}

/* "^[0-9a-f]{digits}$" */
static bool
is_hex(json_t *x, size_t digits)
{
    const char *pattern = json_string_value(json_object_get(x, "pattern"));
    char        want[32];

    (void)snprintf(want, sizeof want, "^[0-9a-f]{%zu}$", digits);
    return has_type(x, "string") && pattern != NULL && strcmp(pattern, want) == 0;
}

static bool
is_words(json_t *x, const char *const *words)
{
    const json_t *list = json_object_get(x, "enum");
    size_t        n = 0;

    for (; words[n] != NULL; n++) {
        const char *word = json_string_value(json_array_get(list, n));

        if (word == NULL || strcmp(word, words[n]) != 0) {
            return false;
        }
    }
    return json_array_size(list) == n;
}

static bool
is_letters(json_t *x)
{
    const json_t *list = json_object_get(x, "enum");

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_string_length(json_array_get(list, i)) != 1) {
            return false;
        }
    }
    return json_array_size(list) > 0;
}

static bool is_struct(const struct schema *, json_t *, const struct fields *, const char *at);

static bool
is_value(const struct schema *s, json_t *x, const struct field *f, const char *at)
{
    json_t *v = resolve(s, x);

    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_OPT_TEXT:
        return is_text(s, x);
    case FIELD_ID:
    case FIELD_TIME:
    case FIELD_INT64:
        return has_type(v, "string") && json_object_get(v, "pattern") != NULL;
    case FIELD_CHUNK:
        return has_type(v, "string") && json_object_get(v, "pattern") != NULL;
    case FIELD_DIGITS:
        return is_hex(v, f->size - 1);
    case FIELD_HEX64:
    case FIELD_OPT_HEX:
        return is_hex(v, 2 * f->size);
    case FIELD_LETTER:
        return is_letters(v);
    case FIELD_WORD:
        return is_words(v, f->words);
    case FIELD_COUNT:
    case FIELD_OPT_COUNT:
    case FIELD_INT:
        return is_number(v, 0);
    case FIELD_COUNT32:
        return is_number(v, UINT32_MAX);
    case FIELD_SECONDS:
        return has_type(v, "number");
    case FIELD_BOOL:
        return has_type(v, "boolean");
    case FIELD_FLAG:
        return json_is_true(json_object_get(v, "const"));
    case FIELD_JSON:
        return has_type(v, "object") || has_type(v, "array");
    case FIELD_TEXTS:
        return has_type(v, "array") && is_text(s, json_object_get(v, "items"));
    case FIELD_OBJECT:
        return is_struct(s, v, f->of, at);
    case FIELD_LIST:
        return has_type(v, "array") &&
            is_struct(s, resolve(s, json_object_get(v, "items")), f->of, at);
    }
    return false;
}

static void
check_value(const struct schema *s, json_t *x, const struct field *f, const char *in)
{
    char *at = xasprintf("%s/%s", in, f->key);

    if (x == NULL) {
        fail_msg("%s does not have %s", s->file, at);
    } else if (!is_value(s, x, f, at)) {
        fail_msg("%s says something else of %s than the table", s->file, at);
    }
    free(at);
}

static bool
is_required(json_t *x, const char *key)
{
    const json_t *list = json_object_get(x, "required");

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), key) == 0) {
            return true;
        }
    }
    return false;
}

/* Each row has its key in the schema, of this kind; true. */
static bool
is_struct(const struct schema *s, json_t *x, const struct fields *fs, const char *at)
{
    json_t *keys = json_object_get(x, fs->array ? "prefixItems" : "properties");

    for (size_t i = 0; i < fs->n; i++) {
        const struct field *f = &fs->v[i];

        check_value(s, fs->array ? json_array_get(keys, i) : json_object_get(keys, f->key), f, at);
        if (!fs->array && is_required(x, f->key) == field_optional(f)) {
            fail_msg("%s: %s/%s is required, or it is optional: schema and table differ", s->file,
                     at, f->key);
        }
    }
    if (fs->array ? json_array_size(keys) != fs->n : strcmp(at, "") != 0) {
        size_t n = fs->array ? json_array_size(keys) : json_object_size(keys);

        if (n != fs->n) {
            fail_msg("%s: %s has %zu keys, the table %zu", s->file, at, n, fs->n);
        }
    }
    return true;
}

static void
check_count(const struct schema *s, size_t rows, size_t others)
{
    size_t keys = json_object_size(json_object_get(s->root, "properties"));

    if (keys != rows + others) {
        fail_msg("%s has %zu keys, the tables %zu and %zu others", s->file, keys, rows, others);
    }
}

static void
the_manifests_table_is_its_schema(void **state)
{
    struct schema s = open_schema("docs/schema/manifest.json");

    (void)state;
    assert_true(is_struct(&s, s.root, &manifest_fields, ""));
    check_count(&s, manifest_fields.n, 3 /* format, needs, type */);
    json_decref(s.root);
}

static void
the_labels_tables_are_its_schema(void **state)
{
    struct schema s = open_schema("docs/schema/label.json");
    json_t       *properties = json_object_get(s.root, "properties");

    (void)state;
    assert_true(is_struct(&s, s.root, &label_plain_fields, ""));
    assert_true(is_struct(&s, s.root, &label_backup_fields, ""));
    for (size_t i = 0; i < label_hidden_fields.n; i++) { /* required of a plain label only */
        const struct field *f = &label_hidden_fields.v[i];

        check_value(&s, json_object_get(properties, f->key), f, "");
    }
    assert_true(is_struct(&s, json_object_get(properties, "copied_from"), &label_copied_fields,
                          "/copied_from"));
    assert_true(is_struct(&s, json_object_get(properties, "imported_from"), &label_imported_fields,
                          "/imported_from"));
    check_count(&s, label_plain_fields.n + label_backup_fields.n + label_hidden_fields.n,
                12 /* format, needs, type, epoch, settings, keys, hidden, copied_from,
                      imported_from, heads, signer, sequence */);
    json_decref(s.root);
}

/* ---- copies ---- */

struct leaf {
    char    *name;
    uint64_t sums[2];
};

struct tree {
    char          *text, *none;
    struct strlist texts;
    json_t        *value;
    struct leaf    one;
    struct leaf   *leaves;
    size_t         n_leaves, cap_leaves;
    uint8_t        key[4];
    bool           has_key;
};

static const struct field leaf_rows[] = {
    FIELD(FIELD_TEXT, "name", struct leaf, name),
    FIELD(FIELD_HEX64, "sums", struct leaf, sums),
};
static const struct fields leaf_fields = FIELDS(struct leaf, leaf_rows);

static const struct field tree_rows[] = {
    FIELD(FIELD_TEXT, "text", struct tree, text),
    FIELD(FIELD_OPT_TEXT, "none", struct tree, none),
    FIELD(FIELD_TEXTS, "texts", struct tree, texts),
    FIELD(FIELD_JSON, "value", struct tree, value),
    FIELD(FIELD_OBJECT, "one", struct tree, one, .of = &leaf_fields),
    FIELD_LIST_OF("leaves", struct tree, leaves, leaf_fields),
    FIELD(FIELD_OPT_HEX, "key", struct tree, key, .has = offsetof(struct tree, has_key)),
};
static const struct fields tree_fields = FIELDS(struct tree, tree_rows);

static const char tree_text[] =
    "{\"key\":\"00ff10a5\",\"leaves\":[{\"name\":\"a\",\"sums\":"
    "\"00000000000000010000000000000002\"},{\"name\":{\"b64\":\"/w==\"},\"sums\":"
    "\"ffffffffffffffff8000000000000000\"}],\"one\":{\"name\":\"o\",\"sums\":"
    "\"0123456789abcdeffedcba9876543210\"},\"text\":\"t\",\"texts\":[\"x\",\"y\"],"
    "\"value\":{\"any\":[1,2.5,null]}}";

static struct tree
read_tree(const char *text)
{
    struct tree t = {0};
    struct err  e = ERR_INIT;
    json_t     *o = json_read(text, strlen(text), &e);

    assert_non_null(o);
    assert_ok(fields_read(&tree_fields, o, &t, &e), &e);
    json_decref(o);
    return t;
}

static void
expect_text(const struct tree *t, const char *want)
{
    struct buf out = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    json_t    *o;

    assert_ok(fields_json(&tree_fields, t, &o, &e), &e);
    assert_ok(json_write(o, &out, &e), &e);
    assert_string_equal(buf_str(&out), want);
    json_decref(o);
    buf_free(&out);
}

static void
every_kind_that_owns_memory_is_copied_and_freed(void **state)
{
    struct tree t = read_tree(tree_text);
    struct tree copy = {0};

    (void)state;
    assert_int_equal(t.leaves[1].sums[1], (uint64_t)1 << 63);
    fields_copy(&tree_fields, &t, &copy);
    fields_free(&tree_fields, &t);
    assert_null(t.leaves);
    assert_int_equal(t.n_leaves, 0);
    expect_text(&copy, tree_text);
    fields_free(&tree_fields, &copy);
    fields_free(&tree_fields, &copy); /* is empty now */
}

static void
what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *find, *to, *says;
    } table[] = {
        {"\"t\"", "7", "key \"text\": neither a string nor"},
        {"\"t\"", "{\"b64\":\"YQBi\"}", "key \"text\": it holds a NUL"},
        {"\"text\"", "\"txt\"", "key \"text\" is missing"},
        {"\"y\"", "null", "key \"texts\", element 1: neither a string nor"},
        {"\"00ff10a5\"", "\"00ff10A5\"", "key \"key\" is not 8 hex digits"},
        {"{\"name\":\"o\"", "{\"nom\":\"o\"", "key \"one\": key \"name\" is missing"},
        {"{\"name\":\"a\"", "{\"nom\":\"a\"", "key \"leaves\", element 0: key \"name\" is missing"},
        {"ffffffffffffffff8", "ffffffffffffffff",
         "key \"leaves\", element 1: key \"sums\" is not 32 hex digits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *at = strstr(tree_text, table[i].find);
        struct tree t = {0};
        struct err  e = ERR_INIT;
        json_t     *o;
        char       *bad;

        if (at == NULL) {
            fail_msg("%s is not in the text", table[i].find);
            return;
        }
        bad = xasprintf("%.*s%s%s", (int)(at - tree_text), tree_text, table[i].to,
                        at + strlen(table[i].find));
        o = json_read(bad, strlen(bad), &e);
        assert_non_null(o);
        assert_int_equal(fields_read(&tree_fields, o, &t, &e), -1);
        assert_err(&e, ERR_CORRUPT, table[i].says);
        fields_free(&tree_fields, &t);
        json_decref(o);
        free(bad);
    }
}

static void
a_text_that_was_never_filled_in_is_not_written(void **state)
{
    struct tree t = read_tree(tree_text);
    struct err  e = ERR_INIT;
    json_t     *o;

    (void)state;
    free(t.leaves[1].name);
    t.leaves[1].name = NULL;
    assert_int_equal(fields_json(&tree_fields, &t, &o, &e), -1);
    assert_err(&e, ERR_CORRUPT, "key \"leaves\", element 1: key \"name\" was never filled in");
    assert_null(o);
    fields_free(&tree_fields, &t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manifests_table_is_its_schema),
        cmocka_unit_test(the_labels_tables_are_its_schema),
        cmocka_unit_test(every_kind_that_owns_memory_is_copied_and_freed),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_text_that_was_never_filled_in_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
