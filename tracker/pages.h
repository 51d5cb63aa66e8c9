/* Replies that are no JSON: short pages for people, and plain text. */
#ifndef MUSTER_TRACKER_PAGES_H
#define MUSTER_TRACKER_PAGES_H

#include "tracker/http.h"

/* As the framework behind MLflow answers: 400, 404, 405, 413... with a heading and a
 * sentence. Neither may hold what a client sent. */
void page_error(HttpReply *reply, int status, const char *title, const char *sentence);

void page_text(HttpReply *reply, int status, const char *text);

#endif
