#include "verify/report/write.h"

#include <stdlib.h>
#include <string.h>

#include "core/host/outfile.h"
#include "core/human.h"
#include "core/log.h"
#include "core/report/junit.h"
#include "core/report/page.h"
#include "verify/report/document.h"
#include "verify/report/of_result.h"
#include "verify/report/trend.h"

bool
report_asked(const struct options *o)
{
    return o->report != NULL || o->junit != NULL;
}

/* A former report is replaced. */
static int
write_file(const char *path, const struct buf *text, struct err *e)
{
    struct outfile *f = outfile_open(path, true, e);
    int             rc = f != NULL && outfile_write(f, text->data, text->len, e) == 0 &&
            outfile_publish(f, e) == 0
                    ? 0
                    : -1;

    outfile_close(f);
    return rc;
}

static bool
is_json(const char *path)
{
    size_t n = strlen(path);

    return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

static int
document_line(const json_t *report, struct buf *out, struct err *e)
{
    return json_write(report, out, e) != 0 || buf_puts(out, "\n", e) != 0 ? -1 : 0;
}

static int
write_as(const char *path, const json_t                                    *report,
         int (*as)(const json_t *, struct buf *, struct err *), struct err *e)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    int        rc = as(report, &text, e) != 0 || write_file(path, &text, e) != 0 ? -1 : 0;

    buf_free(&text);
    return rc;
}

int
report_write(const struct options *o, json_t *report, struct err *e)
{
    int rc = 0;

    if (o->report != NULL) {
        rc = write_as(o->report, report, is_json(o->report) ? document_line : page_html, e);
    }
    if (rc == 0 && o->junit != NULL) {
        rc = write_as(o->junit, report, junit_xml, e);
    }
    json_decref(report);
    return rc == 0 ? 0 : err_wrap(e, "report");
}

/* The target of this database, as `verify status` has it. */
static uint64_t
rto_of(const struct options *o)
{
    const char *text = config_get(o->config, "database", o->database, "rto");
    uint64_t    seconds = 0;

    if (o->rto_s > 0) {
        return o->rto_s;
    }
    return text != NULL && duration_parse(text, &seconds) == 0 ? seconds : 0;
}

int
report_write_result(const struct options *o, const struct verify_result *r,
                    const struct baseline *b, struct err *e)
{
    json_t *result, *report, *section;
    char   *title;
    int     rc = 0;

    if (!report_asked(o)) {
        return 0;
    }
    result = result_json(r);
    report = report_of_result(result);
    json_decref(result);
    if (b->repo != NULL && r->label != NULL && o->report != NULL) {
        title = xasprintf("%s over time", r->label->db);
        section = document_section(report, title, "trend");
        free(title);
        rc = trend_add(section,
                       &(struct trend_request){
                           .repo = b->repo, .db = r->label->db, .rto_s = rto_of(o), .tables = true},
                       e);
    }
    if (rc != 0) {
        json_decref(report);
        return err_wrap(e, "report");
    }
    return report_write(o, report, e);
}

void
report_write_error(const struct options *o, const char *verb, const struct err *why)
{
    struct err e = ERR_INIT;
    char      *title;
    json_t    *d;

    if (!report_asked(o)) {
        return;
    }
    title = o->database == NULL ? xasprintf("verify %s", verb)
                                : xasprintf("verify %s %s", verb, o->database);
    d = document_new(title, time(NULL));
    (void)json_object_set_new(d, "seconds", json_real(0));
    document_verdict(d, "unknown", "COULD NOT RUN", "Nothing was compared, and nothing is proven.");
    document_check(d, "run", "unknown", "could not run", NULL);
    document_finding(d,
                     json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "class", "unknown", "word",
                               "error", "check", "run", "object", title, "what", why->text,
                               "action", json_text(why->hint[0] != '\0' ? why->hint : NULL)));
    if (report_write(o, d, &e) != 0) {
        log_info("%s", e.text); /* the error itself is told anyway */
    }
    free(title);
}
