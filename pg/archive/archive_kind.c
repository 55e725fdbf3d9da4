#include "pg/archive/archive_kind.h"

#include <stdlib.h>
#include <string.h>

/* The words are alternatives between bars.  Enough to distinguish kinds of which one's name begins
 * with the other's: TABLE and TABLE ATTACH, OPERATOR and OPERATOR CLASS. */
static const struct archive_kind {
    const char          *desc;
    enum archive_section section;
    const char          *words; /* the first statement's; NULL: CREATE; "": there is none */
} kinds[] = {
    {"ACCESS METHOD", SECTION_PRE_DATA, NULL},
    {"ACL", SECTION_NONE, "GRANT|REVOKE|SET"},
    {"AGGREGATE", SECTION_PRE_DATA, NULL},
    {"BLOB", SECTION_DATA, ""},
    {"BLOB DATA", SECTION_DATA, ""},
    {"BLOB METADATA", SECTION_DATA, ""},
    {"BLOBS", SECTION_DATA, ""},
    {"CAST", SECTION_PRE_DATA, NULL},
    {"CHECK CONSTRAINT", SECTION_POST_DATA, "ALTER"},
    {"COLLATION", SECTION_PRE_DATA, NULL},
    {"COMMENT", SECTION_NONE, "COMMENT ON"},
    {"CONSTRAINT", SECTION_POST_DATA, "ALTER"},
    {"CONVERSION", SECTION_PRE_DATA, NULL},
    {"DATABASE", SECTION_PRE_DATA, NULL},
    {"DATABASE PROPERTIES", SECTION_PRE_DATA, "ALTER|UPDATE"},
    {"DEFAULT", SECTION_PRE_DATA, "ALTER"},
    {"DEFAULT ACL", SECTION_POST_DATA, "ALTER DEFAULT PRIVILEGES"},
    {"DOMAIN", SECTION_PRE_DATA, NULL},
    {"ENCODING", SECTION_NONE, "SET"},
    {"EVENT TRIGGER", SECTION_POST_DATA, NULL},
    {"EXTENSION", SECTION_PRE_DATA, NULL},
    {"FK CONSTRAINT", SECTION_POST_DATA, "ALTER"},
    {"FOREIGN DATA WRAPPER", SECTION_PRE_DATA, NULL},
    {"FOREIGN TABLE", SECTION_PRE_DATA, NULL},
    {"FUNCTION", SECTION_PRE_DATA, NULL},
    {"INDEX", SECTION_POST_DATA, NULL},
    {"INDEX ATTACH", SECTION_POST_DATA, "ALTER"},
    {"LARGE OBJECT", SECTION_DATA, ""},
    {"MATERIALIZED VIEW", SECTION_PRE_DATA, NULL},
    {"MATERIALIZED VIEW DATA", SECTION_POST_DATA, "REFRESH"},
    {"OPERATOR", SECTION_PRE_DATA, NULL},
    {"OPERATOR CLASS", SECTION_PRE_DATA, "CREATE OPERATOR CLASS"},
    {"OPERATOR FAMILY", SECTION_PRE_DATA, "CREATE OPERATOR FAMILY"},
    {"POLICY", SECTION_POST_DATA, NULL},
    {"PROCEDURAL LANGUAGE", SECTION_PRE_DATA, NULL},
    {"PROCEDURE", SECTION_PRE_DATA, NULL},
    {"PUBLICATION", SECTION_POST_DATA, NULL},
    {"PUBLICATION TABLE", SECTION_POST_DATA, "ALTER"},
    {"PUBLICATION TABLES IN SCHEMA", SECTION_POST_DATA, "ALTER"},
    {"ROW SECURITY", SECTION_POST_DATA, "ALTER"},
    {"RULE", SECTION_POST_DATA, NULL},
    {"SCHEMA", SECTION_PRE_DATA, "CREATE|ALTER"},
    {"SEARCHPATH", SECTION_NONE, "SELECT"},
    {"SECURITY LABEL", SECTION_NONE, "SECURITY LABEL"},
    {"SEQUENCE", SECTION_PRE_DATA, NULL},
    {"SEQUENCE OWNED BY", SECTION_PRE_DATA, "ALTER SEQUENCE"},
    {"SEQUENCE SET", SECTION_DATA, "SELECT"},
    {"SERVER", SECTION_PRE_DATA, NULL},
    {"SHELL TYPE", SECTION_PRE_DATA, NULL},
    {"STATISTICS", SECTION_POST_DATA, NULL},
    {"STATISTICS DATA", SECTION_DATA, "SELECT"},
    {"STDSTRINGS", SECTION_NONE, "SET"},
    {"SUBSCRIPTION", SECTION_POST_DATA, NULL},
    {"SUBSCRIPTION TABLE", SECTION_POST_DATA, ""},
    {"TABLE", SECTION_PRE_DATA, NULL},
    {"TABLE ATTACH", SECTION_PRE_DATA, "ALTER"},
    {"TABLE DATA", SECTION_DATA, ""},
    {"TEXT SEARCH CONFIGURATION", SECTION_PRE_DATA, NULL},
    {"TEXT SEARCH DICTIONARY", SECTION_PRE_DATA, NULL},
    {"TEXT SEARCH PARSER", SECTION_PRE_DATA, NULL},
    {"TEXT SEARCH TEMPLATE", SECTION_PRE_DATA, NULL},
    {"TRANSFORM", SECTION_PRE_DATA, NULL},
    {"TRIGGER", SECTION_POST_DATA, NULL},
    {"TYPE", SECTION_PRE_DATA, NULL},
    {"USER MAPPING", SECTION_PRE_DATA, NULL},
    {"VIEW", SECTION_PRE_DATA, NULL},
};

static const struct archive_kind *
find(const char *desc)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].desc, desc) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

enum archive_section
archive_kind_section(const char *desc)
{
    const struct archive_kind *kind = find(desc);

    return kind == NULL ? SECTION_PRE_DATA : kind->section;
}

/* Whether the statement begins with one of the alternatives. */
static bool
begins_with(const struct sql_statement *s, const char *words)
{
    for (size_t n; *words != '\0'; words += n + (words[n] == '|')) {
        struct sql_cursor c = sql_cursor(s);
        char             *one;
        bool              found;

        n = strcspn(words, "|");
        one = xstrndup(words, n);
        found = sql_words(&c, one);
        free(one);
        if (found) {
            return true;
        }
    }
    return false;
}

bool
archive_kind_fits(const char *desc, const struct sql_statement *first)
{
    const struct archive_kind *kind = find(desc);

    return kind != NULL &&
        (first == NULL || begins_with(first, kind->words == NULL ? "CREATE" : kind->words));
}
