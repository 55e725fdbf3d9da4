# chain.bash - what chain.bats and rollback.bats share: a signed repository, and a memory, for each test.
# shellcheck shell=bash disable=SC2154  # bats reads and sets variables

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    local k
    for k in admin host other; do pgassay storage keygen "$T/$k"; done
    cat >"$T/signed.conf" <<INI
[repo signed]
path = $T/signed
sign-key = $T/host
trust-backup = $T/host.pub, $T/other.pub
trust-prune = $T/host.pub
trust-drill = $T/host.pub
trust-admin = $T/admin.pub
INI
    export PGASSAY_CONFIG=$T/signed.conf
}
teardown_file() { e2e_teardown; }

# Each test has a repository and a memory of its own.
setup() {
    rm -rf "$T/signed" "$T/state" "$T/kept"
    pgassay storage init signed --repo-option "sign-key=$T/admin"
    export REPO=signed
}
unsigned() { repo_new plain; }

where() { [ "$REPO" = signed ] && echo "$T/signed" || echo "$REPO"; }
ids() { ls "$(where)/shop/backups"; }
last() { ids | tail -n 1; }
nth() { ids | sed -n "$1p"; }
label_of() { head -n 1 "$(where)/shop/backups/$1/label.json"; }
key_id() { jq -r .id "$T/$1.pub"; }
chain() { pgassay verify chain --repo "$REPO" "$@"; }
history() { local i; for ((i = 0; i < $1; i++)); do plant shop >/dev/null || return 1; done; }
backups() { local i; for ((i = 0; i < $1; i++)); do backup shop || return 1; done; }
as_key() { local k=$1; shift; "$@" --repo-option "sign-key=$T/$k"; }
keep() { cp -r "$(where)" "$T/kept"; }
put_back() { rm -rf "$(where)" && cp -r "$T/kept" "$(where)"; }
admin_policy() { as_key admin storage policy "$@"; }
backup_count() { find "$(where)/shop/backups" -name label.json | wc -l; }
