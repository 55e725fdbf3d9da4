#include <stdio.h>
#include <string.h>

#include "core/cli/completion_impl.h"
#include "core/cli/opts_impl.h"

static void
print_options(const struct opts_spec *spec)
{
    const struct opts_verb *verb;
    const struct opt       *o;

    completion_text(spec,
                    "# COMMAND: its options.\n"
                    "%F_options() {\n"
                    "    case $1 in\n");
    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        printf("    '%s') echo '", verb == NULL ? "" : verb->name);
        for (size_t k = 0; (o = completion_option(spec, verb, k)) != NULL; k++) {
            printf("%s--%s%s", k == 0 ? "" : " ", o->name, o->kind == OPT_FLAG ? "" : "=");
        }
        printf("' ;;\n");
    }
    printf("    esac\n}\n");
}

/* After nothing: every command; after a group's name: the group's second words. */
static void
print_next(const struct opts_spec *spec)
{
    completion_text(spec,
                    "# COMMAND: what may follow as a command.\n"
                    "%F_next() {\n"
                    "    case $1 in\n"
                    "    '') echo '");
    for (size_t i = 0; spec->verbs != NULL && spec->verbs[i] != NULL; i++) {
        const char *name = spec->verbs[i]->name;

        if (strchr(name, ' ') == NULL) {
            printf("%s%s", i == 0 ? "" : " ", name);
        }
    }
    printf("' ;;\n");
    for (size_t i = 0; spec->verbs != NULL && spec->verbs[i] != NULL; i++) {
        const char *group = spec->verbs[i]->name;
        const char *between = "";

        if (!opts_has_group(spec, group)) {
            continue;
        }
        printf("    '%s') echo '", group);
        for (size_t k = 0; spec->verbs[k] != NULL; k++) {
            if (opts_in_group(spec->verbs[k], group)) {
                printf("%s%s", between, strchr(spec->verbs[k]->name, ' ') + 1);
                between = " ";
            }
        }
        printf("' ;;\n");
    }
    printf("    esac\n}\n");
}

static void
print_keys(const struct opts_spec *spec)
{
    const struct config_key *k;

    completion_text(spec, "%F_keys() {\n    echo '");
    for (size_t i = 0; (k = completion_key(spec, i)) != NULL; i++) {
        printf("%s%s=", i == 0 ? "" : " ", k->name);
    }
    printf("'\n}\n");
}

/* readline splits words at "=" and ":", so they have to be joined again, and only what follows the
 * last of these is offered. */
static const char script[] =
    "# FIRST: the first word after the program.\n"
    "%F_from() {\n"
    "    local i word cur skip='' command='' offer=''\n"
    "    local -a words=() places=() ask=()\n"
    "\n"
    "    COMPREPLY=()\n"
    "    for ((i = $1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if ((${#words[@]} > 0)) && [[ $word == [=:]* || ${words[-1]} == *[=:] ]]; then\n"
    "            words[-1]+=$word\n"
    "        else\n"
    "            words+=(\"$word\")\n"
    "        fi\n"
    "    done\n"
    "    ((${#words[@]} > 0)) || return 0\n"
    "    cur=${words[-1]}\n"
    "    unset 'words[-1]'\n"
    "    for word in \"${words[@]}\"; do\n"
    "        case $skip$word in\n"
    "        --repo=* | --repo-option=* | --config=*) ask+=(\"$skip$word\") ;;\n"
    "        esac\n"
    "        if [[ -n $skip ]]; then\n"
    "            skip=\n"
    "        elif %F_valued \"$word\"; then\n"
    "            skip=$word=\n"
    "        elif [[ $word != -* ]]; then\n"
    "            places+=(\"$word\")\n"
    "        fi\n"
    "    done\n"
    "    %F_command\n"
    "    if [[ -z $skip && $cur == --*=* ]]; then\n"
    "        skip=${cur%%=*}=\n"
    "        cur=${cur#*=}\n"
    "    fi\n"
    "    if [[ -n $skip ]]; then\n"
    "        offer=$(%F_value \"${skip%=}\")\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(%F_options \"$command\")\" -- \"$cur\")\n"
    "        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null\n"
    "        return 0\n"
    "    else\n"
    "        offer=$(%F_argument \"$command\" ${#places[@]})\n"
    "        if ((${#places[@]} == 0)); then\n"
    "            mapfile -t COMPREPLY < <(compgen -W \"$(%F_next \"$command\")\" -- \"$cur\")\n"
    "        fi\n"
    "    fi\n"
    "    case $offer in\n"
    "    databases | backups)\n"
    "        if [[ $offer == backups ]]; then\n"
    "            [[ $(%F_argument \"$command\" 0) == databases && -n ${places[0]-} ]] || return 0\n"
    "            ask+=(-- \"${places[0]}\")\n"
    "        fi\n"
    "        while IFS= read -r word; do\n"
    "            [[ $word != \"$cur\"* ]] || COMPREPLY+=(\"$(printf %q \"$word\")\")\n"
    "        done < <(timeout 5 setsid pgassay-storage list --names \"${ask[@]}\" </dev/null "
    "2>/dev/null)\n"
    "        ;;\n"
    "    repositories)\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        while IFS= read -r word; do\n"
    "            [[ $word != \"$cur\"* ]] || COMPREPLY+=(\"$word\")\n"
    "        done < <(timeout 5 pgassay-storage \"${ask[@]}\" --print-config </dev/null "
    "2>/dev/null |\n"
    "            sed -n 's/^\\[repo \\(.*\\)\\]$/\\1/p')\n"
    "        ;;\n"
    "    keys)\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(%F_keys)\" -- \"$cur\")\n"
    "        compopt -o nospace 2>/dev/null\n"
    "        ;;\n"
    "    esac\n"
    "    return 0\n"
    "}\n"
    "%F() {\n"
    "    %F_from 1\n"
    "}\n"
    "complete -o default -F %F %P\n";

void
completion_bash(const struct opts_spec *spec)
{
    completion_text(spec, "# bash completion for %P\n# shellcheck shell=bash\n");
    completion_data(spec);
    print_options(spec);
    print_next(spec);
    print_keys(spec);
    completion_text(spec, script);
}
