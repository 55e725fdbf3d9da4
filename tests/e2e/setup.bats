#!/usr/bin/env bats
# pgassay setup: from a database to a scheduled, encrypted, drilled backup of it.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    echo 'correct horse' >"$T/escrow.pass"
    echo http://127.0.0.1:1/nobody-listens >"$T/hook.url"
    chmod 600 "$T/escrow.pass" "$T/hook.url"
}
teardown_file() { e2e_teardown; }

set_up() {
    pgassay setup --user "$(id -un)" --role keeper --db shop --repo "$T/one" --second "$T/two" --encrypt --escrow-passphrase-file "$T/escrow.pass" --webhook-file "$T/hook.url" \
        --config "$T/conf/pgassay.conf" --schedule cron --cron-file "$T/cron" "$@" </dev/null
}
conf() { PGASSAY_CONFIG=$T/conf/pgassay.conf pgassay "$@"; }

@test "the plan changes nothing; --apply carries it out; again, and nothing is left to do" {
    local place line
    expect_status 0 set_up
    expect_text 'CREATE ROLE keeper LOGIN' 'pgassay storage init' '13 to do' 'pgassay verify drill shop --repo second'
    [ ! -e "$T/one" ] && [ ! -e "$T/conf" ] && [ ! -e "$T/cron" ]
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_roles WHERE rolname = 'keeper'")" 0

    expect_status 0 set_up --apply
    expect_text 'a first drill of shop in second' 'escrow is the key for the safe' 'test message did not get through'
    for place in main second; do
        conf storage show shop proven --repo $place >/dev/null
        conf verify key-drill --repo $place --identity "$T/conf/escrow" --passphrase-file "$T/escrow.pass"
        expect_equal "$(conf storage policy --repo $place --json | jq -c .policy)" '{"keep_daily":7,"keep_monthly":12,"keep_weekly":5}'
    done
    expect_equal "$(psql_in postgres -c "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'keeper'")" f
    conf verify status >"$T/status"
    [ ! -s "$T/status" ]
    # Each line of the cron file is a command that there is.
    grep -oE 'pgassay (backup|verify|storage) .*' "$T/cron" >"$T/lines"
    [ "$(wc -l <"$T/lines")" -eq 8 ]
    while read -r line; do
        # shellcheck disable=SC2086
        pgassay ${line#pgassay } --help >/dev/null
    done <"$T/lines"

    mv "$T/conf/escrow" "$T/safe"
    find "$T/one" "$T/two" "$T/conf" "$T/cron" -newermt 1970-01-01 -printf '%p %T@ %i\n' | sort >"$T/before"
    expect_status 0 set_up --apply
    expect_text 'All is as it should be'
    [[ $output != *doing* ]]
    find "$T/one" "$T/two" "$T/conf" "$T/cron" -newermt 1970-01-01 -printf '%p %T@ %i\n' | sort >"$T/after"
    diff "$T/before" "$T/after"
}

@test "a configuration that is there stays as it is; what it lacks is said" {
    printf '; my own\njobs = 2\n' >"$T/own.conf"
    expect_status 0 set_up --config "$T/own.conf" --key-dir "$T/conf"
    expect_text 'stays as it is' 'repo = main, second'
    # A dead man's switch is enough of telling; no test message is sent for it.
    expect_status 0 pgassay setup --user "$(id -un)" --db shop --repo "$T/x" --no-encryption --ping-file "$T/hook.url" --config "$T/ping.conf" --schedule none </dev/null
    expect_text '[ping backups]' "url-file = $T/hook.url"
    [[ $output != *'nobody is told'* ]]
    printf '; only a comment, as the package installs it\n' >"$T/empty.conf"
    expect_status 0 set_up --config "$T/empty.conf" --key-dir "$T/conf"
    [[ $output == *"to do   configuration $T/empty.conf"* ]]
    expect_equal "$(head -n 1 "$T/empty.conf")" '; only a comment, as the package installs it'
}

@test "what the role cannot read is said: row security, large objects, other rights" {
    db_make odd
    psql_in odd <<'SQL'
CREATE TABLE own (n int); ALTER TABLE own ENABLE ROW LEVEL SECURITY;
SELECT lo_from_bytea(0, 'x') \g /dev/null
REVOKE CONNECT ON DATABASE odd FROM public;
SQL
    expect_status 0 pgassay setup --user "$(id -un)" --role 'it is me' --db odd --repo "$T/x" --no-encryption --config "$T/odd.conf" --schedule none </dev/null
    expect_text 'GRANT CONNECT ON DATABASE odd TO "it is me"' 'ALTER ROLE "it is me" BYPASSRLS' '-- 1 large objects'
}

@test "databases whose names are alike, and names that mean something to others" {
    local db
    for db in 'my db' my_db a=b -v; do db_make "$db"; done
    setup_of() { expect_status "$1" pgassay setup --user "$(id -un)" --role keeper --repo here --no-encryption --config "$T/x.conf" --schedule none "${@:2}" </dev/null; }
    setup_of 2 --db 'my db' --db my_db
    expect_text 'would be called "my_db"'
    cd "$T"
    setup_of 0 --db a=b --db -v
    expect_text 'dbname = a=b' 'dbname = -v' 'pgassay backup a_b _v' "path = $T/here"
    db_drop 'my db' my_db a=b -v
}

@test "root writes nothing in a directory of the backups' user, who could turn it elsewhere" {
    [ "$(id -u)" -eq 0 ] || skip 'root only'
    mkdir "$T/his" && echo root >"$T/roots" && chmod 600 "$T/roots"
    ln -s "$T/roots" "$T/his/pgassay.conf.new" && chown -h nobody "$T/his" "$T/his/pgassay.conf.new"
    # As the package makes it: root's, for his group to read.
    install -d -m 750 -g "$(id -gn nobody)" "$T/keys"
    pgassay setup --user nobody --role keeper --db shop --repo "$T/his/repo" --encrypt --escrow-passphrase-file "$T/escrow.pass" --key-dir "$T/keys" --config "$T/his/pgassay.conf" \
        --schedule cron --cron-file "$T/his/cron" --apply </dev/null >"$T/said" 2>&1 || true
    expect_equal "$(cat "$T/roots") $(stat -c %a "$T/roots")" 'root 600'
    expect_equal "$(stat -c %U "$T/his/pgassay.conf" "$T/his/cron" "$T/his/repo" | sort -u)" nobody
    expect_equal "$(cd "$T/keys" && stat -c '%n %U %a' -- * | xargs)" 'escrow nobody 600 escrow.pub root 644 ops nobody 600 ops.pub root 644'
}

@test "a question that nobody can answer, and what means nothing, end with 2 and change nothing" {
    local wrong
    for wrong in "--at=24:00" "--keep=daily" "--schedule=often" "--repo=/tmp/a,b" "--nonsense=1" shop; do
        expect_status 2 set_up "$wrong"
        done
    expect_status 2 pgassay setup --db shop --repo "$T/x" </dev/null
    expect_text '--no-encryption'
    expect_status 1 set_up --db nothere
    expect_text 'there is no database "nothere"'
    expect_status 1 set_up --db shpo
    expect_text 'did you mean "shop"?'
    expect_status 2 set_up --scheduel cron
    expect_text 'did you mean --schedule?'
    expect_status 1 env PGPORT=1 "$BIN/pgassay" setup --db shop --repo "$T/x" --no-encryption </dev/null
    expect_text 'cannot be reached'
    [ ! -e "$T/x" ]
}

@test "the service's state directory is that of its user by hand, too" {
    [ "$(id -u)" -eq 0 ] || skip 'root only'
    mkdir -p "$T/lib/pgassay" && chown nobody "$T/lib/pgassay"
    expect_status 0 unshare -m sh -c "mkdir -p /var/lib/pgassay && mount --bind '$T/lib' /var/lib && cd / &&
        setpriv --reuid=nobody --clear-groups env -u PGASSAY_STATE_DIR HOME=/nonexistent XDG_STATE_HOME= '$BIN/pgassay' storage init /var/lib/pgassay/repo"
    [ -n "$(ls -A "$T/lib/pgassay")" ]
}
