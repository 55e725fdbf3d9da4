#include "verify/stored/chain_impl.h"

void
chain_finding(struct chain_walk *w, enum finding_class class, const char *object, const char *what,
              const char *have)
{
    findings_add(
        &w->findings,
        (struct finding){
            .class = class, .group = "chain", .object = object, .what = what, .have = have});
}
