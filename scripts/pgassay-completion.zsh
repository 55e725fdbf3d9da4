#compdef pgassay
# zsh completion for pgassay: the tools, then each tool's own.
_pgassay() {
    local -a flags tools=(
        'setup:from a database to a scheduled, proven backup of it, step by step'
        'backup:take a consistent backup of one, several or all databases'
        'restore:bring a backup back into a server, or into a throw-away one'
        'verify:prove a backup'
        'storage:look after a repository'
        'notify:whom failures are told, and a test message'
    )
    local tool=${words[2]-}

    if ((CURRENT == 2)); then
        _describe tool tools
        return
    fi
    case $tool in
    backup | restore | verify | storage | notify) ;;
    setup)
        flags=(${(f)"$(pgassay-setup --help | grep -oE -e '--[a-z-]+')"})
        if [[ ${words[CURRENT]} == -* ]]; then compadd -a flags; else _files; fi
        return
        ;;
    *) return 1 ;;
    esac
    if ((!$+functions[_pgassay_$tool])); then
        eval "$(pgassay-$tool --completion zsh 2>/dev/null)"
    fi
    shift words
    ((CURRENT--))
    _pgassay_$tool
}
# Run by the completion system, which finds it by its file's name; or sourced.
if [[ ${funcstack[1]-} == _pgassay ]]; then
    _pgassay "$@"
elif (($+functions[compdef])); then
    compdef _pgassay pgassay
fi
