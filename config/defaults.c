/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of the decisions, out of the settings table by the way that a file takes. */
#include "conf_priv.h"
#include "weir/base/assert.h"

struct decide_conf conf_decide_defaults(bool api)
{
    static const char pools[] = "pools = ( { name = \"p\"; profile = \"%s\"; upstreams = "
                                "( { name = \"u\"; url = \"http://127.0.0.1:1\"; } ); } );";
    char text[sizeof pools + 8];
    struct conf_diagnostics m;
    struct settings *s;
    struct decide_conf d;

    (void)snprintf(text, sizeof text, pools, api ? "api" : "chat");
    s = conf_parse(text, "defaults", &m);
    WEIR_ASSERT(s != NULL && s->n_pools == 1);
    d = s->pools[0].decide;
    conf_diagnostics_free(&m);
    settings_destroy(&s);
    return d;
}
