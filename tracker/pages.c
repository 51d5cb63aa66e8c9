/* The few pages that the server has. */
#include "tracker/pages.h"

#include "tracker/api.h"
#include "tracker/api_shared.h"
#include "tracker/server.h"

#include <string.h>

/* What is not ours is loaded from nowhere, should there be markup in a page after all. */
static void html(HttpReply *reply, int status)
{
    reply->status = status;
    reply->content_type = "text/html; charset=utf-8";
    http_reply_header(reply, "Content-Security-Policy",
                      "default-src 'self'; frame-ancestors 'self'");
}

void page_error(HttpReply *reply, int status, const char *title, const char *sentence)
{
    html(reply, status);
    strbuf_printf(&reply->body,
                  "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%s</h1>\n"
                  "<p>%s</p>\n",
                  status, title, title, sentence);
}

void page_text(HttpReply *reply, int status, const char *text)
{
    reply->status = status;
    reply->content_type = "text/plain; charset=utf-8";
    strbuf_add_text(&reply->body, text);
}

static Status health(ApiCall *call)
{
    call->x->reply.status = 200;
    call->x->reply.content_type = "text/html; charset=utf-8";
    strbuf_clear(&call->x->reply.body);
    strbuf_add_text(&call->x->reply.body, "OK");
    return STATUS_OK;
}

/* The version of MLflow whose API is answered: what clients compare with. */
static Status version(ApiCall *call)
{
    strbuf_clear(&call->x->reply.body);
    page_text(&call->x->reply, 200, "3.6.0");
    return STATUS_OK;
}

static Status front(ApiCall *call)
{
    HttpReply *reply = &call->x->reply;
    const char *prefix = call->settings->static_prefix;
    strbuf_clear(&reply->body);
    html(reply, 200);
    strbuf_printf(
        &reply->body,
        "<!doctype html>\n<html lang=en>\n<title>Muster</title>\n"
        "<h1>Muster tracking server</h1>\n"
        "<p>It answers MLflow's REST API at <code>/api/2.0/mlflow/</code> (and "
        "<code>%s/ajax-api/2.0/mlflow/</code>). Point a client at this address:"
        "</p>\n<pre>export MLFLOW_TRACKING_URI=http://&lt;this address&gt;</pre>"
        "\n<p><a href=\"%s/health\">health</a>, <a href=\"%s/version\">version"
        "</a>. Runs are shown by <code>muster runs list</code> on the host that "
        "has the store.</p>\n",
        prefix, prefix, prefix);
    return STATUS_OK;
}

static const Route ROUTES[] = {
    {.method = "GET",
     .base = BASE_ROOT,
     .path = "health",
     .policy = POLICY_PUBLIC,
     .thread = RUN_AT_ONCE,
     .handle = health},
    {.method = "GET",
     .base = BASE_ROOT,
     .path = "version",
     .policy = POLICY_PUBLIC,
     .thread = RUN_AT_ONCE,
     .handle = version},
    {.method = "GET",
     .base = BASE_ROOT,
     .path = "",
     .policy = POLICY_READ,
     .thread = RUN_AT_ONCE,
     .handle = front},
};

const RouteTable api_pages = ROUTE_TABLE(ROUTES);
