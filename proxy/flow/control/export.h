/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_EXPORT_H
#define WEIR_FLOW_EXPORT_H

#include "control/control_priv.h"

/* Needs the resolver; false: out of memory. */
bool export_open(struct control *c);
/* What waits is dropped where the endpoint is another one. */
void export_reload(struct control *c, const struct snapshot *old);
void export_second(struct control *c); /* once a second: what lacked memory */
/* Takes the spans of a request that has ended. */
void export_record(struct control *c, const struct request_record *r,
                   const struct request_trace *trace, const char *path);
/* At the end, asked ten times a second: sends what is left; true: that is done, or hopeless. */
bool export_is_done(struct control *c);
void export_close(struct control *c);

#endif
