/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every attempt under an id of its own, with what it came to: to be laid beside the access log of
 * what was loaded.  A server keeps the id if it trusts the generator's address.
 */
#include <stdio.h>

#include "bench/load/load_priv.h"

void attempts_put_id(struct grow *g, const struct virtual_user *p)
{
    const struct load_conf *c = &p->load->conf;

    if (c->attempts != NULL)
        grow_printf(g, "x-request-id: try-%llu-%llu\r\n", (unsigned long long)c->seed,
                    (unsigned long long)p->attempt);
}

/* Whose answer it is, and why: RFC 9209. */
void attempts_read_head(struct virtual_user *p, const struct head *h)
{
    struct slice s = head_field(h, "proxy-status");
    int n = (int)(s.len < sizeof p->proxy_status ? s.len : sizeof p->proxy_status - 1);

    (void)snprintf(p->proxy_status, sizeof p->proxy_status, "%.*s", n, s.p);
}

void attempts_write(const struct virtual_user *p, const char *end)
{
    const struct load_conf *c = &p->load->conf;
    struct grow line = {0};

    if (c->attempts == NULL || p->state != VIRTUAL_USER_TRYING)
        return;
    grow_printf(&line,
                "{\"request_id\":\"try-%llu-%llu\",\"retry\":%d,\"end\":\"%s\",\"status\":%d,"
                "\"content\":%u,\"proxy_status\":",
                (unsigned long long)c->seed, (unsigned long long)p->attempt, p->retries, end,
                p->seen.status, p->reading.content);
    grow_json_str(&line, slice_str(p->proxy_status));
    (void)fprintf(c->attempts, "%s}\n", line.p);
    grow_free(&line);
}
