#!/usr/bin/env bats
# docs/recipe.md: a backup is restored with jq, zstd, psql and pg_restore alone.

load lib
setup_file() {
    e2e_setup
    private_postgres
    pg_start main
    psql_in postgres -f "$FIXTURES/roles.sql"
    awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$TOP/docs/recipe.md" >"$T/recipe.sh"
    # Nothing of ours can be called by it.
    mkdir "$T/none"
    ln -s "$(command -v false)" "$T/none/pgassay"
}
teardown_file() { e2e_teardown; }

recipe() { BACKUP=$REPO/$1/backups/$(last_id "$1") NEWDB=$2 PATH=$T/none:${PATH//$BIN:/} bash "$T/recipe.sh"; }

@test "the script stands in the page and is whole" {
    [ "$(wc -l <"$T/recipe.sh")" -gt 50 ]
    bash -n "$T/recipe.sh"
}

@test "every type by the recipe" {
    db_make types all-types.sql
    backup types
    recipe types types_back
    db_same types types_back
}

@test "every type as text and gzip" {
    repo_new gzip
    backup types --copy-format text --compress gzip:1
    db_drop types_back
    recipe types types_back
    db_same types types_back
}

@test "a copy in another repository, as text and gzip" {
    local from=$T/repo.gzip
    repo_new copied
    pgassay storage copy "$from" "$REPO"
    db_drop types_back
    recipe types types_back
    db_same types types_back
}

@test "every kind of object by the recipe" {
    db_make every everything.sql
    backup every
    recipe every 'every=b\ac'"'k"
    psql_in postgres -c "ALTER DATABASE \"every=b\\ac'k\" RENAME TO every_back"
    db_same every every_back
}

@test "a chunk that was tampered with stops it" {
    repo_new bad
    db_make small small.sql
    backup small
    local c
    c=$(find "$REPO/small/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    chmod u+w "$c"
    printf x | dd of="$c" bs=1 seek=99 conv=notrunc status=none
    run recipe small small_back
    [ "$status" -ne 0 ]
    expect_text FAILED
}
