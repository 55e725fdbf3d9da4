#include "restore/job/properties.h"

const json_t *
properties_source(const struct restore *r)
{
    return takes_a_name(r->o) && !r->o->settings_of_backup ? r->live
        : r->manifest == NULL                              ? r->source_properties
                                                           : r->manifest->database;
}

const json_t *
properties_given(struct restore *r)
{
    if (!takes_a_name(r->o)) {
        return r->manifest->database;
    }
    if (r->properties == NULL) {
        r->properties = json_deep_copy(properties_source(r));
        json_object_del(r->properties, "comment");
    }
    return r->properties;
}
