/* Files in replies, and where the artifacts of a URI lie below the server's folder. */
#ifndef MUSTER_TRACKER_API_FILES_H
#define MUSTER_TRACKER_API_FILES_H

#include "tracker/api.h"

/* The path below the server's artifact folder of artifact `name` ("" = all of them) at
 * `artifact_uri`; free with free(). Whatever the URI says, nothing outside of that folder
 * is served: other places are for the client to go to. */
Status api_artifact_name(ApiCall *call, const char *artifact_uri, const char *name,
                         char **out);

/* Makes the file `name` below the folder the reply, as a download. Answers a conditional
 * request with 304. */
Status api_send_file(ApiCall *call, const char *name);

/* The type that is sent for a file of this name: what is text is plain text. Static. */
const char *api_mime_type(const char *name);

#endif
