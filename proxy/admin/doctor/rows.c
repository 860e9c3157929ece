/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what the doctor looks for.  A rule is a row; docs/operations.md lists them. */
#include "doctor/doctor.h"

const struct doctor_row doctor_rows[] = {
    {"descriptors", OF_PROCESS, true, "without descriptors connections are refused", doctor_fds},
    {"memory", OF_PROCESS, true, "from nine tenths on nothing new is taken", doctor_memory},
    {"access_log", OF_PROCESS, true, "requests are missing in the access log", doctor_access_log},
    {"event_log", OF_PROCESS, true, "changes of state are missing in the log", doctor_event_log},
    {"state_file", OF_PROCESS, true, "what was learnt is lost at the next start", doctor_state},
    {"tracing", OF_PROCESS, true, "traces have holes", doctor_spans},
    {"certificate", OF_PROCESS, true, "clients refuse a certificate that has ended",
     doctor_certificate},
    {"clock", OF_PROCESS, false, "times in logs do not follow one another; no deadline is touched",
     doctor_clock},
    {"root", OF_PROCESS, true, "a fault in weir would be a fault of the whole machine",
     doctor_root},
    {"sandbox", OF_PROCESS, true, "a fault in weir could read and run what its user may",
     doctor_sandbox},
    {"override", OF_OVERRIDE, true, "the rules do not decide there as long as it is in force",
     doctor_override},
    {"identity", OF_POOL, false, "fairness and leases cannot tell users apart", doctor_identity},
    {"demand", OF_POOL, true, "more is asked for than the upstreams carry", doctor_demand},
    {"observe", OF_POOL, false, "the rule only looks on; enforced, it would have refused these",
     doctor_observe},
    {"stall", OF_AN_UPSTREAM, true, "streams that only pause are near to being cut", doctor_stall},
    {"first_token", OF_AN_UPSTREAM, true,
     "requests that would be answered are near to being given up", doctor_first_token},
    {"pace", OF_AN_UPSTREAM, true,
     "streams are slower than they were at low load, and the target "
     "was learnt, not promised",
     doctor_pace},
    {"check_fails", OF_AN_UPSTREAM, true, "checks may take out an upstream that answers well",
     doctor_check_fails},
    {"check_blind", OF_AN_UPSTREAM, false, "checks pass while requests fail: they do not show it",
     doctor_check_blind},
    {"max_streams", OF_AN_UPSTREAM, true, "the setting holds the load, not the upstream",
     doctor_max_streams},
    {"limit", OF_AN_UPSTREAM, false, "the upstream carries far less than the setting hopes for",
     doctor_limit},
    {"one_address", OF_AN_UPSTREAM, true,
     "two names for one server are no redundancy, and its "
     "limit is learnt twice",
     doctor_twin},
};
const size_t doctor_row_count = sizeof doctor_rows / sizeof doctor_rows[0];

bool doctor_ask(const struct doctor_row *row, const struct doctor_numbers *n, struct finding *f)
{
    *f = (struct finding){.row = row, .pool = "", .upstream = ""};
    switch (row->scope) {
    case OF_PROCESS:
        break;
    case OF_POOL:
        f->pool = n->pool->name;
        break;
    case OF_AN_UPSTREAM:
        f->pool = n->upstream->pool;
        f->upstream = n->upstream->name;
        break;
    case OF_OVERRIDE:
        f->pool = n->override->pool;
        f->upstream = n->override->upstream;
        break;
    }
    return row->fn(n, f);
}
