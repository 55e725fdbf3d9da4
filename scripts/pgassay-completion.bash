# bash completion for pgassay: the tools, then each tool's own.
# shellcheck shell=bash
_pgassay()
{
    local tool=${COMP_WORDS[1]-}
    local function=_pgassay_${tool}_from

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'setup backup restore verify storage notify --help --version' -- "$tool")
        return
    fi
    case $tool in
    backup | restore | verify | storage | notify) ;;
    setup)
        [[ ${COMP_WORDS[COMP_CWORD]} != -* ]] ||
            mapfile -t COMPREPLY < <(compgen -W "$(pgassay-setup --help | grep -oE -e '--[a-z-]+')" -- "${COMP_WORDS[COMP_CWORD]}")
        return
        ;;
    *) return ;;
    esac
    if ! declare -F "$function" >/dev/null; then
        # shellcheck source=/dev/null
        source <("pgassay-$tool" --completion bash 2>/dev/null)
    fi
    ! declare -F "$function" >/dev/null || "$function" 2
}
complete -o default -F _pgassay pgassay
