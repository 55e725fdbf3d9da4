/*
 * completion_impl.h - shared by the completion*.c files; private to them.
 */
#ifndef CORE_CLI_COMPLETION_IMPL_H
#define CORE_CLI_COMPLETION_IMPL_H

#include "core/cli/completion.h"
#include "core/cli/opts_args.h"
#include "core/mem.h"

void completion_bash(const struct opts_spec *);
void completion_zsh(const struct opts_spec *);
void completion_fish(const struct opts_spec *);

/* Prints a script's text; %P becomes the program, %F the prefix of its functions' names. */
void completion_text(const struct opts_spec *, const char *text);
/* In single quotes, as bash and zsh, or as fish reads them. */
void completion_quote(const char *text);
void completion_quote_fish(const char *text);

/* i = 0: no command; i = 1, 2 ...: each command.  False at the end.  *verb is NULL for none. */
int completion_command(const struct opts_spec *, size_t i, const struct opts_verb **verb);
/* The i-th option of a command, and after them those that every tool has; NULL at the end. */
const struct opt *completion_option(const struct opts_spec *, const struct opts_verb *, size_t i);
/* The options of all commands that take a value, each once: "--name" and "-n"; to be freed. */
void completion_valued(const struct opts_spec *, struct strlist *);
/* i = 0, 1, ...: the i-th key of these tables, of [repo NAME]; NULL at the end. */
const struct config_key *completion_key_at(const struct config_key *const *tables, size_t i);
const struct config_key *completion_key(const struct opts_spec *, size_t i);

/* Text common to bash and zsh: shell functions %F_command, which finds the command among the words
 * in $places; %F_valued, %F_argument COMMAND N, %F_value OPTION. */
void completion_data(const struct opts_spec *);

#endif
