/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ACTIVATION_H
#define WEIR_ACTIVATION_H

#include <stdbool.h>

#include "weir/conf/settings.h"
#include "weir/net/inherited.h"

/*
 * Listening sockets that the service manager opened (socket activation: LISTEN_FDS,
 * sd_listen_fds(3)). One is recognised by the address that the settings have for a listener or for
 * admin.http, by the path of the admin socket, or by the names "admin" and "admin-http"
 * (FileDescriptorName=).  Main thread, before the workers; what is nobody's is closed with a
 * warning.
 */
void activation_take(const struct settings *s, struct inherited *in);

/* Did a manager open sockets for this process, or for the one that it took over from? */
bool activation_was(void);

#endif
