#!/usr/bin/env bats
# The manual, --help, completion and installation agree.  No server is needed.
# shellcheck disable=SC2154

load lib

setup_file() {
    export MAN=$TOP/docs/man
    T=$(mktemp -d "${E2E_TMP:-/tmp}/e2e.XXXXXX")
    export T TOOLS="backup restore storage verify notify"
}

teardown_file() {
    rm -rf "$T"
}

# What the tools say of themselves: lines of fields with tabs between.
plain() { "pgassay-$1" --completion plain; }
commands_of() { plain "$1" | awk -F '\t' '$1 == "command" { print $2 }'; }
# options_of TOOL COMMAND: --name, and -letter if it has one.
options_of() { plain "$1" | awk -F '\t' -v c="$2" '$1 == "option" && $2 == c { print $3; if ($4 != "") print $4 }' | sort -u; }
keys_of() { plain "$1" | awk -F '\t' -v s="$2" '$1 == "key" && $2 == s { print $3 }' | sort; }

# man_options PAGE SECTION: the options that have an item there; SECTION is the beginning of a heading, "" all of the page.
man_options() {
    awk -v want="$2" '
        /^\.S[sh] / { heading = substr($0, 5); at = want == "" || heading == want || index(heading, want " ") == 1 &&
            substr(heading, length(want) + 2, 1) ~ /[A-Z[]/ }
        at && /^\.It .*Fl/ { print }' "$MAN/$1" | grep -oE 'Fl -?[A-Za-z][a-z-]*' | sed 's/^Fl /-/' | sort -u
}
man_common() { # the options that several commands have
    sed -n '/^\.Sh COMMON OPTIONS/,/^\.Sh [^C]/p' "$MAN/$1" | grep '^\.It .*Fl' | grep -oE 'Fl -?[A-Za-z][a-z-]*' | sed 's/^Fl /-/' | sort -u
}

@test "every command has its section in the man page, with its own arguments, and no section is without one" {
    for tool in storage verify; do
        plain "$tool" | awk -F '\t' '$1 == "command" { print $2 ($3 == "" ? "" : " " $3) }' | sed 's/\.\.\./ .../' >"$T/known"
        sed -n '/^\.Sh COMMANDS/,/^\.Sh COMMON/p' "$MAN/pgassay-$tool.1" | sed -n 's/^\.Ss //p' | diff - "$T/known"
    done
    for tool in backup restore notify; do [ -z "$(commands_of "$tool")" ]; done
}

@test "every option is in the man page, below its command or among the common ones, and no other is" {
    local command
    for tool in backup restore notify; do
        diff <(options_of "$tool" "") <(man_options "pgassay-$tool.1" "")
    done
    for tool in storage verify; do
        man_common "pgassay-$tool.1" >"$T/common"
        while read -r command; do
            man_options "pgassay-$tool.1" "$command" >"$T/own"
            # All that the command takes is in one of the two, and all of its section is what it takes.
            diff <(options_of "$tool" "$command" | comm -23 - <(sort -u "$T/own" "$T/common")) /dev/null
            diff <(options_of "$tool" "$command" | comm -13 - "$T/own") /dev/null
            options_of "$tool" "$command" | comm -12 - "$T/common" >>"$T/used"
        done < <(commands_of "$tool")
        # And what is called common, some commands have.
        diff <(sort -u "$T/used") "$T/common"
        : >"$T/used"
    done
}

# Without "=all" it is at most 40 lines, none of them longer than 100, and has every option's name.
fits() {
    local n
    "pgassay-$1" ${2+"${@:2}"} --help >"$T/short"
    n=$(wc -l <"$T/short")
    [ "$n" -le 40 ] || { echo "$*: $n lines"; return 1; }
    grep -E '.{101}' "$T/short" | diff - /dev/null
    options_of "$1" "${*:2}" | comm -23 - <(grep -oE -e '-[A-Za-z0-9]\b' -e '--[a-z-]+' "$T/short" | sort -u) | diff - /dev/null
}

@test "--help of a command is about that, and fits a screen" {
    local command
    for tool in storage verify; do
        while read -r command; do
            # shellcheck disable=SC2086  # "keys add" is two words
            "pgassay-$tool" $command --help=all >"$T/help"
            grep -qF "Usage: pgassay-$tool $command " "$T/help"
            diff <(options_of "$tool" "$command") <(grep -oE '^ +(-[A-Za-z0-9], +)?--[a-z-]+' "$T/help" | grep -oE -e '-[A-Za-z0-9]\b' -e '--[a-z-]+' | sort -u)
            # Wherever it stands.
            # shellcheck disable=SC2086
            "pgassay-$tool" --help=all $command | diff - "$T/help"
            # shellcheck disable=SC2086
            fits "$tool" $command
        done < <(commands_of "$tool")
        "pgassay-$tool" --help >"$T/help"
        while read -r command; do
            [[ $command == *' '* ]] || grep -qE "^  $command( |\$)" "$T/help"
        done < <(commands_of "$tool")
    done
    for tool in $TOOLS; do fits "$tool"; done
    # At a terminal it is as long and wide as that, less a line for the prompt; each option is still there.
    for command in pgassay-{backup,restore,notify} pgassay-verify\ {drill,health} pgassay-storage\ {export,prune}; do
        script -qec "stty rows 24 cols 80; $command --help" /dev/null </dev/null | tr -d '\r' >"$T/short"
        [ "$(wc -l <"$T/short")" -le 23 ] || { echo "$command: $(wc -l <"$T/short") lines"; return 1; }
        grep -E '.{81}' "$T/short" | diff - /dev/null
        read -r tool command <<<"${command#pgassay-}"
        options_of "$tool" "$command" | comm -23 - <(grep -oE -e '-[A-Za-z0-9]\b' -e '--[a-z-]+' "$T/short" | sort -u) | diff - /dev/null
    done
    # What does not fit is named, and explained when asked for.
    pgassay-restore --help | grep -q -- '--keep-failed'
    pgassay-restore --help=all | grep -qE '^ +--keep-failed +do not remove'
    run pgassay-restore --help=al
    [ "$status" -eq 2 ]
}

@test "an option has one letter, one argument and one text in every tool and command that has it" {
    # Not -d, a source here and a target there; --check, which looks for chunks or compares rows; --since, what was removed or done; nor what says whose it is, or differs in its default.
    for tool in $TOOLS; do
        plain "$tool" | awk -F '\t' -v OFS='\t' '$1 == "option" { print $3, $4, $5, $6 }'
    done | sort -u | grep -vE -e '^--(conninfo|dry-run|allow-remote|lock-timeout|jobs|adopt|backup|repo|note|name|reason|check|since)\b\s' >"$T/texts"
    cut -f 1 "$T/texts" | sort | uniq -d >"$T/twice"
    [ ! -s "$T/twice" ] || { grep -F -f "$T/twice" "$T/texts"; return 1; }
    # And no letter is two options.
    awk -F '\t' '$2 != "" { print $2 }' "$T/texts" | sort | uniq -d >"$T/twice"
    [ ! -s "$T/twice" ] || { cat "$T/twice"; return 1; }
}

@test "every configuration key is in pgassay.conf(5), in its section, and no other is; each tool knows all" {
    local tool section
    for tool in $TOOLS; do plain "$tool" | grep '^key' >"$T/keys.$tool"; done
    for tool in restore storage verify notify; do diff "$T/keys.backup" "$T/keys.$tool"; done
    for section in '' database repo check expect server notify ping; do
        case $section in
        '') sed -n '/^\.Ss Before any section/,/^\.Ss In/p' "$MAN/pgassay.conf.5" ;;
        *) sed -n "/^\\.Ss In \\[$section/,/^\\.S[hs]/p" "$MAN/pgassay.conf.5" ;;
        esac | sed -n 's/^\.It Li //p' | sed 's/ , /\n/g' | sort | diff - <(keys_of backup "$section")
    done
    # What --print-config prints can be read back as a configuration.
    for tool in backup restore storage verify; do
        : >"$T/empty.conf"
        "pgassay-$tool" --config "$T/empty.conf" --repo /nowhere --print-config >"$T/$tool.conf"
        grep -qx 'repo = /nowhere ; command line' "$T/$tool.conf"
        "pgassay-$tool" --config "$T/$tool.conf" --print-config >"$T/again"
        grep -qx "repo = /nowhere ; $T/$tool.conf:[0-9]*" "$T/again"
    done
    # And every key that an option stands for is one.
    pgassay-backup --config "$T/empty.conf" --repo /nowhere --print-config | sed -n 's/^\([a-z-]*\) = .*/\1/p' | sort |
        comm -23 - <(keys_of backup "" && keys_of backup database | sort) | diff - /dev/null
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
    [[ $output == *'unknown command "nonsense"'* ]]
    run pgassay prune
    [ "$status" -eq 2 ]
    [[ $output == *'did you mean "pgassay storage prune"'* ]]
    run pgassay setpu
    [[ $output == *'did you mean "pgassay setup"'* ]]
    run pgassay
    [ "$status" -eq 2 ]
}

@test "pgassay works through a symbolic link" {
    ln -s "$BIN/pgassay" "$T/pgassay"
    "$T/pgassay" storage --help | grep -q scrub
}

# Each shell is asked, through the completion of "pgassay": complete_SHELL WORD... prints what it would offer for the last.
complete_bash() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pgassay 2>/dev/null
        printf "%s\n" "${COMPREPLY[@]}"' _ "$TOP/scripts/pgassay-completion.bash" "$@"
}
complete_zsh() { # what is left to zsh itself prints its candidates
    zsh -f -c 'compdef() { :; }; compset() { :; }; _files() { print files; }; source "$1"; shift
        compadd() { print -rl -- "${(P@)@[-1]}"; }
        _describe() { local a; for a; do [[ $a == (tools|flags|valued|next|keys) ]] && print -rl -- "${(P@)a%%:*}"; done; }
        words=("$@") CURRENT=$#; _pgassay; true' _ "$TOP/scripts/pgassay-completion.zsh" "$@"
}
complete_fish() {
    local tool
    for tool in $TOOLS; do "pgassay-$tool" --completion fish; done >"$T/tools.fish"
    fish -N -c 'source $argv[1]; source $argv[2]; complete -C (string join -- " " (string escape -- $argv[3..-2]) $argv[-1])' \
        "$TOP/scripts/pgassay-completion.fish" "$T/tools.fish" "$@" | cut -f 1
}

@test "completion: tools, commands, their options, keys, repositories; in bash, zsh and fish" {
    local shell any='' sign
    printf '[repo nightly]\npath = /x\n' >"$T/complete.conf"
    export PGASSAY_CONFIG=$T/complete.conf HOME=$T
    for shell in bash zsh fish; do
        command -v "$shell" >/dev/null || continue
        any+=" $shell"
        # Offered with "=" by bash, which knows no better way to say that a value follows.
        sign=$([ "$shell" = bash ] && echo '=' || true)
        complete_$shell pgassay ver | grep -qx verify
        complete_$shell pgassay se | grep -qx setup
        complete_$shell pgassay setup --pin | grep -qx -e --ping-file
        complete_$shell pgassay storage pru | grep -qx prune
        complete_$shell pgassay storage keys '' | grep -qx new-epoch
        complete_$shell pgassay storage prune --gr | grep -qx -e "--grace$sign"
        complete_$shell pgassay storage --repo x keys add --wr | grep -qx -e --writer
        complete_$shell pgassay backup --lock | grep -qx -e "--lock-timeout$sign"
        complete_$shell pgassay storage list --repo-option reg | grep -qE '^region=?$'
        complete_$shell pgassay restore --repo ni | grep -qx nightly
        complete_$shell pgassay storage policy --d >"$T/offered"
        ! grep -e --dry-run "$T/offered"
    done
    [[ $any == *bash* ]]
}

@test "--completion: what a shell reads without a complaint; and what it does not know" {
    local shell
    for tool in $TOOLS; do
        for shell in bash zsh fish; do
            "pgassay-$tool" --completion "$shell" >"$T/script"
            ! command -v "$shell" >/dev/null || "$shell" -n "$T/script"
        done
        ! command -v shellcheck >/dev/null || { "pgassay-$tool" --completion bash >"$T/script" && shellcheck "$T/script"; }
        run "pgassay-$tool" --completion tcsh
        [ "$status" -eq 2 ]
        [[ $output == *tcsh* ]]
    done
}

@test "a wrong option says so and ends with 2" {
    for tool in $TOOLS; do
        run "pgassay-$tool" --nonsense
        [ "$status" -eq 2 ]
        [[ $output == *"--nonsense is not an option"*"pgassay-$tool --help"* ]]
        run "pgassay-$tool" --josn
        [ "$status" -eq 2 ]
        [[ $output == *'--josn is not an option (did you mean "--json"?)'* ]]
    done
}

@test "make install puts everything below DESTDIR, it runs from there, and make uninstall takes all of it away" {
    [ -f "$TOP/Makefile" ] && [ -w "$TOP/build" ] || skip "not in the checkout"
    make -s -C "$TOP" install DESTDIR="$T/dest" PREFIX=/usr >/dev/null
    for tool in $TOOLS; do
        [ -x "$T/dest/usr/bin/pgassay-$tool" ]
        [ -f "$T/dest/usr/share/man/man1/pgassay-$tool.1" ]
        bash -n "$T/dest/usr/share/bash-completion/completions/pgassay-$tool"
        [ -s "$T/dest/usr/share/zsh/site-functions/_pgassay-$tool" ]
        [ -s "$T/dest/usr/share/fish/vendor_completions.d/pgassay-$tool.fish" ]
    done
    [ -f "$T/dest/usr/share/man/man5/pgassay.conf.5" ]
    [ -f "$T/dest/usr/share/doc/pgassay/runbook.md" ]
    "$T/dest/usr/bin/pgassay" verify --help | grep -q drill
    # The user of the units is made by one file, and owns the folders that another one makes.
    grep -q '^u pgassay ' "$T/dest/usr/lib/sysusers.d/pgassay.conf"
    mkdir -p "$T/dest/etc"
    ! command -v systemd-sysusers >/dev/null || systemd-sysusers --root="$T/dest" >/dev/null 2>&1
    [ "$(grep -h '^User=' "$T"/dest/usr/lib/systemd/system/*.service | sort -u)" = User=pgassay ]
    grep -q '^d /var/lib/pgassay 0700 pgassay pgassay ' "$T/dest/usr/lib/tmpfiles.d/pgassay.conf"
    # What is not ours stays.
    touch "$T/dest/usr/share/doc/pgassay/mine"
    make -s -C "$TOP" uninstall DESTDIR="$T/dest" PREFIX=/usr >/dev/null
    find "$T/dest/usr" -mindepth 2 | sed "s|$T/dest/||" | sort >"$T/left"
    diff "$T/left" <(printf '%s\n' usr/share/doc usr/share/doc/pgassay usr/share/doc/pgassay/mine)
}

@test "the configuration that packages install means nothing, and uncommented it is right, key for key" {
    pgassay storage --config "$TOP/scripts/pgassay.conf" --print-config >"$T/as-is"
    grep "pgassay.conf:[0-9]" "$T/as-is" | diff - /dev/null
    sed -E 's/^#(\[|[a-z-]+ = |[a-z-]+ =$|    )/\1/' "$TOP/scripts/pgassay.conf" >"$T/all.conf"
    pgassay storage --config "$T/all.conf" --print-config >"$T/all"
    # As many keys and sections as there are, and as packages run it.
    [ "$(grep -cE '^[a-z-]+ =' "$T/all.conf")" -ge 20 ]
    [ "$(grep -c '^\[' "$T/all")" -eq "$(grep -c '^\[' "$T/all.conf")" ]
    grep -q '^scratch-dir = /var/cache/pgassay' "$T/all.conf"
}

@test "make dist: the same bytes whatever the folder, the time and the umask" {
    local name
    [ -e "$TOP/.git" ] && [ -w "$TOP/build" ] || skip "not in a checkout"
    name=$(make -s -C "$TOP" -pn dist 2>/dev/null | sed -n 's/^VERSION := /pgassay-/p')
    (umask 077 && "$TOP/scripts/dist" "$name" "$T/a.tar.gz")
    mkdir "$T/elsewhere"
    tar -xzf "$T/a.tar.gz" -C "$T/elsewhere"
    [ -x "$T/elsewhere/$name/scripts/pgassay" ] && [ ! -e "$T/elsewhere/$name/build" ]
    # Without git, from the tarball itself.
    touch -d '2001-01-01' "$T/elsewhere/$name/Makefile"
    (umask 022 && "$T/elsewhere/$name/scripts/dist" "$name" "$T/b.tar.gz")
    cmp "$T/a.tar.gz" "$T/b.tar.gz"
}

@test "Debian packages hold what they should, and lintian has no errors to tell" {
    [ -n "${E2E_LONG-}" ] || skip "only in the long form: half a minute"
    command -v dh >/dev/null || skip "no debhelper here: scripts/deps --dev"
    [ -e "$TOP/.git" ] && [ -w "$TOP/build" ] || skip "not in a checkout"
    local name=pgassay-0.0.1
    "$TOP/scripts/dist" "$name" "$T/$name.tar.gz"
    DEB_PREBUILT=$TOP/build "$TOP/scripts/deb" "$T/$name.tar.gz" "$T/deb"
    dpkg-deb --fsys-tarfile "$T"/deb/pgassay_*.deb | tar -t >"$T/contents"
    for name in etc/pgassay.conf usr/bin/pgassay usr/share/man/man1/pgassay.1.gz usr/share/zsh/vendor-completions/_pgassay \
        usr/lib/systemd/system/pgassay-backup@.service usr/lib/sysusers.d/pgassay.conf; do
        grep -qx "./$name" "$T/contents"
    done
    dpkg-deb --info "$T"/deb/pgassay_*.deb conffiles | grep -x /etc/pgassay.conf
}

@test "the systemd units are valid, and the commands in them and in the cron file are" {
    local unit command
    [ -f "$TOP/Makefile" ] && [ -w "$TOP/build" ] || skip "not in the checkout"
    make -s -C "$TOP" install PREFIX="$T/inst" >/dev/null
    for unit in backup@ scrub@ drill@ key-drill@ status; do
        [ -f "$T/inst/lib/systemd/system/pgassay-$unit.timer" ]
        grep -q "^ExecStart=$T/inst/bin/pgassay " "$T/inst/lib/systemd/system/pgassay-$unit.service"
    done
    if command -v systemd-analyze >/dev/null; then
        # It names what is wrong and ends with 1; what is said of units that are not ours is none of our business.
        for unit in "$T"/inst/lib/systemd/system/pgassay-*; do
            cp "$unit" "$T/$(sed 's/@/@shop/' <<<"${unit##*/}")"
        done
        run systemd-analyze verify --man=no "$T"/pgassay-*@shop.* "$T"/pgassay-status.*
        [[ $output != *pgassay-* ]] || { echo "$output" >&2; return 1; }
    fi
    # Every option in them exists: with --help nothing else is done.
    grep -hoE 'pgassay (backup|storage|verify) .*' "$TOP"/scripts/pgassay.cron "$TOP"/scripts/systemd/*.service >"$T/commands"
    [ "$(wc -l <"$T/commands")" -eq 9 ]
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
