/*
 * Backups night after night, with deltas: whatever happened to the rows, to what this host keeps
 * and to the chunks, each backup reads back as what was there that night.
 */
#include "tests/fault/fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>

#include "backup/delta/delta.h"
#include "core/enc.h"
#include "storage/format/chunkindex.h"
#include "storage/repo/condemned.h"

enum { TABLES = 2, ROWS = 1500, ROW_MAX = 600, NIGHTS = 24, BUFFER = 256 << 10 };

/* ---- rows ---- */

struct row {
    uint32_t id, version;
    size_t   n;
};

struct table {
    struct row *v;
    size_t      n, cap;
    uint32_t    next;
    bool        parts; /* its rows come as parts of rows */
};

static uint64_t seed;

static uint64_t
any(uint64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
}

static void
row_text(const struct row *r, char *out)
{
    memset(out, 'a' + (char)(r->id % 26), r->n);
    (void)snprintf(out, r->n, "%u %u", r->id, r->version);
    out[r->n - 1] = '\n';
}

static struct row
new_row(struct table *t)
{
    return (struct row){t->next++, 0, 30 + any(ROW_MAX - 30)};
}

static void
insert_at(struct table *t, size_t at)
{
    VEC_GROW(t->v, t->n, t->cap);
    memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof *t->v);
    t->v[at] = new_row(t);
    t->n++;
}

/* What applications do: here and there, everywhere, at the end, in the middle, nothing. */
static void
change(struct table *t)
{
    const size_t n = 1 + any(30);

    switch (any(7)) {
    case 0:
        break;
    case 1:
        for (size_t i = 0; i < n; i++) {
            t->v[any(t->n)].version++;
        }
        break;
    case 2:
        for (size_t i = 0; i < n; i++) {
            insert_at(t, any(t->n + 1));
        }
        break;
    case 3:
        for (size_t i = 0; i < n && t->n > 100; i++) {
            size_t at = any(t->n);

            memmove(&t->v[at], &t->v[at + 1], (--t->n - at) * sizeof *t->v);
        }
        break;
    case 4: /* an UPDATE moves rows to the end */
        for (size_t i = 0; i < n; i++) {
            size_t     at = any(t->n);
            struct row moved = t->v[at];

            memmove(&t->v[at], &t->v[at + 1], (t->n - 1 - at) * sizeof *t->v);
            moved.version++;
            t->v[t->n - 1] = moved;
        }
        break;
    case 5:
        if (any(4) == 0) {
            for (size_t i = 0; i < t->n; i++) {
                t->v[i].version++;
            }
        }
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            insert_at(t, t->n);
        }
    }
}

/* ---- one backup ---- */

struct night {
    char       id[BACKUP_ID_MAX];
    struct buf rows[TABLES];
    bool       gone;    /* damaged on purpose */
    bool       lost[2]; /* that repository failed */
};

struct world {
    struct fanout_repo repos[2];
    size_t             n_repos;
    struct table       tables[TABLES];
    struct night       nights[NIGHTS];
    size_t             n;
    uint64_t           new_bytes; /* of the last backup, in the first repository */
};

static void
fill(const struct table *t, struct buf *out)
{
    struct err e = ERR_INIT;
    char       text[ROW_MAX];

    for (size_t i = 0; i < t->n; i++) {
        row_text(&t->v[i], text);
        assert_ok(buf_append(out, text, t->v[i].n, &e), &e);
    }
}

/* As the engine does: buffers of whole rows. */
static void
put_table(const struct table *t, const char *name, struct deltas *d, struct manifest *m)
{
    struct manifest_table *mt = manifest_add_table(m);
    struct manifest_range  r = {.rows = t->n};
    struct marks           marks = {0};
    struct buf             raw = BUF_INIT(BUFFER);
    struct deltas_place    at = {.schema = "public", .name = name};
    struct row_sum         sum = {0};
    struct err             e = ERR_INIT;
    char                   text[ROW_MAX];

    for (size_t i = 0; i <= t->n; i++) {
        if (raw.len > 0 && (i == t->n || raw.len + t->v[i].n > BUFFER)) {
            struct manifest_segment s = {.length = raw.len};
            struct placed           p;

            assert_ok(deltas_put(d, 0, &at, raw.data, raw.len, &marks, &p, &e), &e);
            s.chunk = placed_record(&p, m);
            placed_free(&p);
            segment_add(&r.segments, &r.n, &r.cap, &s);
            mt->bytes += raw.len;
            at.ordinal++;
            buf_clear(&raw);
            marks_clear(&marks);
        }
        if (i < t->n) {
            struct row_print print;

            row_text(&t->v[i], text);
            print = row_sum_add(&sum, m->fingerprint_key, text, t->v[i].n);
            if (t->parts) {
                marks_part(&marks, t->v[i].n);
            } else {
                marks_row(&marks, deltas_key(d), &print, t->v[i].n);
            }
            assert_ok(buf_append(&raw, text, t->v[i].n, &e), &e);
        }
    }
    mt->schema = xstrdup("public");
    mt->name = xstrdup(name);
    mt->kind = 'r';
    mt->persistence = 'p';
    mt->rows = t->n;
    mt->ranges = xcalloc(1, sizeof *mt->ranges);
    mt->ranges[0] = r;
    mt->n_ranges = mt->cap_ranges = 1;
    marks_free(&marks);
    buf_free(&raw);
}

static void
back_up(struct world *w, bool whole)
{
    struct err            e = ERR_INIT;
    struct fanout        *f = fixture_begin(w->repos, w->n_repos, 1, &e);
    struct manifest      *m = manifest_new();
    struct label         *l = fixture_label();
    struct night         *night = &w->nights[w->n++];
    struct deltas_options o = {
        .db = "shop", .fingerprint_key = m->fingerprint_key, .whole = whole, .kept_max = GIB};
    struct deltas *d;

    if (f == NULL) {
        fail_msg("%s", e.text);
    }
    memcpy(m->fingerprint_key, fanout_fingerprint_key(f), sizeof m->fingerprint_key);
    m->has_fingerprint_key = true;
    d = deltas_begin(f, &o);
    put_table(&w->tables[0], "a", d, m);
    put_table(&w->tables[1], "b", d, m);
    assert_ok(fixture_commit(f, m, l, &e), &e);
    deltas_commit(d);
    for (size_t i = 0; i < w->n_repos; i++) {
        night->lost[i] = w->repos[i].label == NULL;
        if (!night->lost[i]) {
            memcpy(night->id, w->repos[i].label->id, sizeof night->id);
        }
    }
    w->new_bytes = w->repos[0].stats.new_bytes;
    for (size_t i = 0; i < TABLES; i++) {
        night->rows[i] = (struct buf)BUF_INIT(16 * MIB);
        fill(&w->tables[i], &night->rows[i]);
    }
    deltas_end(d);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    for (size_t i = 0; i < w->n_repos; i++) {
        label_free(w->repos[i].label);
        w->repos[i] = (struct fanout_repo){.repo = w->repos[i].repo};
    }
}

/* True: it reads back as it was; false: it says that it does not. */
static bool
reads_back(const struct world *w, const struct night *night, struct repo *r, size_t *deltas)
{
    struct err       e = ERR_INIT;
    struct label    *l = label_load(r, "shop", night->id, &e);
    struct manifest *m = l == NULL ? NULL : manifest_load(r, l, &e);
    struct buf       out = BUF_INIT(16 * MIB);
    bool             good = m != NULL;

    (void)w;
    for (size_t i = 0; good && i < TABLES; i++) {
        const struct manifest_range *range = &m->tables[i].ranges[0];

        good = segments_read(r, "shop", m, range->segments, range->n, &out, &e) == 0;
        if (good) {
            assert_int_equal(out.len, night->rows[i].len);
            assert_memory_equal(out.data, night->rows[i].data, out.len);
        }
    }
    if (deltas != NULL) {
        *deltas = m == NULL ? 0 : m->n_deltas;
    }
    buf_free(&out);
    manifest_free(m);
    label_free(l);
    return good;
}

static void
all_read_back(struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        for (size_t r = 0; r < w->n_repos; r++) {
            if (!w->nights[i].gone && !w->nights[i].lost[r] &&
                !reads_back(w, &w->nights[i], w->repos[r].repo, NULL)) {
                fail_msg("night %zu of seed %" PRIu64, i, seed);
            }
        }
    }
}

static struct world *
begin(unsigned from, size_t repos)
{
    struct world *w = xcalloc(1, sizeof *w);

    seed = from;
    for (size_t i = 0; i < repos; i++) {
        w->repos[i].repo = fixture_repo_number((unsigned)i);
    }
    w->n_repos = repos;
    for (size_t t = 0; t < TABLES; t++) {
        while (w->tables[t].n < ROWS) {
            insert_at(&w->tables[t], w->tables[t].n);
        }
    }
    return w;
}

static void
end(struct world *w)
{
    for (size_t i = 0; i < w->n_repos; i++) {
        repo_close(w->repos[i].repo);
    }
    for (size_t t = 0; t < TABLES; t++) {
        free(w->tables[t].v);
    }
    for (size_t i = 0; i < w->n; i++) {
        for (size_t t = 0; t < TABLES; t++) {
            buf_free(&w->nights[i].rows[t]);
        }
    }
    free(w);
}

static char *
kept_file(void)
{
    return xasprintf("%s/%02x112233445566778899aabbccddeeff/shop.rows", getenv("PGASSAY_STATE_DIR"),
                     0);
}

/* ---- tests ---- */

static int
set_up(void **state)
{
    *state = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    fixture_remove(*state);
    return 0;
}

static void
each_night_reads_back_as_it_was(void **state)
{
    (void)state;
    for (unsigned s = 1; s <= 6; s++) {
        struct world *w = begin(s, s % 2 + 1);

        for (size_t night = 0; night < NIGHTS; night++) {
            back_up(w, any(10) == 0);
            change(&w->tables[any(TABLES)]);
        }
        all_read_back(w);
        end(w);
    }
}

/* The point of it. */
static void
few_changed_rows_cost_few_bytes(void **state)
{
    struct world *w = begin(7, 1);
    uint64_t      first;
    size_t        deltas;

    (void)state;
    back_up(w, false);
    first = w->new_bytes;
    w->tables[0].v[700].version++;
    w->tables[1].v[10].version++;
    back_up(w, false);
    assert_true(w->new_bytes * 20 < first);
    assert_true(reads_back(w, &w->nights[1], w->repos[0].repo, &deltas));
    assert_int_equal(deltas, 2);
    /* Nothing has changed: nothing is stored. */
    back_up(w, false);
    assert_int_equal(w->new_bytes, 0);
    assert_true(reads_back(w, &w->nights[2], w->repos[0].repo, &deltas));
    assert_int_equal(deltas, 2);
    /* One is asked to be whole. */
    back_up(w, true);
    assert_true(w->new_bytes * 3 > first);
    assert_true(reads_back(w, &w->nights[3], w->repos[0].repo, &deltas));
    assert_int_equal(deltas, 0);
    all_read_back(w);
    end(w);
}

/* Rows too large for a chunk have no digests: what has the same length may be another. */
static void
parts_of_rows_are_never_the_same(void **state)
{
    struct world *w = begin(8, 1);

    (void)state;
    w->tables[0].parts = true;
    for (int night = 0; night < 3; night++) {
        back_up(w, false);
        w->tables[0].v[700].version++;
    }
    all_read_back(w);
    end(w);
}

/* However long it goes on, a reader needs few chunks, and half as much again at most. */
static void
chains_are_bounded(void **state)
{
    struct world *w = begin(11, 1);

    (void)state;
    for (size_t night = 0; night < NIGHTS; night++) {
        struct err       e = ERR_INIT;
        struct label    *l;
        struct manifest *m;

        for (size_t i = 0; i < 40; i++) {
            w->tables[0].v[any(w->tables[0].n)].version++;
        }
        back_up(w, false);
        l = label_load(w->repos[0].repo, "shop", w->nights[night].id, &e);
        m = manifest_load(w->repos[0].repo, l, &e);
        for (size_t i = 0; i < m->n_deltas; i++) {
            const struct manifest_delta *d = &m->deltas[i];
            uint64_t                     read = 0;

            for (size_t k = 0; k < d->n; k++) {
                bool first = true;

                for (size_t j = 0; j < k; j++) {
                    first = first && d->sources[j].chunk != d->sources[k].chunk;
                }
                read += first ? m->chunks[d->sources[k].chunk].raw_size : 0;
            }
            assert_true(d->n <= DELTA_SOURCES_MAX);
            assert_true(2 * read <= 3 * d->raw_size + 2 * DELTA_LIST_MAX / 100);
        }
        manifest_free(m);
        label_free(l);
    }
    all_read_back(w);
    end(w);
}

/* A table whose rows are all equal, or nearly so: whether a row ends its unit is decided once for
 * all of them. */
static void
short_rows_need_few_marks(void **state)
{
    const uint8_t key[16] = {1};
    struct marks  marks = {0};

    (void)state;
    for (uint32_t row = 0; row < 500; row++) {
        struct row_sum sum = {0};

        marks_clear(&marks);
        while (sum.bytes < 64 << 10) {
            struct row_print print = row_sum_add(&sum, key, &row, 1 + row % sizeof row);

            marks_row(&marks, key, &print, 1 + row % sizeof row);
        }
        marks_end(&marks);
        assert_true(marks.n <= 1 + sum.bytes / MARKS_UNIT_MIN);
    }
    marks_free(&marks);
}

/* ---- what this host keeps ---- */

static void
spoil(const char *path)
{
    int   fd = open(path, O_RDWR);
    off_t n = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

    assert_true(n > 0);
    switch (any(4)) {
    case 0:
        assert_int_equal(ftruncate(fd, (off_t)any((uint64_t)n)), 0);
        break;
    case 1:
        assert_int_equal(unlink(path), 0);
        break;
    default:
        for (size_t i = 0; i < 1 + any(20); i++) {
            uint8_t byte;
            off_t   at = (off_t)any((uint64_t)n);

            assert_int_equal(pread(fd, &byte, 1, at), 1);
            byte ^= (uint8_t)(1U << any(8));
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
    }
    (void)close(fd);
}

static void
what_is_kept_may_be_lost_or_spoilt(void **state)
{
    char *path = kept_file();

    (void)state;
    for (unsigned s = 20; s < 26; s++) {
        struct world *w = begin(s, 1);

        for (size_t night = 0; night < NIGHTS; night++) {
            back_up(w, false);
            change(&w->tables[any(TABLES)]);
            if (any(2) == 0) {
                spoil(path);
            }
        }
        all_read_back(w);
        end(w);
    }
    free(path);
}

/* A state directory that is rolled back: yesterday's names are not in the newest list any more, or
 * are: both are right. */
static void
two_hosts_take_turns(void **state)
{
    struct world *w = begin(31, 1);
    const char   *own = getenv("PGASSAY_STATE_DIR");
    char         *other = fixture_dir();
    char         *mine = xstrdup(own);

    (void)state;
    for (size_t night = 0; night < NIGHTS; night++) {
        assert_int_equal(setenv("PGASSAY_STATE_DIR", any(2) == 0 ? mine : other, 1), 0);
        back_up(w, false);
        change(&w->tables[any(TABLES)]);
    }
    all_read_back(w);
    assert_int_equal(setenv("PGASSAY_STATE_DIR", mine, 1), 0);
    end(w);
    fixture_remove(other);
    free(mine);
}

/* A repository was made anew, or put back from a copy: what it does not have is not used. */
static void
what_is_kept_of_another_repository_is_not_used(void **state)
{
    struct world *w = begin(95, 1);
    char         *path = kept_file(), *saved = xasprintf("%s/saved", getenv("PGASSAY_STATE_DIR"));

    (void)state;
    back_up(w, false);
    assert_int_equal(rename(path, saved), 0);
    end(w);
    w = begin(96, 1);
    back_up(w, false);
    assert_int_equal(rename(saved, path), 0);
    for (int night = 0; night < 2; night++) {
        w->tables[0].v[10].version++;
        back_up(w, false);
    }
    all_read_back(w);
    end(w);
    free(saved);
    free(path);
}

static struct fanout *
begin_run(struct fanout_repo *to, struct deltas_options *o, struct manifest *m)
{
    struct err     e = ERR_INIT;
    struct fanout *f = fixture_begin(to, 1, 1, &e);

    if (f == NULL) {
        fail_msg("%s", e.text);
    }
    memcpy(m->fingerprint_key, fanout_fingerprint_key(f), sizeof m->fingerprint_key);
    m->has_fingerprint_key = true;
    *o = (struct deltas_options){
        .db = "shop", .fingerprint_key = m->fingerprint_key, .kept_max = GIB};
    return f;
}

/* One of them keeps nothing; the other's is not touched. */
static void
two_at_once_on_one_host(void **state)
{
    struct world         *w = begin(50, 1);
    struct manifest      *m = manifest_new();
    struct label         *l = fixture_label();
    char                 *path = kept_file();
    struct err            e = ERR_INIT;
    struct deltas_options o;
    struct fanout        *f = begin_run(w->repos, &o, m);
    struct deltas        *first = deltas_begin(f, &o);

    (void)state;
    deltas_end(deltas_begin(f, &o));
    put_table(&w->tables[0], "a", first, m);
    assert_ok(fixture_commit(f, m, l, &e), &e);
    deltas_commit(first);
    deltas_end(first);
    assert_int_equal(access(path, F_OK), 0);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    label_free(w->repos[0].label);
    w->repos[0].label = NULL;
    free(path);
    end(w);
}

static void
what_is_not_to_be_kept_goes(void **state)
{
    struct world         *w = begin(53, 1);
    struct manifest      *m = manifest_new();
    char                 *path = kept_file();
    struct deltas_options o;
    struct fanout        *f;

    (void)state;
    back_up(w, false);
    assert_int_equal(access(path, F_OK), 0);
    f = begin_run(w->repos, &o, m);
    o.kept_max = 0;
    o.forget = true;
    deltas_end(deltas_begin(f, &o));
    assert_int_not_equal(access(path, F_OK), 0);
    fanout_end(f);
    manifest_free(m);
    free(path);
    end(w);
}

/* What cannot be finished leaves the room to the others who write there. */
static void
what_cannot_be_kept_takes_no_room(void **state)
{
    struct world         *w = begin(51, 1);
    struct manifest      *m = manifest_new();
    char                 *path = kept_file();
    char                 *side = xasprintf("%s.new", path);
    struct deltas_options o;
    struct fanout        *f = begin_run(w->repos, &o, m);
    struct deltas        *d = deltas_begin(f, &o);
    struct rlimit         was, few;
    struct stat           st;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    few = (struct rlimit){.rlim_cur = 20000, .rlim_max = was.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    put_table(&w->tables[0], "a", d, m);
    put_table(&w->tables[1], "b", d, m);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(stat(side, &st), 0);
    assert_int_equal(st.st_size, 0);
    deltas_end(d);
    fanout_end(f);
    manifest_free(m);
    free(side);
    free(path);
    end(w);
}

/* ---- chunks ---- */

/* A chunk of the last backup is condemned, or gone, in one repository: the next backup does without
 * it, and is whole. */
static void
what_may_not_be_reused_is_no_base(void **state)
{
    (void)state;
    for (unsigned s = 40; s < 48; s++) {
        struct world *w = begin(s, s % 2 + 1);

        for (size_t night = 0; night < 10; night++) {
            struct repo     *r;
            struct err       e = ERR_INIT;
            struct label    *l;
            struct manifest *m;
            size_t           at;

            back_up(w, false);
            change(&w->tables[0]);
            w->tables[1].v[any(w->tables[1].n)].version++;
            r = w->repos[any(w->n_repos)].repo;
            l = label_load(r, "shop", w->nights[night].id, &e);
            m = manifest_load(r, l, &e);
            at = any(m->n_chunks);
            if (any(2) == 0) {
                struct strlist names = {0}, objects = {0};
                char           name[CHUNK_NAME_MAX];

                strlist_add(&names, chunk_name_format(&m->chunks[at].name, name));
                assert_ok(condemned_put(r, "shop", &names, &objects, &e), &e);
                strlist_free(&names);
                strlist_free(&objects);
            } else {
                char *key = chunk_key("shop", &m->chunks[at].name);

                assert_ok(storage_remove(r->st, (const char *const *)&key, 1, &e), &e);
                free(key);
                for (size_t i = 0; i <= night; i++) {
                    w->nights[i].gone = true;
                }
            }
            manifest_free(m);
            label_free(l);
        }
        back_up(w, false);
        for (size_t i = 0; i < w->n_repos; i++) {
            assert_true(reads_back(w, &w->nights[w->n - 1], w->repos[i].repo, NULL));
        }
        all_read_back(w);
        end(w);
    }
}

static void
store_twice_use_once(unsigned from)
{
    struct world         *w = begin(from, 2);
    struct manifest      *m = manifest_new();
    struct label         *l = fixture_label();
    struct fanout_repo    to = {.repo = w->repos[0].repo};
    struct err            e = ERR_INIT;
    struct deltas_options o;
    struct fanout        *f = begin_run(&to, &o, m); /* sees nothing of what the other stores */
    struct deltas        *d;

    back_up(w, false);
    o.kept_max = 0;
    o.whole = true;
    d = deltas_begin(f, &o);
    put_table(&w->tables[1], "b", d, m);
    free(l->scope);
    l->scope = xstrdup("part");
    assert_ok(fixture_commit(f, m, l, &e), &e);
    deltas_end(d);
    fanout_end(f);
    label_free(to.label);
    /* A table that is what the other was, and of that a delta. */
    free(w->tables[0].v);
    w->tables[0] = w->tables[1];
    w->tables[0].v = xcalloc(w->tables[1].cap, sizeof *w->tables[1].v);
    memcpy(w->tables[0].v, w->tables[1].v, w->tables[1].n * sizeof *w->tables[1].v);
    w->tables[1].v[10].version++;
    back_up(w, false);
    all_read_back(w);
    manifest_free(m);
    label_free(l);
    end(w);
}

/* True: the n-th call of a night's was one. */
static bool
fails_once(unsigned n, size_t which, bool after)
{
    struct world *w = begin(100 + n, 2);
    struct repo  *r = w->repos[which].repo;
    unsigned      calls = 0, of_night;

    back_up(w, false);
    change(&w->tables[0]);
    w->tables[1].v[any(w->tables[1].n)].version++;
    r->st = storage_failing_new(r->st, n, after, &calls);
    back_up(w, false);
    of_night = calls;
    w->tables[1].v[any(w->tables[1].n)].version++;
    if (of_night >= n) {
        back_up(w, false);
        assert_false(w->nights[2].lost[0] || w->nights[2].lost[1]);
        all_read_back(w);
    }
    end(w);
    return of_night >= n;
}

/* The other one's backup is whole, and so are the next ones of both. */
static void
one_of_two_repositories_fails_at_any_call(void **state)
{
    (void)state;
    for (size_t which = 0; which < 2; which++) {
        for (unsigned n = 1; fails_once(n, which, false) && fails_once(n, which, true);) {
            n += 1 + (unsigned)any(2);
        }
    }
}

/* A night without one of the repositories, and the next with both: what that one has is known. */
static void
who_missed_a_night_has_no_whole_one_next(void **state)
{
    struct world *w = begin(90, 2);
    uint64_t      first;
    size_t        deltas;

    (void)state;
    back_up(w, false);
    first = w->new_bytes;
    for (int night = 1; night < 4; night++) {
        w->tables[0].v[100 * night].version++;
        w->tables[1].v[100 * night].version++;
        w->n_repos = night < 3 ? 1 : 2;
        back_up(w, false);
        w->nights[night].lost[1] = night < 3;
        assert_true(w->new_bytes * 20 < first);
    }
    assert_true(reads_back(w, &w->nights[3], w->repos[1].repo, &deltas));
    assert_int_equal(deltas, 2);
    all_read_back(w);
    end(w);
}

/* Two runs at once store one content twice.  The lists of both count, and a content is one chunk
 * of a backup nevertheless: also where another repository holds it once.  Which of the two is found
 * first depends on their ids, which are random. */
static void
a_content_that_is_stored_twice_is_used_once(void **state)
{
    (void)state;
    for (unsigned s = 60; s < 68; s++) {
        store_twice_use_once(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_night_reads_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(few_changed_rows_cost_few_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_of_rows_are_never_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chains_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_rows_need_few_marks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_kept_may_be_lost_or_spoilt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_hosts_take_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_kept_of_another_repository_is_not_used, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_at_once_on_one_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_to_be_kept_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_takes_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_reused_is_no_base, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_of_two_repositories_fails_at_any_call, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_missed_a_night_has_no_whole_one_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_content_that_is_stored_twice_is_used_once, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
