#!/usr/bin/env bats
# Blocks that have not changed are not read (WAL summaries, PostgreSQL 17), and what is stored is what there is, whatever has happened.

load lib

setup_file() {
    e2e_setup
    [ "$(server_major)" -ge 17 ] || return 0
    pg_start main summarize_wal=on max_prepared_transactions=2
    db_make shop
    # Each is a task of its own: more than a megabyte.  "many" has two ranges.
    psql_in shop -o /dev/null <<'SQL'
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION heap(name text, more text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE TABLE %I WITH (fillfactor = 10) AS SELECT n AS id, repeat(md5(n::text), 26) AS said%s FROM generate_series(1, 140) n', name, more);
END $$;
SELECT heap(unnest('{still,late,prepared,updated,inserted,deleted,truncated,rewritten,widened,narrowed,unlogged,lied}'::text[]));
SELECT heap('moody', $$, 'good'::mood AS is$$);
SELECT heap(unnest('{computed,recomputed,addressed}'::text[]));
ALTER TABLE computed ADD short text GENERATED ALWAYS AS (left(said, 9)) STORED, ADD words tsvector GENERATED ALWAYS AS (to_tsvector('simple', said)) STORED;
ALTER TABLE recomputed ADD doubled numeric GENERATED ALWAYS AS (id * 2.5) STORED;
ALTER TABLE addressed ADD host inet GENERATED ALWAYS AS ('10.0.0.1'::inet + id) STORED;
ALTER TABLE unlogged SET UNLOGGED;
CREATE TABLE toasted (id int PRIMARY KEY, said text);
ALTER TABLE toasted ALTER said SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT n, repeat(md5(n::text), 2000) FROM generate_series(1, 20) n;
CREATE TABLE many (id int, said text);
ALTER TABLE many ALTER said SET STORAGE EXTERNAL;
INSERT INTO many SELECT n, repeat(md5(n::text), 1000) FROM generate_series(1, 600) n;
SQL
    psql_in shop -c 'VACUUM' -c 'CHECKPOINT'
}
teardown_file() { e2e_teardown; }

# unread [OPTION...]: a backup; how many tables of it were not read at all, and how many ranges.
unread() {
    expect_status "${want:-0}" backup shop --json "$@" || return 1
    printf '%s\n' "$output" >"$T/out.json"
    jq -c '.backups[0].unread | [.tables, .ranges]' <<<"$output"
}
as_live() { expect_status 0 pgassay verify live shop -d shop --repo "$REPO" --full; }

# bats test_tags=versions
@test "what has not changed is not read; what has, in whatever way, is" {
    since 17
    session_open late shop
    session late "BEGIN; UPDATE late SET said = 'late' WHERE id = 7"
    session_idle late
    psql_in shop -c "BEGIN; UPDATE prepared SET said = 'prepared' WHERE id = 7; PREPARE TRANSACTION 'p'"
    expect_equal "$(unread)" '[0,0]'
    # All but the unlogged one and that of whose generated column the text is not known to be fixed: what is under way was written after the last checkpoint, and nobody sees it.
    expect_equal "$(unread)" '[16,17]'
    # All but these, too: their blocks have changed, and for whom is not known.
    psql_in shop -c CHECKPOINT
    expect_equal "$(unread)" '[14,15]'
    valid_json backup "$T/out.json"
    session late COMMIT
    session_close late
    psql_in shop <<'SQL'
COMMIT PREPARED 'p';
UPDATE updated SET said = 'changed' WHERE id = 3;
INSERT INTO inserted VALUES (1000, 'new');
DELETE FROM deleted WHERE id = 3;
TRUNCATE truncated;
VACUUM FULL rewritten;
UPDATE toasted SET said = repeat('x', 9000) WHERE id = 3;
ALTER TABLE widened ADD COLUMN more int DEFAULT 7;
ALTER TABLE narrowed DROP COLUMN said;
UPDATE unlogged SET said = 'changed' WHERE id = 3;
UPDATE recomputed SET id = 4000 WHERE id = 3;
DELETE FROM many WHERE id = 3;
BEGIN; UPDATE still SET said = 'never'; ROLLBACK;
SQL
    # Left: still's blocks have changed, too, but computed's, moody's, lied's and one range of many's have not.
    expect_equal "$(unread)" '[3,4]'
    as_live
    restore shop --to back
    db_same shop back
}

# bats test_tags=versions
@test "in doubt all is read: an enum's labels, a gap in the summaries, none, a server that crashed, another repository" {
    since 17
    backup shop
    psql_in shop -c "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'"
    expect_equal "$(unread)" '[0,0]'
    psql_in shop -c "UPDATE still SET said = 'gap' WHERE id = 3" -c CHECKPOINT
    wait_for shop 'SELECT summarized_lsn >= redo_lsn FROM pg_get_wal_summarizer_state(), pg_control_checkpoint()'
    rm -f "$T"/pg/main/pg_wal/summaries/*
    expect_equal "$(unread)" '[0,0]'
    expect_equal "$(unread)" '[16,17]'
    expect_equal "$(unread --read-all)" '[0,0]'
    pgassay storage init --repo "$T/second"
    expect_equal "$(unread --repo "$T/second")" '[1,1]'    # the empty one has nothing that the second would lack
    pg_kill main
    pg_up main
    expect_equal "$(unread)" '[0,0]'
    as_live
    psql_in shop -c 'ALTER SYSTEM SET summarize_wal = off' -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for shop "SELECT current_setting('summarize_wal') = 'off'"
    expect_equal "$(unread)" '[0,0]'
    psql_in shop -c 'ALTER SYSTEM RESET summarize_wal' -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for shop "SELECT current_setting('summarize_wal') = 'on'"
    backup shop
    # Who may not make a checkpoint when he would need one reads all, too.
    psql_in shop -c "CREATE ROLE reader LOGIN IN ROLE pg_read_all_data" -c "UPDATE still SET said = 'reader' WHERE id = 4"
    expect_equal "$(PGUSER=reader unread)" '[0,0]'
}

# bats test_tags=versions
@test "a change that no WAL summary knows is found by --read-all, and is an alarm from then on" {
    since 17
    backup shop
    # A change that is not logged, of a table that is.
    psql_in shop -c "UPDATE pg_class SET relpersistence = 'u' WHERE oid = 'lied'::regclass" -c "UPDATE lied SET said = 'a lie' WHERE id = 3" \
        -c "UPDATE pg_class SET relpersistence = 'p' WHERE oid = 'lied'::regclass"
    unread >"$T/unread"
    expect_equal "$(jq -c '.[0] > 10' "$T/unread")" true
    expect_status 3 pgassay verify live shop -d shop --repo "$REPO" --full
    expect_equal "$(want=3 unread --read-all-every 2)" '[0,0]'
    expect_equal "$(jq -c '.backups[0] | .unread.differs, (.warnings[] | select(test("lied")) | .[:46])' "$T/out.json")" '["public.lied"]
"table public.lied: its rows have changed where"'
    expect_equal "$(jq -r .error "$PGASSAY_STATE_DIR/$(head -n 1 "$REPO/repo.1.json" | jq -r .repo_id)/shop.run")" 'rows have changed where WAL summaries say that nothing has'
    as_live
    expect_equal "$(unread)" '[0,0]'
}
