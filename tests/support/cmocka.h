/*
 * cmocka.h - cmocka, after the headers that it needs and does not include.
 */
#ifndef TESTS_SUPPORT_CMOCKA_H
#define TESTS_SUPPORT_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* must come last */
#include <cmocka.h>

#endif
