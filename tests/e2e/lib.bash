# lib.bash - what every end-to-end test uses: private servers, a repository, a plain oracle.
#
#     load lib
#     setup_file()    { e2e_setup; pg_start main; }
#     teardown_file() { e2e_teardown; }
#
# One directory a test file, $T: servers in $T/pg, repositories made by repo_new, $TMPDIR = $T/tmp.  The
# tools' own environment is closed off: HOME, configuration and state lie in $T too.  In the environment:
# E2E_BIN (the tools to test, build/bin), E2E_TMP (where $T is made), E2E_TEMPLATES (where run made clusters to copy).
# shellcheck shell=bash disable=SC2034,SC2154  # bats reads and sets variables

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BIN=${E2E_BIN:-$TOP/build/bin}
FIXTURES=$BATS_TEST_DIRNAME/fixtures
PATH=$BIN:$PATH
export LC_ALL=C.UTF-8 PATH

# Debian 12's jq takes ten times as long to begin.  This one sorts the keys of objects, as jq -S does.
jq() { gojq "$@"; }

# ---- a test file's own corner --------------------------------------------------------------------

e2e_setup() {
    unset "${!PG@}" "${!PGASSAY_@}" 2>/dev/null || true
    T=$(mktemp -d "${E2E_TMP:-/tmp}/e2e.XXXXXX")
    chmod 755 "$T"
    mkdir -p "$T/pg" "$T/s" "$T/home" "$T/state"
    mkdir -m 1777 "$T/tmp"
    [ "$(id -u)" -ne 0 ] || chown postgres "$T/pg" "$T/s"
    : >"$T/pgassay.conf"
    export T HOME=$T/home TMPDIR=$T/tmp REPO=$T/repo
    export PGASSAY_CONFIG=$T/pgassay.conf PGASSAY_STATE_DIR=$T/state
    export XDG_CONFIG_HOME=$T/home/.config XDG_STATE_HOME=$T/home/.local/state
    SERVER_BIN=$(server_bin) && export SERVER_BIN
    server_version >/dev/null && export SERVER_VERSION SERVER_VERSION_OF
    copying_bindir
    drills_copy
    # Debian's /usr/bin/psql is a wrapper in Perl, whose start costs more than most queries.
    PATH=$BIN:$SERVER_BIN:$PATH
    pgassay storage init --repo "$REPO"
}

e2e_teardown() {
    local d rc=0
    [ -n "${T:-}" ] || return 0
    for d in "$T"/pg/*/; do
        [ ! -f "$d/postmaster.pid" ] || pg_kill "$(basename "$d")"
    done
    leftovers || rc=1
    rm -rf "$T"
    return $rc
}

# Nothing of ours may outlive a tool: no scratch directory, no scratch server.
leftovers() {
    local n=0
    # A guardian tidies up after a tool that was killed: give it a moment.
    while [ $n -lt 600 ] && { [ -n "$(ls -A "$T/tmp")" ] || [ -n "$(processes_in "$T/tmp/")" ]; }; do
        sleep 0.1
        n=$((n + 1))
    done
    [ $n -lt 600 ] && return 0
    echo "left behind:" >&2
    ls -la "$T/tmp" >&2
    processes_in "$T/tmp/" | while read -r f; do tr '\0' ' ' <"$f"; echo; done >&2
    return 1
}
processes_in() { grep -lsaF -f <(printf '%s' "$1") /proc/[0-9]*/cmdline || true; }

# ---- servers -------------------------------------------------------------------------------------

# E2E_PG_BINDIR chooses a version (scripts/pg-versions, make matrix): for the servers, and for what the tools run.
server_bin() {
    local d
    [ -z "${E2E_PG_BINDIR:-}" ] || { echo "$E2E_PG_BINDIR"; return; }
    for d in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(pg_config --bindir 2>/dev/null)"; do
        [ -x "$d/initdb" ] && [ -x "$d/postgres" ] && { echo "$d"; return; }
    done
    echo "no PostgreSQL server found: run scripts/deps" >&2
    return 1
}

# What it says of its version: asked once, as it takes as long to say that as a query or two.
server_version() {
    [ "${SERVER_VERSION_OF:-}" = "$SERVER_BIN" ] || { SERVER_VERSION=$("$SERVER_BIN/postgres" --version) && SERVER_VERSION_OF=$SERVER_BIN; } || return 1
    echo "$SERVER_VERSION"
}
server_major() {
    local version
    version=$(server_version) || return 1
    [[ $version =~ ^[^\)]*\)\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# A test for servers from this version on; older ones skip it.
since() { [ "$(server_major)" -ge "$1" ] || skip "PostgreSQL $(server_major): ${2:-this came with $1}"; }

# PostgreSQL refuses to run as root; an ordinary user's servers are his own.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

# template DIR: a cluster as pg_start and scratch servers want theirs, made by $SERVER_BIN, for initdb to copy: anybody's to read.
template() {
    local options=(--no-sync --locale=C --encoding=UTF8 --auth=trust --username=postgres)
    [ "$(server_major)" -lt 14 ] || options+=(--no-instructions)
    mkdir -p "$1"
    [ "$(id -u)" -ne 0 ] || chown postgres "$1"
    as_server env TZ=UTC LC_ALL=C "$SERVER_BIN/initdb" "${options[@]}" -D "$1/cluster" >"$1/initdb.log" 2>&1 || { cat "$1/initdb.log" >&2; return 1; }
    rm -f "$1"/cluster/pg_wal/0*
    [ "$(id -u)" -ne 0 ] || chown -R root "$1"
    chmod -R go+rX "$1"
    printf '%s\n' TZ=UTC "${options[@]}" | sort >"$1/made-with"
}
# That of this run's PostgreSQL: run makes them, else it is this file's own.
template_dir() {
    local version
    version=$(server_version) || return 1
    echo "${E2E_TEMPLATES:-$T/templates}/${version//[!A-Za-z0-9.]/_}"
}

# copying_bindir: $T/pgbin is $SERVER_BIN, but for its initdb, which copies a template (see initdb).
copying_bindir() {
    rm -rf "$T/pgbin"
    mkdir "$T/pgbin"
    ln -s "$SERVER_BIN"/* "$T/pgbin/"
    rm "$T/pgbin/initdb"
    cp "$BATS_TEST_DIRNAME/initdb" "$T/pgbin/.initdb"
    # Who runs it has an empty environment: all that it needs stands in it.
    printf '#!/bin/sh\ncase "$*" in *--version* | -V) exec "%s" --version ;; esac\nexec "%s" "%s" "%s" "$@"\n' \
        "$SERVER_BIN/initdb" "$T/pgbin/.initdb" "$SERVER_BIN/initdb" "$(template_dir)" >"$T/pgbin/initdb"
    chmod 755 "$T/pgbin/initdb" "$T/pgbin/.initdb"
}

# What the tools find when they need a server of their own: installation and initdb of the tests (the default), or those
# that they find by themselves.
drills_copy()   { export PGASSAY_PG_BINDIR=$T/pgbin; }
drills_initdb() {
    unset PGASSAY_PG_BINDIR
    [ -z "${E2E_PG_BINDIR:-}" ] || export PGASSAY_PG_BINDIR=$E2E_PG_BINDIR
}

# pg_start NAME [SETTING=VALUE...]: a new cluster, socket only; becomes the current one.
pg_start() {
    local name=$1 d=$T/pg/$1 options
    shift
    if [ ! -f "$d/PG_VERSION" ]; then
        [ -d "$(template_dir)" ] || template "$(template_dir)" || return 1
        mapfile -t options < <(grep -v ^TZ= "$(template_dir)/made-with")
        as_server env TZ=UTC "$T/pgbin/initdb" -D "$d" "${options[@]}" >"$T/initdb.log" 2>&1 ||
            { cat "$T/initdb.log" >&2; return 1; }
        as_server tee -a "$d/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$T/s/$name'
port = 5432
fsync = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 30
wal_level = replica
max_wal_size = 4GB
autovacuum = off
log_min_messages = warning
CONF
    fi
    [ $# -eq 0 ] || printf '%s\n' "$@" | as_server tee -a "$d/postgresql.conf" >/dev/null
    pg_up "$name"
}

pg_up() {
    local d=$T/pg/$1
    as_server mkdir -p "$T/s/$1"
    as_server "$SERVER_BIN/pg_ctl" -D "$d" -w -t 60 -l "$d/log" start >/dev/null 3>&- 4>&- || { cat "$d/log" >&2; return 1; }
    pg_use "$1"
}

pg_use() {
    export PGHOST=$T/s/$1 PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

pg_stop() { as_server "$SERVER_BIN/pg_ctl" -D "$T/pg/$1" -m fast -w -t 60 stop >/dev/null; }
pg_kill() { as_server "$SERVER_BIN/pg_ctl" -D "$T/pg/$1" -m immediate -w -t 60 stop >/dev/null; }

# The current server and a database as a connection string.
pg_uri() { echo "host=$PGHOST port=$PGPORT user=${PGUSER:-postgres} dbname=${1:-postgres}"; }

# psql_in DB [ARG...]: stops at the first error; unaligned, without headings.
psql_in() {
    local db=$1
    shift
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$db" "$@"
}

# db_make DB [FIXTURE...]: a new database with these fixtures; an old one of that name goes.
db_make() {
    local db=$1 f
    shift
    psql_in postgres -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS \"$db\" WITH (FORCE)" \
        -c "CREATE DATABASE \"$db\" TEMPLATE template0 ${DB_OPTIONS:-}"
    for f in "$@"; do psql_in "$db" -o /dev/null -f "$FIXTURES/$f" || return 1; done
}

db_drop() {
    local db each=()
    [ $# -gt 0 ] || return 0
    for db in "$@"; do each+=(-c "DROP DATABASE IF EXISTS \"$db\" WITH (FORCE)"); done
    psql_in postgres -v ON_ERROR_STOP=0 "${each[@]}" 2>/dev/null
}

# space NAME: a tablespace of the current server.
space() {
    local d=$T/pg/$1.$(basename "$PGHOST")
    as_server mkdir -p "$d"
    psql_in postgres -c "CREATE TABLESPACE $1 LOCATION '$d'"
}

db_exists() { [ "$(psql_in postgres -v d="$1" <<<"SELECT count(*) FROM pg_database WHERE datname = :'d'")" = 1 ]; }

expect_no_db() { if db_exists "$1"; then echo "database $1 is there" >&2; return 1; fi; }

# wait_for DB SQL: until the query gives t (a minute at most: a machine may be busy).
wait_for() {
    local n
    for ((n = 0; n < 600; n++)); do
        [ "$(psql_in "$1" -c "$2")" = t ] && return 0
        sleep 0.1
    done
    echo "waited in vain for: $2" >&2
    return 1
}

# ---- the oracle ----------------------------------------------------------------------------------
# Plain SQL of its own, sharing nothing with what it judges: each row as text, hashed, the hashes sorted.

db_rows() {
    PGOPTIONS="${PGOPTIONS:-} -c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex \
-c row_security=off -c array_nulls=on -c xmloption=content -c default_transaction_read_only=off -c statement_timeout=0 -c jit=off -c max_parallel_workers_per_gather=0" \
        psql_in "$1" -f "$FIXTURES/../digest.sql"
}

# Definitions as pg_dump prints them, without what differs from run to run; sorted, because ties in
# pg_dump's order are broken by OID.
db_schema() {
    pg_dump --schema-only -d "$1" | sed -E '/^--/d; /^$/d; /^SET /d; /^\\(un)?restrict /d; /pg_catalog.set_config/d' | sort
}

db_digest() { db_rows "$1" && db_schema "$1"; }

# db_same WANT HAVE: the same rows, sequences, large objects and definitions?
db_same() {
    db_digest "$1" >"$T/want.$BATS_TEST_NUMBER" && db_digest "$2" >"$T/have.$BATS_TEST_NUMBER" &&
        diff "$T/want.$BATS_TEST_NUMBER" "$T/have.$BATS_TEST_NUMBER" >"$T/diff.$BATS_TEST_NUMBER" ||
        { head -n 30 "$T/diff.$BATS_TEST_NUMBER" >&2; return 1; }
}

# ---- the tools -----------------------------------------------------------------------------------

# No tool may hang: a timeout shows as status 124, which no test expects.
pgassay() { timeout -k 10 "${TOOL_TIMEOUT:-120}" "$BIN/pgassay" "$@"; }

backup()  { pgassay backup --repo "$REPO" "$@"; }
restore() { pgassay restore --repo "$REPO" "$@"; }
drill()   { pgassay verify drill --repo "$REPO" "$@"; }
storage() { local verb=$1; shift; pgassay storage "$verb" --repo "$REPO" "$@"; }

# keygen_locked FILE PASSPHRASE-FILE: a key with a passphrase that costs no time to try; encrypted.bats has one at the full price.
keygen_locked() { pgassay storage keygen "$1" --passphrase-file "$2" && "$BATS_TEST_DIRNAME/pgassay_open.py" relock "$1" --passphrase-file "$2"; }

# What `storage doctor` said last of a probe: good, note, bad, or nothing.
verdict() { jq -r --arg p "$1" '[.findings[] | select(.probe == $p).verdict] | join(" ")' "$T/doctor.json"; }
# doctor STATUS [OPTION...]: into $T/doctor.json, checked against its schema.
doctor() {
    local want=$1 rc=0
    shift
    pgassay storage doctor --json "$@" >"$T/doctor.json" || rc=$?
    expect_equal "$rc" "$want" || { jq -c '.findings[]' "$T/doctor.json" >&2; return 1; }
    valid_json doctor "$T/doctor.json"
    expect_equal "$(jq .good "$T/doctor.json")" "$([ "$want" = 0 ] && echo true || echo false)"
}

# plant DB [--at TIME] [--rows N] [--scope HEX]: a true, small backup without a server's help (plant.c says what it is);
# prints its id.  Of a database that the current server has, real backups can follow.
plant() {
    local source=''
    [ -z "${PGHOST:-}" ] || source=$(psql_in postgres -v d="$1" 2>/dev/null <<<"SELECT system_identifier || ',' || oid FROM pg_database, pg_control_system() WHERE datname = :'d'") || true
    "$TOP/build/tests/e2e/plant" "$@" --repo "$REPO" ${source:+--source "$source"}
}
# The time so many days ago, as plant takes it.
days_ago() { date -u -d "now - $1 days" +%Y-%m-%dT%H:%M:%SZ; }

repo_new() {
    export REPO=$T/repo.$1
    rm -rf "$REPO"
    pgassay storage init --repo "$REPO"
}

# Committed backups of a database in this repository, oldest first, by the format's own rule.
backup_ids() {
    local l
    for l in "$REPO/$1"/backups/*/label.json; do
        [ ! -f "$l" ] || basename "$(dirname "$l")"
    done
}
last_id() { backup_ids "$1" | tail -n 1; }
label()   { head -n 1 "$REPO/$1/backups/$(last_id "$1")/label.json"; }
manifest() { zstd -dcq "$REPO/$1/backups/$(last_id "$1")/manifest.json.zst"; }

# round_trip DB [BACKUP OPTION...]: backup, restore as DB_copy, compare.
round_trip() {
    local db=$1
    shift
    db_drop "${db}_copy"
    backup "$db" "$@" && restore "$db" --to "${db}_copy" && db_same "$db" "${db}_copy"
}

# ---- assertions ----------------------------------------------------------------------------------

# expect_status N COMMAND...: runs it with `run`, shows what it said when the status is another.
expect_status() {
    local want=$1
    shift
    run "$@"
    [ "$status" -eq "$want" ] || { printf 'status %s, wanted %s: %s\n%s\n' "$status" "$want" "$*" "$output" >&2; return 1; }
}

# expect_text TEXT...: each stands in $output of the last `run`.
expect_text() {
    local t
    for t in "$@"; do
        [[ $output == *"$t"* ]] || { printf 'no "%s" in:\n%s\n' "$t" "$output" >&2; return 1; }
    done
}

expect_equal() {
    [ "$1" = "$2" ] || { printf 'have: %s\nwant: %s\n' "$1" "$2" >&2; return 1; }
}

# The message says what and where in a line or two, not in a page.
expect_short() {
    [ "$(grep -c . <<<"$output")" -le "${1:-3}" ] || { printf 'too long a message:\n%s\n' "$output" >&2; return 1; }
}

# valid_json SCHEMA FILE: against docs/schema, by the validator that run started, or by one for this document.
valid_json() {
    local text fd answer
    text=$(cat "$2") || return 1
    [ -n "${E2E_VALIDATOR:-}" ] || { /usr/bin/python3 -m jsonschema -i "$2" "$TOP/docs/schema/$1.json"; return; }
    exec {fd}<>"/dev/tcp/127.0.0.1/$E2E_VALIDATOR" || return 1
    printf '%s %s\n%s' "$1" "$(printf %s "$text" | wc -c)" "$text" >&$fd
    answer=$(cat <&$fd)
    exec {fd}>&-
    [ "$answer" = valid ] || { printf '%s is not as %s.json says: %s\n' "$2" "$1" "$answer" >&2; return 1; }
}

# ---- damage ---------------------------------------------------------------------------------------

flip() { # FILE OFFSET: one bit of one byte
    local byte
    byte=$(od -An -tu1 -j "$2" -N1 "$1")
    printf '%b' "\\x$(printf %02x $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Where the server's extensions lie.  pg_config knows the place it was built for; Debian's layout goes by where it lies.
share_dir() {
    local d
    for d in "${SERVER_BIN%/lib/postgresql/*}/share/postgresql/$(basename "$(dirname "$SERVER_BIN")")" \
        "$("$SERVER_BIN/pg_config" --sharedir 2>/dev/null)" "$(pg_config --sharedir 2>/dev/null)"; do
        [ -d "$d/extension" ] && { echo "${d%/}"; return; }
    done
    echo "no extensions beside $SERVER_BIN" >&2
    return 1
}

# ---- a PostgreSQL installation with an extension of our own ----------------------------------------
# A copy of the programs with links to the rest: the server looks for its files relative to where it
# lies, so that nothing has to be put into the system's directories.
private_postgres() {
    local inst=$T/inst share rel
    share=$(share_dir)
    mkdir -p "$inst$SERVER_BIN" "$inst$share/extension"
    cp "$SERVER_BIN"/* "$inst$SERVER_BIN/"
    ln -s "$(dirname "$SERVER_BIN")/lib" "$inst$(dirname "$SERVER_BIN")/lib"
    for rel in "$share"/*; do [ "$(basename "$rel")" = extension ] || ln -s "$rel" "$inst$share/"; done
    ln -s "$share"/extension/* "$inst$share/extension/"
    cp "$FIXTURES"/extension/* "$inst$share/extension/"
    export SERVER_BIN=$inst$SERVER_BIN
    copying_bindir
}

# ---- things that happen at a chosen moment ---------------------------------------------------------

# hook PROGRAM before|after: from now on the tools run PostgreSQL's PROGRAM through a wrapper which also
# runs the shell commands on stdin, with $CALL counting from 1.  unhook ends that.
hook() {
    local dir=$T/hooked
    rm -rf "$dir"
    mkdir -p "$dir"
    cp -P "$T/pgbin"/* "$dir/"
    rm "$dir/$1"
    cat >"$dir/hook.sh"
    : >"$dir/calls"
    chmod -R a+rwX "$dir"
    cat >"$dir/$1" <<WRAPPER
#!/bin/bash
# --version is only a question.
case "\$*" in *--version* | -V) exec "$SERVER_BIN/$1" "\$@" ;; esac
echo call >>"$dir/calls"
CALL=\$(wc -l <"$dir/calls")
moment() { export PGHOST='$PGHOST' PGPORT=5432 PGUSER=postgres CALL; bash -eu "$dir/hook.sh" </dev/null >>"$dir/log" 2>&1 3>&- 4>&-; }
[ "$2" = after ] || moment
"$SERVER_BIN/$1" "\$@"
rc=\$?
[ "$2" = before ] || moment
exit \$rc
WRAPPER
    chmod 755 "$dir/$1"
    [ "${PGASSAY_PG_BINDIR:-}" = "$dir" ] || unhooked=${PGASSAY_PG_BINDIR:-}
    export PGASSAY_PG_BINDIR=$dir
}
unhook() {
    [ "${PGASSAY_PG_BINDIR:-}" = "$T/hooked" ] || return 0
    if [ -n "${unhooked:-}" ]; then PGASSAY_PG_BINDIR=$unhooked; else unset PGASSAY_PG_BINDIR; fi
}
hook_calls() { wc -l <"$T/hooked/calls"; }

# Sessions that hold something: session_open NAME DB; session NAME SQL (sent, not waited for); session_close NAME.
session_open() {
    rm -f "$T/session.$1"
    mkfifo "$T/session.$1"
    PGAPPNAME="session_$1" psql -X -q -A -t -d "$2" <"$T/session.$1" >"$T/session.$1.out" 2>&1 3>&- 4>&- &
    exec {fd}>"$T/session.$1"
    eval "session_fd_$1=$fd session_pid_$1=$!"
}
session() {
    local fd=session_fd_$1
    printf '%s;\n' "$2" >&"${!fd}"
}
session_close() {
    local fd=session_fd_$1 pid=session_pid_$1
    # Others may have inherited the pipe: closing it is not enough.
    printf '\\q\n' >&"${!fd}"
    eval "exec ${!fd}>&-"
    wait "${!pid}" || true
    rm -f "$T/session.$1"
}
# Has the session's last statement ended, and is it in a transaction, idle, or waiting for a lock?
session_idle() { wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'session_$1' AND state LIKE 'idle%'"; }
session_waits() { wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'session_$1' AND wait_event_type = 'Lock'"; }

# rounds USUAL LONG: how often something is repeated to be surer; with E2E_LONG it is the second.
rounds() { if [ -n "${E2E_LONG:-}" ]; then echo "$2"; else echo "$1"; fi; }

# A tool in the background: start COMMAND...; then finish STATUS.
start() {
    "$@" >"$T/started.out" 2>&1 </dev/null 3>&- 4>&- &
    started=$!
}
finish() {
    finished
    [ "$status" -eq "$1" ] || { printf 'status %s, wanted %s\n%s\n' "$status" "$1" "$output" >&2; return 1; }
}
finished() { # as `run` does: $status and $output
    status=0
    wait "$started" || status=$?
    output=$(cat "$T/started.out")
}

# ---- hostile.sql -----------------------------------------------------------------------------------

# no_canary [DB...]: nothing in these databases' names and bodies was taken for SQL.
no_canary() {
    local db
    expect_equal "$(psql_in postgres -c "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolsuper")" postgres
    for db in "$@"; do
        expect_equal "$(psql_in "$db" -c "SELECT count(*) FROM pg_class WHERE relname = 'canary'")" 0 || return 1
    done
}

# plain FILE...: nothing that a terminal obeys but line ends: no control, not those of two bytes either, no mark or
# override of direction.
plain() {
    local found
    found=$(LC_ALL=C grep -anP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf' "$@") || return 0
    printf 'not plain: %s\n' "$(cat -v <<<"$found" | head -n 5)" >&2
    return 1
}
