#include "storage/keys/epoch_begin.h"

#include <string.h>

#include "core/json.h"
#include "storage/format/object.h"
#include "storage/keys/pinned.h"
#include "storage/keys/trust.h"

static int
add_all(struct epoch_keys *o, enum epoch_role role, const struct public_key *v, size_t n,
        const struct epoch *ep, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (epoch_keys_add(o, role, &v[i], ep, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
store_keys(struct signed_store in, const struct epoch *ep, const struct epoch_plan *plan,
           struct err *e)
{
    struct epoch_keys        o = {.epoch = ep->number};
    const struct secret_key *host = trust_key(in.trust);
    int                      rc = -1;

    memcpy(o.public, ep->public, sizeof o.public);
    if (add_all(&o, EPOCH_READER, plan->readers, plan->n_readers, ep, e) == 0 &&
        add_all(&o, EPOCH_WRITER, plan->writers, plan->n_writers, ep, e) == 0 &&
        (host == NULL || epoch_keys_add(&o, EPOCH_WRITER, &host->pub, ep, e) == 0)) {
        rc = epoch_keys_put(in, &o, e);
    }
    epoch_keys_free(&o);
    return rc;
}

/* Adds the epoch to the repository's encrypted ones and makes it the current one. */
void
epoch_name(json_t *object, const struct epoch *ep)
{
    json_t *list = json_object_get(object, "epochs");
    json_t *one = json_object();

    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(object, "epochs", list);
    }
    (void)json_object_set_new(one, "epoch", json_integer(ep->number));
    json_set_hex(one, "public", ep->public, sizeof ep->public);
    (void)json_array_append_new(list, one);
    object_need_encryption(object);
}

int
epoch_begin(struct signed_store in, json_t *object, const struct epoch_plan *plan, struct err *e)
{
    struct epoch ep;
    int          rc;

    if (pinned_ready(json_opt_str(object, "repo_id", ""), e) != 0) {
        return err_wrap(e, "this host could not remember the keys of epoch %u", plan->number);
    }
    epoch_make(&ep, plan->number);
    rc = store_keys(in, &ep, plan, e);
    if (rc == 0 && plan->made == NULL) {
        rc = pinned_remember(json_opt_str(object, "repo_id", ""), &ep, e);
    }
    if (rc == 0) {
        epoch_name(object, &ep);
        (void)json_object_set_new(object, "epoch", json_integer(ep.number));
    }
    if (rc == 0 && plan->made != NULL) {
        *plan->made = ep;
    } else {
        epoch_deinit(&ep);
    }
    return rc;
}
