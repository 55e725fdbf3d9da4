#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/completion_impl.h"
#include "core/cli/opts_impl.h"

/* 'name:what it means' */
static void
print_described(const char *name, const char *help)
{
    char *text = xasprintf("%s:%s", name, help);

    putchar(' ');
    completion_quote(text);
    free(text);
}

static void
print_options_of(const struct opts_spec *spec, const struct opts_verb *verb, int flags)
{
    const struct opt *o;

    printf(flags ? "flags=(" : " valued=(");
    for (size_t k = 0; (o = completion_option(spec, verb, k)) != NULL; k++) {
        char name[64];

        (void)snprintf(name, sizeof name, "--%s", o->name);
        if ((o->kind == OPT_FLAG) == flags) {
            print_described(name, o->help);
        }
    }
    printf(")");
}

static void
print_options(const struct opts_spec *spec)
{
    const struct opts_verb *verb;

    completion_text(spec,
                    "# COMMAND: its options, in $flags and $valued.\n"
                    "%F_options() {\n"
                    "    case $1 in\n");
    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        printf("    '%s') ", verb == NULL ? "" : verb->name);
        print_options_of(spec, verb, 1);
        print_options_of(spec, verb, 0);
        printf(" ;;\n");
    }
    printf("    esac\n}\n");
}

/* After nothing: every command; after a group's name: the group's second words. */
static void
print_next(const struct opts_spec *spec)
{
    const struct opts_verb *verb;

    completion_text(spec,
                    "# COMMAND: what may follow as a command, in $next.\n"
                    "%F_next() {\n"
                    "    next=()\n"
                    "    case $1 in\n");
    for (size_t i = 0; spec->verbs != NULL && completion_command(spec, i, &verb); i++) {
        const char *group = verb == NULL ? NULL : verb->name;

        if (group != NULL && !opts_has_group(spec, group)) {
            continue;
        }
        printf("    '%s') next=(", group == NULL ? "" : group);
        for (size_t k = 0; spec->verbs[k] != NULL; k++) {
            const char *blank = strchr(spec->verbs[k]->name, ' ');

            if (group == NULL ? blank == NULL : opts_in_group(spec->verbs[k], group)) {
                print_described(group == NULL ? spec->verbs[k]->name : blank + 1,
                                spec->verbs[k]->summary);
            }
        }
        printf(") ;;\n");
    }
    printf("    esac\n}\n");
}

static void
print_keys(const struct opts_spec *spec)
{
    const struct config_key *k;

    completion_text(spec, "%F_keys() {\n    keys=(");
    for (size_t i = 0; (k = completion_key(spec, i)) != NULL; i++) {
        print_described(k->name, k->help);
    }
    printf(")\n}\n");
}

static const char script[] =
    "%F() {\n"
    "    local word skip='' command='' offer=''\n"
    "    local -a places ask found flags valued next keys\n"
    "    local -i i\n"
    "\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        word=${(Q)words[i]}\n"
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
    "    if [[ -z $skip && ${words[CURRENT]} == --*=* ]]; then\n"
    "        skip=${words[CURRENT]%%=*}=\n"
    "        compset -P 1 '*='\n"
    "    fi\n"
    "    if [[ -n $skip ]]; then\n"
    "        offer=${$(%F_value \"${skip%=}\"):-nothing}\n"
    "    elif [[ ${words[CURRENT]} == -* ]]; then\n"
    "        %F_options \"$command\"\n"
    "        _describe -o option flags -- valued -S =\n"
    "        return\n"
    "    else\n"
    "        offer=$(%F_argument \"$command\" ${#places})\n"
    "        %F_next \"$command\"\n"
    "        if ((${#places} == 0 && ${#next} > 0)); then\n"
    "            _describe command next\n"
    "        fi\n"
    "    fi\n"
    "    case $offer in\n"
    "    files) _files ;;\n"
    "    databases | backups)\n"
    "        if [[ $offer == backups ]]; then\n"
    "            [[ $(%F_argument \"$command\" 0) == databases && -n ${places[1]-} ]] || return 1\n"
    "            ask+=(-- \"${places[1]}\")\n"
    "        fi\n"
    "        found=(${(f)\"$(timeout 5 setsid pgassay-storage list --names \"${ask[@]}\" "
    "</dev/null "
    "2>/dev/null)\"})\n"
    "        compadd -a found\n"
    "        ;;\n"
    "    repositories)\n"
    "        found=(${(f)\"$(timeout 5 pgassay-storage \"${ask[@]}\" --print-config </dev/null "
    "2>/dev/null "
    "|\n"
    "            sed -n 's/^\\[repo \\(.*\\)\\]$/\\1/p')\"})\n"
    "        compadd -a found\n"
    "        _files\n"
    "        ;;\n"
    "    keys)\n"
    "        %F_keys\n"
    "        _describe key keys -S =\n"
    "        ;;\n"
    "    esac\n"
    "}\n"
    "# Run by the completion system, which finds it by its file's name; or sourced.\n"
    "if [[ ${funcstack[1]-} == _%P ]]; then\n"
    "    %F \"$@\"\n"
    "elif (($+functions[compdef])); then\n"
    "    compdef %F %P\n"
    "fi\n";

void
completion_zsh(const struct opts_spec *spec)
{
    completion_text(spec, "#compdef %P\n# zsh completion for %P\n");
    completion_data(spec);
    print_options(spec);
    print_next(spec);
    print_keys(spec);
    completion_text(spec, script);
}
