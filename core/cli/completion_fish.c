#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/completion_impl.h"
#include "core/cli/opts_impl.h"

static const char functions[] =
    "# What stands before the cursor: --repo and its like for \"ask\", the others for \"places\".\n"
    "function _%F_words -a what\n"
    "    set -l skip\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if string match -qr -- '^--(repo|repo-option|config)=' \"$skip$word\"\n"
    "            test $what = ask; and printf '%s\\n' \"$skip$word\"\n"
    "        else if test -z \"$skip\" -a $what = places; and not string match -q -- '-*' $word\n"
    "            printf '%s\\n' $word\n"
    "        end\n"
    "        if test -n \"$skip\"\n"
    "            set skip\n"
    "        else if contains -- $word $_%F_valued\n"
    "            set skip $word=\n"
    "        end\n"
    "    end\n"
    "end\n"
    "function _%F_command\n"
    "    set -l places (_%F_words places)\n"
    "    if contains -- \"$places[1..2]\" $_%F_commands\n"
    "        printf '%s\\n' \"$places[1..2]\"\n"
    "    else if contains -- \"$places[1]\" $_%F_commands\n"
    "        printf '%s\\n' $places[1]\n"
    "    end\n"
    "end\n"
    "# Is the word at the cursor the N-th argument of COMMAND, from 0?\n"
    "function _%F_at -a command n\n"
    "    test \"$(_%F_command)\" = \"$command\"\n"
    "    and test (count (_%F_words places)) -eq (math $n + (count (string split -n ' ' -- "
    "$command)))\n"
    "end\n"
    "function _%F_databases\n"
    "    timeout 5 setsid pgassay-storage list --names (_%F_words ask) </dev/null 2>/dev/null\n"
    "end\n"
    "function _%F_backups\n"
    "    set -l places (_%F_words places)\n"
    "    set -l first (math 1 + (count (string split -n ' ' -- \"$(_%F_command)\")))\n"
    "    test -n \"$places[$first]\"\n"
    "    and timeout 5 setsid pgassay-storage list --names (_%F_words ask) -- $places[$first] "
    "</dev/null "
    "2>/dev/null\n"
    "end\n"
    "function _%F_repositories\n"
    "    timeout 5 pgassay-storage (_%F_words ask) --print-config </dev/null 2>/dev/null |\n"
    "        string match -rg '^\\[repo (.*)\\]$'\n"
    "    __fish_complete_path (commandline -ct | string replace -r '^--[^=]*=' '')\n"
    "end\n";

static void
print_lists(const struct opts_spec *spec)
{
    struct strlist valued = {0};

    completion_valued(spec, &valued);
    completion_text(spec, "set -g _%F_valued");
    for (size_t i = 0; i < valued.n; i++) {
        printf(" %s", valued.v[i]);
    }
    completion_text(spec, "\nset -g _%F_commands");
    for (size_t i = 0; spec->verbs != NULL && spec->verbs[i] != NULL; i++) {
        printf(" '%s'", spec->verbs[i]->name);
    }
    putchar('\n');
    strlist_free(&valued);
}

/* complete ... -n 'condition' ...: the value of an option, or an argument. */
static void
print_offer(const struct opts_spec *spec, enum opts_offer offer)
{
    const struct config_key *k;
    char                     text[64];

    switch (offer) {
    case OFFER_NOTHING:
        break;
    case OFFER_FILES:
        printf(" -F");
        break;
    case OFFER_KEYS:
        printf(" -a '");
        for (size_t i = 0; (k = completion_key(spec, i)) != NULL; i++) {
            printf("%s%s=", i == 0 ? "" : " ", k->name);
        }
        putchar('\'');
        break;
    default:
        (void)snprintf(text, sizeof text, " -a '(_%%F_%s)'", opts_offer_text(offer));
        completion_text(spec, text);
    }
}

static void
print_option(const struct opts_spec *spec, const struct opts_verb *verb, const struct opt *o)
{
    enum opts_offer offer = opts_args_offer(o->arg);

    completion_text(spec, "complete -c %P -n 'test \"$(_%F_command)\" = \"");
    printf("%s\"' -l %s", verb == NULL ? "" : verb->name, o->name);
    if (o->letter != 0) {
        printf(" -s %c", o->letter);
    }
    if (o->kind != OPT_FLAG) {
        printf(offer == OFFER_FILES ? " -r" : " -x");
        print_offer(spec, offer);
    }
    printf(" -d ");
    completion_quote_fish(o->help);
    putchar('\n');
}

static void
print_argument(const struct opts_spec *spec, const struct opts_verb *verb, size_t n)
{
    const char     *args = verb != NULL ? verb->args : spec->args;
    char            name[32];
    enum opts_offer offer;

    opts_args_name(args, n, name, sizeof name);
    offer = opts_args_offer(name);
    if (offer != OFFER_NOTHING) {
        completion_text(spec, "complete -c %P -n '_%F_at \"");
        printf("%s\" %zu'", verb == NULL ? "" : verb->name, n);
        print_offer(spec, offer);
        putchar('\n');
    }
}

static void
print_next(const struct opts_spec *spec, const struct opts_verb *verb)
{
    const char *blank = strchr(verb->name, ' ');

    completion_text(spec, "complete -c %P -n '_%F_at \"");
    printf("%.*s\" 0' -a %s -d ", blank == NULL ? 0 : (int)(blank - verb->name), verb->name,
           blank == NULL ? verb->name : blank + 1);
    completion_quote_fish(verb->summary);
    putchar('\n');
}

void
completion_fish(const struct opts_spec *spec)
{
    const struct opts_verb *verb;
    const struct opt       *o;

    completion_text(spec, "# fish completion for %P\n");
    print_lists(spec);
    completion_text(spec, functions);
    completion_text(spec, "complete -c %P -f\n");
    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        if (verb != NULL) {
            print_next(spec, verb);
        }
        for (size_t n = 0; n < 4 && (verb != NULL || spec->verbs == NULL); n++) {
            print_argument(spec, verb, n);
        }
        for (size_t k = 0; (o = completion_option(spec, verb, k)) != NULL; k++) {
            print_option(spec, verb, o);
        }
    }
}
