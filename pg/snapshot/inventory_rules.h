/*
 * inventory_rules.h - the rules for comparing two inventories.
 */
#ifndef PG_SNAPSHOT_INVENTORY_RULES_H
#define PG_SNAPSHOT_INVENTORY_RULES_H

#include <stdbool.h>

enum { INVENTORY_IDENTITY = 3, INVENTORY_KEYS = 12 };

/* The weight of a difference on another server than the one backed up. */
enum inventory_elsewhere {
    ELSEWHERE_COUNTS,
    ELSEWHERE_IF_BOTH, /* a note when only one side has the object */
    ELSEWHERE_NOTE,
};

/* A list of objects: which keys identify an element, and which are compared. */
struct inventory_rule {
    const char              *what, *key; /* key NULL: the section is the list */
    const char              *prefix;     /* of the noun; NULL: none */
    const char              *noun;       /* NULL: the element's "kind" */
    const char              *identity[INVENTORY_IDENTITY];
    const char              *compared[INVENTORY_KEYS];
    enum inventory_elsewhere elsewhere;
    bool                     same_major; /* between two major versions it is not compared */
};

extern const struct inventory_rule inventory_rules[]; /* up to one whose what is NULL */
extern const char *const           inventory_database_keys[];

#endif
