/* Checks call->in against the fields of call->route. */
#ifndef MUSTER_TRACKER_API_FIELDS_H
#define MUSTER_TRACKER_API_FIELDS_H

#include "tracker/api.h"

/* The failure is in the reply. */
Status api_check_fields(ApiCall *call);

#endif
