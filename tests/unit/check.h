/*
 * check.h - what every C test includes: cmocka, and how a struct err is looked at.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include "core/err.h"
#include "tests/support/cmocka.h"

/* The call worked; if not, the test's output says why. */
#define assert_ok(call, e)                                                                         \
    do {                                                                                           \
        if ((call) != 0) {                                                                         \
            fail_msg("%s: %s", #call, (e)->text);                                                  \
        }                                                                                          \
    } while (0)

/* The error is of this kind and its text holds these words. */
#define assert_err(e, want, words)                                                                 \
    do {                                                                                           \
        assert_int_equal((e)->kind, (want));                                                       \
        if (strstr((e)->text, (words)) == NULL) {                                                  \
            fail_msg("\"%s\" does not say \"%s\"", (e)->text, (words));                            \
        }                                                                                          \
    } while (0)

#endif
