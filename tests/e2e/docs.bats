#!/usr/bin/env bats
# What README and docs tell to type.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
}
teardown_file() { e2e_teardown; }

# commands_of FILE...: each command "pgassay ..." of their code, a line each, up to a comment, a pipe or what follows.
commands_of() {
    awk '/^ *```/ { block = !block; next } block { print }' "$@" >"$T/blocks"
    grep -hoE '`pgassay [^`]+`' "$@" | tr -d '`' >"$T/words"
    sed -E ':a; /\\$/ { N; s/\\\n */ /; ba }' "$T/blocks" "$T/words" | grep -oE '(^|[ ;(])pgassay (backup|restore|verify|storage|setup)( .*|$)' |
        sed -E 's/^[ ;(]*//; s/ +#.*//; s/ *(\||;|&&|>|<<).*//; s/\)$//' | sort -u
}

@test "every command in README and docs has options that there are" {
    local command bad=0
    cd "$T"
    commands_of "$TOP"/README.md "$TOP"/docs/*.md >"$T/commands"
    [ "$(wc -l <"$T/commands")" -gt 100 ]
    while read -r command; do
        case $command in *[…\[\$]* | *' ...'*) continue ;; esac      # a form, not a command
        # With --help nothing else is done, but what comes before it must be right.
        eval "set -- ${command#pgassay }" 2>/dev/null || { echo "cannot be typed: $command" >&2; bad=1; continue; }
        # The last word may be an option that is named without its value, which would be --help.
        case ${*: -1} in
        --*=*) ;;
        --*) ! pgassay "${@:1:$#-1}" "${*: -1}=x" --help >/dev/null 2>&1 || continue ;;
        esac
        pgassay "$@" --help >/dev/null 2>"$T/why" || { printf '%s\n%s\n' "$command" "$(head -n 1 "$T/why")" >&2; bad=1; }
    done <"$T/commands"
    [ "$bad" -eq 0 ]
}

@test "README's first backup, line by line" {
    unset PGASSAY_REPO
    awk '/^Then as that user/ { go = 1 } go && /^```/ { if (n++) exit; next } n' "$TOP/README.md" | sed "s#/srv/backups#$T/srv#g; s/ *# .*//" >"$T/lines"
    [ "$(grep -c '^pgassay' "$T/lines")" -ge 6 ]
    sed -i "s/^pgassay /'$(sed 's#/#\\/#g' <<<"$BIN")\/pgassay' /" "$T/lines"
    bash -eu "$T/lines"
    db_same shop shop_new
}
