#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets status and output
# Dumps of other tools become backups, each of its own time: one file, and what a home-grown script has left.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    db_make bill
    psql_in bill -c "CREATE TABLE invoice AS SELECT g AS n FROM generate_series(1, 7) g"
    export TZ=XST-2 # two hours ahead of UTC
    cd "$T" && mkdir dumps || return 1
    pg_dump -d shop >whole.sql
    gzip <whole.sql >dumps/shop_20260102_0215.sql.gz
    psql_in shop -c "INSERT INTO item SELECT 9000 + g, 'later' FROM generate_series(1, 10) g"
    pg_dump -d shop -Fc -f dumps/shop-2026-01-03.dump
    touch -d '2026-01-05 01:00' dumps/shop-2026-01-03.dump # copied later: its day counts
    pg_dump -d shop -Fd -f shop.dir
    tar -czf dumps/shop_20260105T000000Z.tar.gz shop.dir
    sed '/dump complete/,$d' whole.sql >dumps/shop_20260106.sql
    echo log >dumps/shop_20260106.log
    echo dump >dumps/shop_final.sql
    ln -s shop_20260105T000000Z.tar.gz dumps/shop_latest.tar.gz
    ln -s shop_20260105T000000Z.tar.gz dumps/latest
    ln -s shop_20260102_0215.sql.gz dumps/shop_20260107.sql.gz
    cp dumps/shop_20260102_0215.sql.gz dumps/shop_20251231.sql.gz # nothing had changed
}
teardown_file() { e2e_teardown; }
setup() { cd "$T" || return 1; }

import() { pgassay storage import --repo "$REPO" "$@"; }
# of KEY FILE: of each import in that JSON.
of()     { jq -r --arg k "$1" '[.imports[][$k] // "-"] | join(" ")' "$2"; }
listed() { storage list "$1" --json | jq -r "[.databases[].backups[] | $2] | join(\" \")"; }

@test "a directory becomes a history: each dump once, under its own time; what is not whole is named at the end" {
    expect_status 4 import --scan dumps --no-drill -v
    expect_text 'pgassay-storage: "dumps/shop_20260106.sql": its last line' 'is missing: it is not whole' '1 of 5 dumps' 'shop_20260106.log: not named like a dump' 'latest: not named'
    expect_equal "$(backup_ids shop | cut -d- -f1 | tr '\n' ' ')" '20251230T220000Z 20260102T001500Z 20260102T220000Z 20260105T000000Z '
    expect_equal "$(listed shop .rows)" '5000 5000 5010 5010'
    expect_equal "$(ls -A "$TMPDIR")" ''
    # What is there is not stored again, but drilled, since it was not yet.
    mv dumps/shop_20260102_0215.sql.gz dumps/shop-2026-01-03.dump dumps/shop_20251231.sql.gz .
    rm dumps/shop_20260106.sql
    import --scan dumps --json >again.json 2>warned
    expect_equal "$(<warned)" 'pgassay-storage: warning: passed over: shop_final.sql: no date in its name; --file imports it'
    valid_json import again.json
    expect_equal "$(of status again.json) $(of drill again.json)" 'present passed'
    expect_equal "$(listed shop '.proven // false')" 'false false false true'
    restore shop --to copy
    db_same shop copy
    # A plain dump does not say, and what the scratch server has is nobody's choice.
    expect_equal "$(manifest shop | jq -r .database.collate)" C
    expect_equal "$(zstd -dcq "$REPO/shop/backups/$(backup_ids shop | head -n 1)/manifest.json.zst" | jq '.database | has("collate")')" false
    db_drop copy
}

@test "list, show and status say that it was imported, and from what" {
    storage list shop >list
    grep -q 'proven, imported' list
    expect_status 0 storage show shop
    expect_text 'without passwords' 'directory dump "shop_20260105T000000Z.tar.gz" of PostgreSQL' "$(sha256sum <dumps/shop_20260105T000000Z.tar.gz | cut -d' ' -f1)"
    label shop >label.json
    valid_json label label.json
    expect_status 0 pgassay verify chain shop --repo "$REPO"
    run pgassay verify status shop --repo "$REPO"
    expect_text 'ago, imported)' 'it was imported, and a dump does not say'
}

@test "the first backup of a server takes the name without --adopt; an import leaves it bound; latest is the newest by its data" {
    backup shop
    id=$(last_id shop)
    expect_equal "$(jq -s length "$REPO"/shop/source.json)$(ls "$REPO"/shop/source.*)" "1$REPO/shop/source.2.json
$REPO/shop/source.json"
    expect_status 0 import --file shop_20260102_0215.sql.gz --db shop --no-drill -v
    expect_text 'is there already'
    # A plain dump does not say when it was made: that its time is a guess is said, and kept.
    expect_status 0 import --file whole.sql --db guess --no-drill
    expect_text 'does not say when it was made' '--taken TIME'
    sed 's/^SET lock_timeout = 0;/&\n/' whole.sql >other.sql
    expect_status 0 import --file other.sql --db shop --taken '2026-01-02 02:15' --no-drill -v
    expect_equal "$(backup_ids shop | sed -n 3p | cut -d- -f1)" 20260102T001500Z
    backup shop
    pgassay restore shop --repo "$REPO" --to copy --dry-run --json >plan.json
    expect_equal "$(jq -r .backup.id plan.json)" "$(last_id shop)"
    [[ $(last_id shop) > $id ]]
    # Nor is it a finding, or in the way of a prune, that labels came so late.
    storage list shop --check
    storage policy shop --keep-last 1
    storage prune shop --dry-run --json >prune.json
    expect_equal "$(jq '[.databases[].alarms[]?] | length' prune.json)" 0
}

@test "what a drill found of an import is found again by the same command" {
    sed "s|^-- PostgreSQL database dump complete|COMMENT ON FUNCTION pg_catalog.now() IS 'mine';\n&|" whole.sql >odd.sql
    expect_status 3 import --file odd.sql --db odd --taken today
    expect_text 'its drill found'
    expect_status 3 import --file odd.sql --db odd --taken today
    expect_text 'its drill found'
}

@test "pg_dumpall: each of its databases, or the one that is named; of an encrypted repository the label does not tell the file" {
    pg_dumpall >all.sql
    pgassay storage keygen "$T/ops"
    export REPO=$T/sealed
    pgassay storage init --repo "$REPO" --encrypt-to "$T/ops.pub"
    expect_status 1 import --file all.sql
    expect_text 'could not be drilled (--no-drill goes without)'
    expect_status 2 import --file all.sql --no-drill --db nothing
    expect_text 'holds the databases "bill", "shop"'
    import --file all.sql --no-drill --json >all.json
    expect_equal "$(of database all.json) $(of status all.json)" 'bill shop stored stored'
    expect_equal "$(grep -rlF -e all.sql -e "$(sha256sum <all.sql | cut -d' ' -f1)" "$REPO")" ''
    import --file all.sql --db bill --identity "$T/ops" --json >bill.json
    expect_equal "$(of status bill.json) $(of drill bill.json)" 'present passed'
    pgassay storage init --repo "$T/second" --encrypt-to "$T/ops.pub"
    pgassay storage copy "$REPO" "$T/second" bill --identity "$T/ops"
    pgassay storage list bill --repo "$T/second" | grep imported
}

@test "what a dump hides runs confined; a locale that is not to be had here is what a restore asks for elsewhere" {
    local evil="DO \$\$ BEGIN COPY (SELECT 1) TO PROGRAM 'cat >$T/open/canary'; EXCEPTION WHEN OTHERS THEN NULL; END \$\$;"
    mkdir open && chmod 777 open
    psql_in bill -c "$evil"
    [ -e open/canary ] && rm -f open/canary
    pg_dump -C -d bill | sed "/^CREATE DATABASE/s/= 'C'/= 'xx_YY'/g; s|^-- PostgreSQL database dump complete|$evil\nCREATE TABLE public.ran ();\n&|" >evil.sql
    import --file evil.sql --db evil --no-drill
    expect_equal "$(listed evil .tables)" 2
    expect_equal "$(manifest evil | jq -r .database.collate)" xx_YY
    expect_status 1 restore evil --to copy --dry-run
    expect_text 'locale "xx_YY"'
    [ ! -e open/canary ]
    expect_equal "$(ls -A "$TMPDIR")" ''
}

@test "what does not go together, and what is not there, is refused before anything is read" {
    expect_status 2 import
    expect_text '--file or --scan is missing'
    expect_status 2 import --file a --scan b
    expect_status 2 import --scan dumps --taken today
    expect_status 1 import --scan open
    expect_text 'no dumps in "open"' 'NAME_YYYYMMDD'
    expect_status 1 import --file nothing.sql --db x
    expect_text 'nothing.sql' 'No such file'
    expect_status 2 import --file whole.sql
    expect_text 'does not say which database'
    expect_status 2 import --file whole.sql --db x --taken 2999-01-01
    expect_text 'still to come'
    expect_status 2 backup shop --file whole.sql
    expect_text 'no database "shop"'
    expect_status 2 pgassay restore --file all.sql --isolated --to copy -d "$(pg_uri)"
    expect_text 'throw-away server'
    import --file whole.sql --db shop --taken 2026-01-01 --dry-run >plan
    grep -q 'would be imported as "shop" of 2026-01-01 00:00' plan
    expect_equal "$(backup_ids shop | grep 20251231)" ''
}
