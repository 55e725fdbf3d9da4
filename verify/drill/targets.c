#include "verify/drill/targets.h"

#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "verify/job/result_parts.h"

void
targets_measure(const struct options *o, bool restored, struct verify_result *r)
{
    if (o->rto_s > 0 && restored)
        result_add_target(r, "rto", (double)o->rto_s, r->recovery_s);
    if (o->rpo_s > 0)
        result_add_target(r, "rpo", (double)o->rpo_s,
                          difftime(r->circumstances.started, r->label->snapshot));
}

void
targets_find(struct verify_result *r)
{
    const json_t *one;
    size_t        i;
    char          want[32], have[32];

    json_array_foreach (r->targets, i, one) {
        const char *name = json_opt_str(one, "name", "");

        if (json_opt_bool(one, "met", false))
            continue;
        findings_add(
            &r->findings,
            (struct finding){
                .group = "targets",
                .object = name,
                .what = strcmp(name, "rto") == 0 ? "recovery took longer"
                                                 : "more would have been lost",
                .want = duration_human(json_real_value(json_object_get(one, "want_seconds")), want,
                                       sizeof want),
                .have = duration_human(json_real_value(json_object_get(one, "have_seconds")), have,
                                       sizeof have)});
    }
}
