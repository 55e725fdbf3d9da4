#include "verify/drill/times.h"

#include <string.h>

#include "verify/job/result_parts.h"

/* The restore's phases (restore_phase()); what is not here belongs to the schema. */
static const struct {
    const char *phase, *part;
} phases[] = {
    {"first tables", "rows"},
    {"rows, indexes", "rows"},
    {"row counts", "rows"},
    {"post-data", "indexes"},
    {"foreign keys, sequences, privileges", "indexes"},
    {"refresh, statistics", "indexes"},
};

static const char *
part_of(const char *phase)
{
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (strcmp(phase, phases[i].phase) == 0)
            return phases[i].part;
    return NULL;
}

void
times_of_restore(struct verify_result *r, const json_t *report, double seconds)
{
    double        rest = seconds;
    const json_t *one;
    size_t        i;

    result_add_time(r, "schema", 0); /* first, as it is in time */
    json_array_foreach (json_object_get(report, "phases"), i, one) {
        const char *part = part_of(json_opt_str(one, "name", ""));
        double      took = json_number_value(json_object_get(one, "seconds"));

        if (part == NULL)
            continue;
        result_add_time(r, part, took);
        rest -= took;
    }
    result_add_time(r, "schema", rest > 0 ? rest : 0);
}
