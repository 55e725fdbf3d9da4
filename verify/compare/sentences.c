#include "verify/compare/sentences.h"

#include <stdlib.h>
#include <string.h>

/* A sentence of inventory_compare() as a finding: "extension hstore: version 1.8, was 1.7",
 * "index a is missing". */
static void
add_sentence(struct findings *findings, const char *group, enum finding_class class,
             const char *sentence)
{
    static const char *const endings[][2] = {{" is missing", "missing"},
                                             {" was not there", "not in the backup"}};
    const char *colon = strstr(sentence, ": "), *what = colon == NULL ? "differs" : colon + 2;
    size_t      length = colon == NULL ? strlen(sentence) : (size_t)(colon - sentence);
    char       *object, *member, *fold; /* all members of an extension may change */

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i][0]), all = strlen(sentence);

        if (all > n && strcmp(sentence + all - n, endings[i][0]) == 0) {
            length = all - n;
            what = endings[i][1];
        }
    }
    object = xstrndup(sentence, length);
    member = strstr(object, " of extension ");
    fold = member == NULL ? NULL : xasprintf("%s: %s", member + 1, what);
    findings_add(findings,
                 (struct finding){
                     .class = class, .group = group, .object = object, .what = what, .fold = fold});
    free(object);
    free(fold);
}

void
sentences_find(struct findings *findings, const char *section, const char *group,
               const struct inventory_pair *pair)
{
    struct strlist differences = {0}, notes = {0};

    inventory_compare(section, pair, &differences, &notes);
    for (size_t i = 0; i < differences.n; i++)
        add_sentence(findings, group, FINDING_DIFFERENT, differences.v[i]);
    for (size_t i = 0; i < notes.n; i++)
        add_sentence(findings, group, FINDING_NOTE, notes.v[i]);
    strlist_free(&differences);
    strlist_free(&notes);
}
