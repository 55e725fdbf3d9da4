#!/usr/bin/env bats
# Foreign code: a backup's functions run in the scratch server of a restore or a drill, and get at nothing outside of it.

load lib

MARK=outlives-the-drill

setup_file() {
    e2e_setup
    pg_start main
    cc -D_GNU_SOURCE -o "$T/without" "$BATS_TEST_DIRNAME/without.c"
    # For the user who runs the clusters, when we are root: he owns keys, and cannot read our checkout.
    mkdir "$T/bin" "$T/own" "$T/own/tmp"
    cp "$BIN"/pgassay* "$T/bin/"
    mkdir -m 1777 "$T/open"
    (umask 077 && echo 'a passphrase that nobody guesses' >"$T/own/pass")
    pgassay storage keygen "$T/own/ops" --passphrase-file "$T/own/pass"
    [ "$(id -u)" -ne 0 ] || chown -R postgres "$T/own"
    cat >"$T/own.conf" <<CONF
[repo own]
path = $T/own/repo
identity = $T/own/ops
passphrase-file = $T/own/pass
CONF
    # Once the database has another name, the function tries what it can and raises what it got.
    psql_in postgres -c 'CREATE ROLE mallory LOGIN' -c 'CREATE DATABASE shop OWNER mallory'
    psql_in shop <<SQL
CREATE FUNCTION tries(i int) RETURNS bool LANGUAGE plpgsql AS \$f\$
DECLARE loot text;
BEGIN
    IF current_database() = 'shop' THEN RETURN true; END IF;
    CREATE TEMPORARY TABLE got (line text);
    COPY got FROM PROGRAM 'exec 2>&1; id -un; id -u; cat $T/own/pass; head -c 300 $T/own/ops; cat /proc/*/environ | tr ''\\0'' '' '' | grep -o SECRETOF.*; touch $T/open/marker; $SERVER_BIN/psql -X -h $PGHOST -U postgres -d postgres -c "CREATE ROLE stolen"; setsid sh -c "while :; do sleep 1; done" $MARK-$T >/dev/null 2>&1 </dev/null & true' (DELIMITER E'\\x01');
    SELECT string_agg(line, ' / ') INTO loot FROM got;
    RAISE EXCEPTION 'loot as %: %', current_user, loot;
END \$f\$;
CREATE TABLE supers (i int CHECK (public.tries(i)));
INSERT INTO supers VALUES (1);
CREATE TABLE harmless AS SELECT 1 AS i;
CREATE DATABASE plain;
SQL
    psql_in plain -c 'CREATE TABLE t AS SELECT i FROM generate_series(1, 10) i' -c 'ALTER TABLE t OWNER TO mallory'
    own storage init --repo own --encrypt-to "$T/own/ops.pub"
    own backup shop --repo own
    own backup plain --repo own
    own storage init --repo "$T/own/keyless"
    own backup plain --repo "$T/own/keyless"
    : >"$T/empty.conf"
    backup shop
    backup plain
}
teardown_file() { e2e_teardown; }
teardown() { rm -f "$T/open"/*; }

# own VERB ...: as the user who runs the clusters, and owns the keys.
own() { ours "$T/bin/pgassay" "$@"; }
ours() { SECRET=SECRETOFTHEENVIRONMENT as_server env HOME="$T/own" PGASSAY_STATE_DIR="$T/own/state" PGASSAY_CONFIG="$T/own.conf" TMPDIR="$T/own/tmp" "$@"; }

without() { "$T/without" "$@"; }

# Nothing of the loot, and nothing left behind.  What has been tried stands in $output.
got_nothing() {
    expect_text 'loot as postgres' 'ermission denied'
    [[ $output != *'a passphrase that nobody guesses'* ]]
    [[ $output != *'"locked"'* ]]
    [[ $output != *SECRETOF* ]]
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_roles WHERE rolname = 'stolen'")" 0
    expect_equal "$(processes_in "$MARK-$T")" ''
    leftovers
    expect_equal "$(ls "$T/own/tmp")" ''
}

@test "a drill by root: a user of its own, who gets at nothing" {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    expect_status 3 drill shop
    got_nothing
    [[ $output =~ loot\ as\ postgres:\ pgassay-scratch\ /\ 6[01][0-9]{3} ]] || { echo "$output"; return 1; }
    ! without 'landlock?' || [ ! -e "$T/open/marker" ]
}

@test "a drill by the user who owns keys and clusters: kept from them" {
    without 'landlock?' || skip "this kernel has no Landlock"
    expect_status 3 own verify drill shop --repo own
    got_nothing
    [ ! -e "$T/open/marker" ]
}

@test "without namespaces, too, nothing survives" {
    without 'landlock?' || skip "this kernel has no Landlock"
    expect_status 3 ours "$T/without" clone3 -- "$T/bin/pgassay" verify drill shop --repo own
    got_nothing
    [ ! -e "$T/open/marker" ]
}

@test "where the kernel cannot confine it, a user with keys or clusters is refused, before anything runs" {
    local why
    expect_status 2 ours "$T/without" landlock -- "$T/bin/pgassay" verify drill shop --repo own
    expect_text 'who may read' "$T/own/ops" Landlock '--scratch-unconfined'
    expect_short
    expect_status 2 ours "$T/without" landlock -- "$T/bin/pgassay" restore shop --repo own --scratch
    expect_text 'who may read' --scratch-unconfined
    # No keys, but the cluster next door.
    expect_status 2 ours PGASSAY_CONFIG="$T/empty.conf" "$T/without" landlock -- "$T/bin/pgassay" verify drill plain --repo "$T/own/keyless"
    expect_text 'who may read the running cluster' global/pg_control
    leftovers
    expect_equal "$(ls "$T/own/tmp")" ''
    # Accepted, on the command line or in the configuration.
    expect_status 0 ours "$T/without" landlock -- "$T/bin/pgassay" verify drill plain --repo own --scratch-unconfined
    (cat "$T/own.conf" && echo) | sed '1i scratch-unconfined = yes' >"$T/accepts.conf"
    expect_status 0 ours PGASSAY_CONFIG="$T/accepts.conf" "$T/without" landlock -- "$T/bin/pgassay" verify drill plain --repo own
}

@test "root names a user who owns keys or clusters: refused, and the way out works" {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    expect_status 2 drill plain --scratch-user postgres
    expect_text 'who may read the running cluster' global/pg_control 'leave --scratch-user out' useradd
    expect_short
    expect_status 2 drill plain --scratch-user root
    expect_text 'refuses to run as root'
    expect_status 2 drill plain --scratch-user no-such-user
    expect_text no-such-user
    expect_status 0 drill plain
    expect_status 0 drill plain --scratch-user daemon
    # Where root may make no namespaces, in most containers, there is no user id without a name.
    expect_status 2 without clone3 -- "$BIN/pgassay" verify drill plain --repo "$REPO"
    expect_text 'mount namespace' useradd pgassay-scratch
    expect_status 0 without clone3 -- "$BIN/pgassay" verify drill plain --repo "$REPO" --scratch-user daemon
    leftovers
}

@test "two at once have nothing in common" {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    local one
    one=$(restore plain --scratch --keep --json)
    expect_status 0 restore plain --scratch --keep --json
    [ "$(stat -c %u "$(jq -r .target.host <<<"$one")")" != "$(stat -c %u "$(jq -r .target.host <<<"$output")")" ]
    sh -c "$(jq -r .target.remove_command <<<"$one")"
    sh -c "$(jq -r .target.remove_command <<<"$output")"
    leftovers
}

@test "a kept server is said however quiet, and there is nothing to keep without --keep" {
    local how
    for how in -q ''; do
        # shellcheck disable=SC2086
        expect_status 0 drill plain --keep $how
        expect_text 'scratch server: psql -h ' 'to remove it:'
        expect_equal "$(eval "$(sed -n 's/^scratch server: //p' <<<"$output") -XAt -c 'SELECT count(*) FROM t'")" 10
        sh -c "$(sed -n '/^to remove it:$/ { n; p }' <<<"$output")"
        leftovers
    done
    drill plain --keep --json >"$T/drill.json"
    valid_json verify "$T/drill.json"
    sh -c "$(jq -r .keep_command "$T/drill.json")"
    expect_status 2 restore plain --to x --scratch
    expect_text 'would be gone with the scratch server' --keep
    expect_short
    expect_status 0 restore plain --to other_name --scratch --keep
    expect_text '-d other_name'
    sh -c "$(sed -n '/^to remove it:$/ { n; p }' <<<"$output")"
    leftovers
}
