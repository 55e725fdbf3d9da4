#!/usr/bin/env bats
# The manual, --help, completion and installation agree.  No server is needed.
# shellcheck disable=SC2154

load lib

setup_file() {
    export MAN=$TOP/docs/man
    T=$(mktemp -d "${E2E_TMP:-/tmp}/e2e.XXXXXX")
    export T TOOLS="backup restore storage verify"
}

teardown_file() {
    rm -rf "$T"
}

options_of() { "pgassay-$1" --help | grep -oE '^ +(-[A-Za-z0-9], +)?--[a-z-]+' | grep -oE -e '--[a-z-]+' | sort -u; }
letters_of() { "pgassay-$1" --help | grep -oE '^ +-[A-Za-z0-9],' | tr -d ' ,-' | sort -u; }

@test "every option of every tool is in its man page" {
    for tool in $TOOLS; do
        for option in $(options_of "$tool"); do
            grep -qE "^\.(It|Nm).*Fl -${option#--}( |\$)" "$MAN/pgassay-$tool.1" ||
                { echo "pgassay-$tool.1 does not have $option"; return 1; }
        done
        for letter in $(letters_of "$tool"); do
            grep -qE "^\.It Fl $letter , " "$MAN/pgassay-$tool.1" ||
                { echo "pgassay-$tool.1 does not have -$letter"; return 1; }
        done
    done
}

@test "no man page has an option that its tool does not know" {
    for tool in $TOOLS; do
        options_of "$tool" >"$T/known"
        grep '^\.It' "$MAN/pgassay-$tool.1" | grep -oE 'Fl -[a-z-]+' | sed 's/Fl -/--/' | sort -u |
            comm -23 - "$T/known" >"$T/unknown"
        [ ! -s "$T/unknown" ] || { echo "pgassay-$tool.1: $(cat "$T/unknown")"; return 1; }
    done
}

@test "an option has one letter, one argument and one text in every tool that has it" {
    # Not -d, a source here and a target there; nor what says whose it is, or differs in its default.
    for tool in $TOOLS; do
        "pgassay-$tool" --help | awk '/^ +(-[A-Za-z],)? *--/ { if (text) print text; text = $0; next }
            substr($0, 1, 28) ~ /^ +$/ { text = text " " $0; next } { if (text) print text; text = "" }' | tr -s ' '
    done | sort -u | grep -vE -e '--(conninfo|dry-run|allow-remote|lock-timeout|adopt|backup)\b|--repo=' >"$T/texts"
    sed -E 's/^ (-.,)? ?(--[a-z-]+).*/\2/' "$T/texts" | sort | uniq -d >"$T/twice"
    [ ! -s "$T/twice" ] || { grep -F -f "$T/twice" "$T/texts"; return 1; }
    # And no letter is two options.
    grep -oE '^ -., --[a-z-]+' "$T/texts" | awk '{ print $1 }' | sort | uniq -d >"$T/twice"
    [ ! -s "$T/twice" ] || { cat "$T/twice"; return 1; }
}

@test "every configuration key that a tool reads is accepted, and is in pgassay.conf(5)" {
    # What --print-config prints can be read back as a configuration.
    for tool in $TOOLS; do
        : >"$T/empty.conf"
        "pgassay-$tool" --config "$T/empty.conf" --repo /nowhere --print-config >"$T/$tool.conf"
        "pgassay-$tool" --config "$T/$tool.conf" --print-config >/dev/null
    done
    awk '/^static const char \*const/ { on = 1 } on; /NULL};/ { on = 0 }' "$TOP/core/config/config_keys.c" | grep -oE '"[a-z-]+"' | tr -d '"' |
        while read -r key; do
            grep -qE "^\.It Li (.* )?$key( |\$)" "$MAN/pgassay.conf.5" ||
                { echo "pgassay.conf.5 does not have $key"; exit 1; }
        done
}

@test "the man pages are well-formed" {
    command -v groff >/dev/null || skip "no groff here"
    for page in "$MAN"/*; do
        groff -mandoc -Tutf8 -ww -z "$page" 2>&1
    done >"$T/groff"
    [ ! -s "$T/groff" ] || { cat "$T/groff"; return 1; }
}

@test "pgassay runs its tools, and names what is not one" {
    pgassay --help | grep -q '^  verify'
    pgassay --version | grep -qE '^pgassay.* [0-9]+\.[0-9]+'
    [ "$(pgassay backup --version)" = "$(pgassay-backup --version)" ]
    run pgassay nonsense
    [ "$status" -eq 2 ]
    [[ $output == *'no tool "nonsense"'* ]]
    run pgassay
    [ "$status" -eq 2 ]
}

@test "pgassay works through a symbolic link" {
    ln -s "$BIN/pgassay" "$T/pgassay"
    "$T/pgassay" storage --help | grep -q scrub
}

@test "completion knows tools and options" {
    complete_words() {
        bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pgassay 2>/dev/null
            printf "%s\n" "${COMPREPLY[@]}"' _ "$TOP/scripts/pgassay-completion.bash" "$@"
    }
    [ "$(complete_words pgassay ver)" = verify ]
    complete_words pgassay backup --lock | grep -qx -- '--lock-timeout='
    complete_words pgassay storage --pr | grep -qx -- '--print-config'
}

@test "a wrong option says so and ends with 2" {
    for tool in $TOOLS; do
        run "pgassay-$tool" --nonsense
        [ "$status" -eq 2 ]
        [[ $output == *"--nonsense is not an option"*"pgassay-$tool --help"* ]]
    done
}

@test "make install puts everything below DESTDIR, and it runs from there" {
    [ -f "$TOP/Makefile" ] && [ -w "$TOP/build" ] || skip "not in the checkout"
    make -s -C "$TOP" install DESTDIR="$T/dest" PREFIX=/usr >/dev/null
    for tool in $TOOLS; do
        [ -x "$T/dest/usr/bin/pgassay-$tool" ]
        [ -f "$T/dest/usr/share/man/man1/pgassay-$tool.1" ]
        bash -n "$T/dest/usr/share/bash-completion/completions/pgassay-$tool"
    done
    [ -f "$T/dest/usr/share/man/man5/pgassay.conf.5" ]
    [ -f "$T/dest/usr/share/doc/pgassay/runbook.md" ]
    "$T/dest/usr/bin/pgassay" verify --help | grep -q drill
}

@test "the systemd units are valid, and the commands in them and in the cron file are" {
    local unit command
    [ -f "$TOP/Makefile" ] && [ -w "$TOP/build" ] || skip "not in the checkout"
    make -s -C "$TOP" install PREFIX="$T/inst" >/dev/null
    for unit in backup scrub drill; do
        [ -f "$T/inst/lib/systemd/system/pgassay-$unit@.timer" ]
        grep -q "^ExecStart=$T/inst/bin/pgassay " "$T/inst/lib/systemd/system/pgassay-$unit@.service"
    done
    if command -v systemd-analyze >/dev/null; then
        # It names what is wrong and ends with 1; what is said of units that are not ours is none of our business.
        for unit in "$T"/inst/lib/systemd/system/pgassay-*; do
            cp "$unit" "$T/${unit##*/}"
            mv "$T/${unit##*/}" "$T/$(sed 's/@/@shop/' <<<"${unit##*/}")"
        done
        run systemd-analyze verify --man=no "$T"/pgassay-*@shop.*
        [[ $output != *pgassay-* ]] || { echo "$output" >&2; return 1; }
    fi
    # Every option in them exists: with --help nothing else is done.
    grep -hoE 'pgassay (backup|storage|verify) .*' "$TOP"/scripts/pgassay.cron "$TOP"/scripts/systemd/*.service >"$T/commands"
    [ "$(wc -l <"$T/commands")" -eq 6 ]
    while read -r command; do
        # shellcheck disable=SC2086  # a command and its arguments
        pgassay ${command#pgassay } --help >/dev/null
    done <"$T/commands"
}

@test "the test vector in the format's page is that of the file" {
    local hex
    jq -r '.keys.epoch.secret, .keys.epoch.public, .naming.id_key, .chunk.plaintext, .chunk.id, (.sealed[0] | .what, .data, .sealed)' \
        "$TOP/tests/vectors/seal.json" >"$T/vectors"
    expect_equal "$(wc -l <"$T/vectors")" 8
    while read -r hex; do grep -qw -- "$hex" "$TOP/docs/repository-format.md" || { echo "missing: $hex"; return 1; }; done <"$T/vectors"
}
