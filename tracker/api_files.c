/* Downloads: always attachments whose type is not guessed again, so that no browser runs
 * what somebody logged. */
#include "tracker/api_files.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/beneath.h"
#include "tracker/server.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- where ---- */

static Status invalid_path(ApiCall *call)
{
    return api_fail(call, "INVALID_PARAMETER_VALUE", "Invalid path");
}

/* Below the folder by text alone; the walk of tracker/beneath.c is what keeps it there.
 */
static char *below_folder(const char *folder, const char *artifact_uri)
{
    static const char OURS[] = "mlflow-artifacts:/";
    if (strncmp(artifact_uri, OURS, strlen(OURS)) == 0) {
        const char *rest = artifact_uri + strlen(OURS);
        return rest[0] == '/' ? NULL : mem_strdup(rest);
    }
    char *path = artifact_local_path(artifact_uri);
    size_t n = strlen(folder);
    bool below = path && strncmp(path, folder, n) == 0 && path[n] == '/';
    char *rest = below ? mem_strdup(path + n + 1) : NULL;
    free(path);
    return rest;
}

Status api_artifact_name(ApiCall *call, const char *artifact_uri, const char *name,
                         char **out)
{
    if (*name && !beneath_name_is_fine(name)) {
        return invalid_path(call);
    }
    char *root = below_folder(call->settings->artifact_folder, artifact_uri);
    if (!root || !beneath_name_is_fine(root)) {
        free(root);
        return api_fail(
            call, "INVALID_PARAMETER_VALUE",
            "The artifacts are at '%.500s', which this server does not serve: "
            "it serves what lies below its --artifacts-destination",
            artifact_uri);
    }
    *out = *name ? path_join(root, name) : mem_strdup(root);
    free(root);
    return STATUS_OK;
}

/* ---- types ---- */

typedef struct MimeType {
    const char *suffix, *type;
} MimeType;

static const MimeType TYPES[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"svg", "image/svg+xml"},
    {"webp", "image/webp"},
    {"bmp", "image/bmp"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"css", "text/css; charset=utf-8"},
    {"mp4", "video/mp4"},
    {"wav", "audio/x-wav"},
};

static const char *const TEXTS[] = {
    "txt",  "log",   "err",  "cfg",  "conf", "cnf",   "cf",      "ini",      "properties",
    "prop", "hocon", "toml", "yaml", "yml",  "xml",   "json",    "js",       "py",
    "py3",  "csv",   "tsv",  "md",   "rst",  "jsonl", "MLmodel", "MLproject"};

const char *api_mime_type(const char *name)
{
    const char *base = path_base(name);
    const char *dot = strrchr(base, '.');
    const char *suffix = dot ? dot + 1 : base;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (strcasecmp(TEXTS[i], suffix) == 0) {
            return "text/plain; charset=utf-8";
        }
    }
    for (size_t i = 0; dot && i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (strcasecmp(TYPES[i].suffix, suffix) == 0) {
            return TYPES[i].type;
        }
    }
    return "application/octet-stream";
}

/* ---- the reply ---- */

static bool is_token(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p)) {
            return false;
        }
    }
    return *text != '\0';
}

/* RFC 6266: a name of odd characters is given percent-encoded. */
static void add_disposition(HttpReply *reply, const char *name)
{
    const char *base = path_base(name);
    StrBuf value = {0};
    if (is_token(base)) {
        strbuf_printf(&value, "attachment; filename=%s", base);
    } else {
        strbuf_add_text(&value, "attachment; filename*=UTF-8''");
        for (const char *p = base; *p; p++) {
            bool plain = isalnum((unsigned char)*p) || strchr("._-", *p);
            strbuf_printf(&value, plain ? "%c" : "%%%02X", (unsigned char)*p);
        }
    }
    http_reply_header(reply, "Content-Disposition", value.p);
    strbuf_free(&value);
}

static void add_validators(HttpReply *reply, const BeneathFile *file, const char *tag)
{
    char date[64];
    struct tm at;
    gmtime_r(&file->modified.tv_sec, &at);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &at);
    http_reply_header(reply, "ETag", tag);
    http_reply_header(reply, "Last-Modified", date);
    http_reply_header(reply, "Cache-Control", "no-cache");
}

Status api_send_file(ApiCall *call, const char *name)
{
    BeneathFile file;
    HttpReply *reply = &call->x->reply;
    TRY(beneath_open(call->settings->artifact_folder, name, &file));
    char tag[64];
    snprintf(tag, sizeof tag, "\"%llx-%lx-%llx\"",
             (unsigned long long)file.modified.tv_sec, (long)file.modified.tv_nsec,
             (unsigned long long)file.size);
    add_validators(reply, &file, tag);
    strbuf_clear(&reply->body);
    const char *known = http_header(call->x, "If-None-Match");
    if (known && strstr(known, tag)) {
        close(file.fd);
        reply->status = 304;
        return STATUS_OK;
    }
    add_disposition(reply, name);
    http_reply_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'");
    reply->status = 200;
    reply->content_type = api_mime_type(name);
    reply->is_file = true;
    reply->file = file.fd;
    reply->file_size = file.size;
    return STATUS_OK;
}
