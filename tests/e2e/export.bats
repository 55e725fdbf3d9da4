#!/usr/bin/env bats
# storage export: one backup as one file, which tar, psql and pg_restore restore without anything of ours.

load lib
setup_file() {
    e2e_setup
    private_postgres
    pg_start other
    pg_start main
    psql_in postgres -f "$FIXTURES/roles.sql"
    db_make types all-types.sql
    db_make every everything.sql
    backup types
    backup every
    # Nothing of ours can be called by what a bundle says.
    mkdir "$T/none"
    ln -s "$(command -v false)" "$T/none/pgassay"
}
teardown_file() { e2e_teardown; }

export_to() { pgassay storage export "$1" --repo "$REPO" --file "${@:2}"; }
# unpack FILE DIR: where its files lie, as $in.
unpack() {
    rm -rf "$2"
    mkdir "$2"
    tar -C "$2" -xf "$1"
    in=$(echo "$2"/*)
}
# What somebody types who has nothing but the page.
typed() { (cd "$in" && PATH=$T/none:${PATH//$BIN:/} bash -eu -o pipefail <(awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' RECOVERY.md)); }
# same_on A B DB [AS]: the same on two servers?
same_on() {
    pg_use "$1" && db_digest "$3" >"$T/want.on" && pg_use "$2" && db_digest "${4:-$3}" >"$T/have.on" && pg_use "$1" &&
        diff "$T/want.on" "$T/have.on" | head -n 30 | (! grep .)
}
nothing_at() { [ -z "$(find "$(dirname "$1")" -name "$(basename "$1")*")" ] || { ls -la "$(dirname "$1")"; return 1; }; }

@test "every kind of object, by the commands of RECOVERY.md, on a server that has nothing: it is what was backed up" {
    export_to every "$T/every.tar.zst"
    expect_equal "$(stat -c %a "$T/every.tar.zst")" 600
    unpack "$T/every.tar.zst" "$T/every.d"
    [ "$(awk '/^```sh$/' "$in/RECOVERY.md" | wc -l)" -gt 8 ]
    pg_use other
    typed
    expect_status 0 env -u PGDATABASE "$BIN/pgassay" verify live every --repo "$REPO"
    pg_use main
    same_on main other every
}

@test "every type, by restore.sh, beside the original under a name that shells and libpq take for more" {
    local name="it's \"odd\"=\\ \$(x) %s"
    export_to types "$T/types.tar"
    unpack "$T/types.tar" "$T/types.d"
    [ -n "$(find "$in/rows" -name '*.copybin')" ]
    [ -n "$(find "$in/rows" -name '*.copy')" ]
    expect_equal "$(PATH=$T/none:${PATH//$BIN:/} bash "$in/restore.sh" "$name" | tail -n 1)" "$name"
    psql_in postgres -v d="$name" <<<'ALTER DATABASE :"d" RENAME TO types_back'
    db_same types types_back
}

@test "the same bytes each time, to a file or not, compressed or not; files are root's, of the backup's time" {
    export_to types "$T/one.tar"
    export_to types "$T/two.tar"
    export_to types - | cmp - "$T/one.tar"
    cmp "$T/one.tar" "$T/two.tar"
    export_to types "$T/one.tar.zst"
    export_to types "$T/two.tar.zst"
    cmp "$T/one.tar.zst" "$T/two.tar.zst"
    zstd -dcq "$T/one.tar.zst" | cmp - "$T/one.tar"
    expect_equal "$(TZ=UTC tar --full-time --numeric-owner -tvf "$T/one.tar" | awk '{ print substr($1, 1, 2), $2, $4 "T" $5 "Z" }' | sort -u)" \
        "-r 0/0 $(label types | jq -r .snapshot)"
    expect_equal "$(tar -tf "$T/one.tar" | tail -n 1)" "types-$(last_id types)/SHA256SUMS"
}

@test "which backup: the newest, one that is named, the newest of a time" {
    repo_new which
    local old
    old=$(plant shop --at "$(days_ago 3)")
    plant shop --at "$(days_ago 1)" >"$T/new"
    expect_status 0 export_to shop "$T/which.tar" --dry-run --json
    expect_equal "$(jq -r .backup <<<"$output")" "$(cat "$T/new")"
    expect_status 0 export_to shop "$T/which.tar" --dry-run --json --at "2 days ago"
    expect_equal "$(jq -r .backup <<<"$output")" "$old"
    expect_status 0 export_to shop "$T/which.tar" --dry-run --json --backup latest~1
    expect_equal "$(jq -r .backup <<<"$output")" "$old"
    expect_status 0 export_to shop "$T/which.tar" --dry-run --json --before "$(cat "$T/new")"
    expect_equal "$(jq -r .backup <<<"$output")" "$old"
    expect_status 1 export_to shop "$T/which.tar" --dry-run --before "$old"
    expect_status 2 export_to shop "$T/which.tar" --dry-run --before proven
    expect_status 1 export_to shop "$T/which.tar" --dry-run --proven
    expect_text 'no backup is proven'
    expect_status 2 export_to shop "$T/which.tar" --proven --before latest
    expect_status 2 export_to shop "$T/which.tar" --backup latest --at "2 days ago"
    nothing_at "$T/which.tar"
}

@test "JSON says what --dry-run says, and the sums are those of the files" {
    export_to types "$T/json.tar" --dry-run --json >"$T/dry.json"
    valid_json export "$T/dry.json"
    nothing_at "$T/json.tar"
    export_to types "$T/json.tar" --json >"$T/json"
    valid_json export "$T/json"
    expect_equal "$(jq 'del(.file_bytes, .sha256, .files[].sha256, .run_id) | .dry_run = true' "$T/json")" "$(jq 'del(.run_id)' "$T/dry.json")"
    expect_equal "$(jq -r '.sha256, .file_bytes' "$T/json")" "$(sha256sum <"$T/json.tar" | cut -d' ' -f1; stat -c %s "$T/json.tar")"
    unpack "$T/json.tar" "$T/json.d"
    (cd "$in" && jq -r '.files[] | "\(.sha256)  \(.name)"' "$T/json" | sha256sum --check --quiet)
    expect_equal "$(cd "$in" && find . -type f | wc -l)" "$(jq '.files | length' "$T/json")"
    expect_equal "$(jq '[.files[].bytes] | add' "$T/json")" "$(jq .bytes "$T/json")"
}

@test "a file that is there is not replaced but with --force, and stays when the export fails" {
    echo mine >"$T/there.tar"
    expect_status 1 export_to types "$T/there.tar"
    expect_text 'is there already' '--force'
    expect_equal "$(cat "$T/there.tar")" mine
    expect_status 1 export_to types "$T/there.tar" --backup nosuch --force
    expect_equal "$(cat "$T/there.tar")" mine
    export_to types "$T/there.tar" --force
    cmp "$T/there.tar" <(export_to types -)
    expect_status 2 export_to types "$T/there.zip"
    expect_text 'must end in .tar'
    expect_status 2 storage export types
    expect_text '--file is missing'
    expect_status 1 export_to types "$T/no/such/dir.tar"
}

@test "a chunk that is bad or missing: no file, and the chunk is named" {
    repo_new bad
    db_make small small.sql
    backup small
    local c
    c=$(find "$REPO/small/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    chmod u+w "$c"
    flip "$c" 99
    expect_status 1 export_to small "$T/bad.tar.zst"
    expect_text "$(basename "$c")" '"small" was not exported'
    nothing_at "$T/bad.tar.zst"
    rm -f "$c"
    expect_status 1 export_to small "$T/bad.tar"
    nothing_at "$T/bad.tar"
}

@test "a full disk, or an output that is not taken: an error, and no file" {
    local small=$T/full
    mkdir "$small"
    expect_status 1 sh -c '"$@" >/dev/full' - "$BIN/pgassay-storage" export types --repo "$REPO" --file -
    expect_text 'No space left'
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k tmpfs "$small" 2>/dev/null || skip "needs the right to mount"
    run export_to types "$small/full.tar"
    expect_equal "$(ls -A "$small")" ""
    umount "$small"
    [ "$status" -eq 1 ]
    expect_text 'No space left' '"types" was not exported'
}

@test "killed at any moment: no file under the name, and the next export makes it whole" {
    local n pid killed=0
    psql_in types -c "CREATE TABLE noise AS SELECT i, sha512(i::text::bytea) FROM generate_series(1, 100000) i"
    backup types
    mkdir "$T/killed"
    for ((n = 0; n < 50 && killed < 2; n++)); do
        "$BIN/pgassay-storage" export types --repo "$REPO" --file "$T/killed/x.tar" >/dev/null 2>&1 3>&- 4>&- &
        pid=$!
        until [ -n "$(ls -A "$T/killed")" ] || ! kill -0 $pid 2>/dev/null; do :; done
        kill -KILL $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        if ls "$T"/killed/*.partial >/dev/null 2>&1; then
            killed=$((killed + 1))
            [ ! -e "$T/killed/x.tar" ]
        fi
        rm -f "$T"/killed/*
    done
    expect_equal "$killed" 2
    export_to types "$T/killed/x.tar"
    export_to types - | cmp - "$T/killed/x.tar"
}

@test "an encrypted backup needs its key; the bundle needs none" {
    pgassay storage keygen "$T/reader"
    export REPO=$T/repo.sealed
    pgassay storage init --repo "$REPO" --encrypt-to "$T/reader.pub"
    db_make small small.sql
    pgassay backup small --repo "$REPO" --repo-option encrypt-to="$T/reader.pub"
    expect_status 1 export_to small "$T/sealed.tar"
    nothing_at "$T/sealed.tar"
    export_to small "$T/sealed.tar" --identity "$T/reader"
    unpack "$T/sealed.tar" "$T/sealed.d"
    bash "$in/restore.sh" small_back >"$T/out"
    db_same small small_back
}

@test "parts of a database come back as parts, with and without rows" {
    local one
    db_make small small.sql
    for one in item empty; do
        repo_new "part.$one"
        backup small -t "public.$one"
        export_to small "$T/part.tar" --backup "$(last_id small)" --force
        unpack "$T/part.tar" "$T/part.d"
        grep -q '^A part of' "$in/RECOVERY.md"
        db_drop part
        bash "$in/restore.sh" part >"$T/out"
        expect_equal "$(psql_in part -c "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")" "$one"
        expect_equal "$(psql_in part -c "SELECT x::text FROM public.$one x ORDER BY 1" | sha256sum)" "$(psql_in small -c "SELECT x::text FROM public.$one x ORDER BY 1" | sha256sum)"
    done
}

@test "restore --file reads a bundle, however it was packed since" {
    export_to every "$T/in.tar"
    unpack "$T/in.tar" "$T/again.d"
    mv "$in" "$T/again.d/moved to"
    touch "$T/again.d/moved to/of mine"
    tar -C "$T/again.d" --sort=name -czf "$T/again.tgz" "moved to"
    expect_status 0 pgassay restore --file "$T/again.tgz" --to every_back --json
    valid_json restore <(echo "$output")
    expect_equal "$(jq -r '.file.kind, .file.database, .file.rows' <<<"$output")" "$(printf '%s\n' bundle every "$(label every | jq .rows)")"
    db_same every every_back
}

@test "restore --file, into a scratch server and without owners" {
    export_to every "$T/in.tar.zst"
    mv "$T/in.tar.zst" "$T/in"
    expect_status 0 pgassay restore --file "$T/in" --scratch
    expect_status 0 pgassay restore --file "$T/in" --to plainly --no-owner --no-privileges
    expect_equal "$(psql_in plainly -c "SELECT count(DISTINCT relowner) FROM pg_class WHERE oid > 16383")" 1
    expect_equal "$(psql_in plainly -c "SELECT count(*) FROM pg_largeobject_metadata")" "$(psql_in every -c "SELECT count(*) FROM pg_largeobject_metadata")"
    db_drop plainly
}

@test "a bundle that is not whole, or not what was exported, is refused before anything is made" {
    local f
    export_to types "$T/good.tar"
    unpack "$T/good.tar" "$T/bad.d"
    packed() { tar -C "$T/bad.d" -cf "$T/bad.tar" "$(basename "$in")"; }
    refuses() { # TEXT...
        expect_status 1 pgassay restore --file "$T/bad.tar" --to bad
        expect_text "$@" && expect_no_db bad && expect_equal "$(ls -A "$TMPDIR")" ''
    }
    f=$(cd "$in" && find rows -name '*.copybin' | sort | head -n 1)
    flip "$in/$f" 30
    packed
    refuses "$f" 'SHA-256 differs'
    flip "$in/$f" 30
    mv "$in/$f" "$T/aside"
    packed
    refuses "$f" 'is missing'
    grep -v " $f\$" "$in/SHA256SUMS" >"$T/sums"
    cp "$in/SHA256SUMS" "$T/sums.good"
    cp "$T/sums" "$in/SHA256SUMS"
    packed
    refuses "$f" 'is not in SHA256SUMS'
    mv "$T/aside" "$in/$f"
    rm "$in/SHA256SUMS"
    packed
    refuses 'SHA256SUMS' 'is missing'
    cp "$T/sums.good" "$in/SHA256SUMS"
    cp "$in/manifest.json" "$T/manifest.good"
    jq -c '(.tables[] | select(.rows > 0)).load_via = "\"a\".\"b\" FROM PROGRAM '"'true'"' --"' "$T/manifest.good" >"$in/manifest.json"
    (cd "$in" && cut -c67- SHA256SUMS | xargs -d '\n' sha256sum >"$T/sums" && cp "$T/sums" SHA256SUMS)
    packed
    refuses 'through what is no table'
    cp "$T/manifest.good" "$in/manifest.json"
    (head -c 66 "$T/sums.good"; yes x | tr -d '\n' | head -c 20000000; echo) >"$in/SHA256SUMS"
    packed
    refuses 'a name of 20000000 bytes'
    cp "$T/sums.good" "$in/SHA256SUMS"
    packed
    tar -C "$T/bad.d" -rf "$T/bad.tar" "$(basename "$in")/$f"
    refuses "$f" 'twice'
    head -c $(($(stat -c %s "$T/good.tar") / 2)) "$T/good.tar" >"$T/bad.tar"
    refuses "$T/bad.tar"
    packed
    expect_status 0 pgassay restore --file "$T/bad.tar" --to bad --dry-run
}
