/* SPDX-License-Identifier: Apache-2.0 */
/* What every long-running subcommand begins with. */
#include "bench/common/loop.h"

#include <signal.h>
#include <sys/resource.h>

#include "weir/base/assert.h"

struct event_base *loop_new(void)
{
    struct event_config *conf = event_config_new();
    struct event_base *loop;

    WEIR_ASSERT(conf != NULL);
    /* steps of an engine last a few milliseconds: whole milliseconds would be too coarse */
    (void)event_config_set_flag(conf, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
    loop = event_base_new_with_config(conf);
    event_config_free(conf);
    WEIR_ASSERT(loop != NULL);
    return loop;
}

void process_prepare(void)
{
    struct rlimit r;

    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}
