/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's rules: numbers in, a sentence out; and silence where nothing is wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "doctor/doctor.h"

static struct doctor_process well_process(void)
{
    return (struct doctor_process){
        .fds = 100,
        .fds_most = 1024,
        .memory = 1e8,
        .memory_most = 1e9,
        .sandbox = true,
        .access_log_error = "",
        .state_error = "",
        .trace_error = "",
    };
}

static struct doctor_pool well_pool(void)
{
    return (struct doctor_pool){
        .name = "chat",
        .voted = 1000,
        .lead = 100,
        .fair_share = 0.1,
        .admitted_minute = 1000,
        .refused_minute = 20,
        .hour_s = 3600,
        .hour_requests = 1000,
        .hour_would = 10,
        .would_rule = "stream_limit",
        .would_set = "limiter",
    };
}

static struct doctor_upstream well_upstream(void)
{
    return (struct doctor_upstream){
        .pool = "chat",
        .name = "a",
        .addresses = "10.0.0.1:8000",
        .check_path = "/health",
        .check = "",
        .ok = 100,
        .bad = 1,
        .gaps = 100000,
        .firsts = 1000,
        .gap_ms = 900,
        .first_ms = 4000,
        .stall_ms = 45000,
        .first_token_ms = 30000,
        .pace_ms = 25,
        .pace_target_ms = 24,
        .streams = 8,
        .inflight = 8,
        .max_streams = 4096,
        .limit = 20,
    };
}

/* What one rule says; NULL: nothing.  Everything it says fits, and names a remedy. */
static const char *says(const char *rule, const struct doctor_numbers *n)
{
    static struct finding f;

    for (size_t i = 0; i < doctor_row_count; i++) {
        if (strcmp(doctor_rows[i].name, rule) != 0)
            continue;
        if (!doctor_ask(&doctor_rows[i], n, &f))
            return NULL;
        cr_assert(f.seen[0] != '\0' && f.act[0] != '\0' && f.row->why[0] != '\0');
        cr_assert(strlen(f.seen) < FINDING_TEXT - 1 && strlen(f.act) < FINDING_TEXT - 1);
        return f.seen;
    }
    cr_assert(false, "there is no rule %s", rule);
    return NULL;
}

static const char *of_process(const char *rule, const struct doctor_process *p)
{
    return says(rule, &(struct doctor_numbers){.process = p});
}

static const char *of_pool(const char *rule, const struct doctor_pool *p)
{
    return says(rule, &(struct doctor_numbers){.pool = p});
}

static const char *of_upstream(const char *rule, const struct doctor_upstream *u)
{
    return says(rule, &(struct doctor_numbers){.upstream = u});
}

#define SAYS(what, text)                                                                           \
    do {                                                                                           \
        const char *said_ = (what);                                                                \
        cr_assert(said_ != NULL && strstr(said_, (text)) != NULL, "said: %s",                      \
                  said_ == NULL ? "nothing" : said_);                                              \
    } while (0)
#define SILENT(what) cr_assert_null(what)

Test(doctor, has_nothing_to_say_where_all_is_well)
{
    struct doctor_process p = well_process();
    struct doctor_pool k = well_pool();
    struct doctor_upstream u = well_upstream();
    struct doctor_numbers n = {&p, &k, &u, NULL};
    struct finding f;

    for (size_t i = 0; i < doctor_row_count; i++) {
        if (doctor_rows[i].scope != OF_OVERRIDE)
            cr_assert(!doctor_ask(&doctor_rows[i], &n, &f), "%s: %s", doctor_rows[i].name, f.seen);
    }
}

Test(doctor, descriptors_and_memory_near_their_end)
{
    struct doctor_process p = well_process();

    p.fds = 900;
    SAYS(of_process("descriptors", &p), "900 of 1024");
    p.fds_most = 0; /* not known */
    SILENT(of_process("descriptors", &p));
    p.memory = 8e8;
    SAYS(of_process("memory", &p), "763 MiB");
}

Test(doctor, what_the_process_may_and_cannot)
{
    struct doctor_process p = well_process();

    p.is_root = true;
    SAYS(of_process("root", &p), "root");
    p.sandbox = false;
    SAYS(of_process("sandbox", &p), "off");
    p.state_error = "Permission denied";
    SAYS(of_process("state_file", &p), "Permission denied");
    p.access_dropped = 7;
    SAYS(of_process("access_log", &p), "7 lines");
    p.access_log_error = "No space left on device";
    SAYS(of_process("access_log", &p), "No space left");
    p.events_dropped = 3;
    SAYS(of_process("event_log", &p), "3 lines");
}

Test(doctor, a_clock_that_jumps)
{
    struct doctor_process p = well_process();

    p.clock_jumps = 1;
    p.clock_jump_s = -12.5;
    p.clock_jump_age_s = 7200;
    SAYS(of_process("clock", &p), "1 time since the start, the last time by -12.5 s, 2 h");
}

Test(doctor, a_certificate_near_its_end)
{
    struct doctor_process p = well_process();

    p.certificate_days = 10.5;
    SILENT(of_process("certificate", &p));
    p.certificate_days = 3.04;
    SAYS(of_process("certificate", &p), "ends in 3.0 days");
    p.certificate_days = -1;
    SAYS(of_process("certificate", &p), "ended 1.0 days ago");
}

Test(doctor, spans_that_are_lost_where_there_are_any)
{
    struct doctor_process p = well_process();

    p.spans_dropped = 5;
    SILENT(of_process("tracing", &p));
    p.traces = true;
    SAYS(of_process("tracing", &p), "5 spans");
    p.trace_error = "status 500";
    SAYS(of_process("tracing", &p), "status 500");
}

Test(doctor, one_identity_for_everything)
{
    struct doctor_pool p = well_pool();

    p.lead = 950;
    SAYS(of_pool("identity", &p), "98 % of the last 1000");
    p.fair_share = 1; /* nobody wants users told apart */
    SILENT(of_pool("identity", &p));
    p.limits_users = true;
    SAYS(of_pool("identity", &p), "1000");
    p.voted = p.lead = 50; /* too few to know */
    SILENT(of_pool("identity", &p));
}

Test(doctor, more_demand_than_room)
{
    struct doctor_pool p = well_pool();

    p.refused_minute = 200;
    SAYS(of_pool("demand", &p), "200 of 1200");
    p.refused_minute = 9;
    p.admitted_minute = 0;
    SILENT(of_pool("demand", &p));
}

Test(doctor, a_rule_that_only_looks_on_and_would_have_refused_much)
{
    struct doctor_pool p = well_pool();

    p.hour_would = 60;
    SAYS(of_pool("observe", &p), "limiter would have refused or delayed 60 of 1000");
    p.hour_requests = p.hour_would = 20;
    SILENT(of_pool("observe", &p));
}

Test(doctor, a_stall_near_the_gaps_of_good_streams)
{
    struct doctor_upstream u = well_upstream();

    u.gap_ms = 25000;
    SAYS(of_upstream("stall", &u), "longer than 25.00 s");
    u.gaps = 999;
    SILENT(of_upstream("stall", &u));
}

Test(doctor, a_patience_near_good_first_tokens)
{
    struct doctor_upstream u = well_upstream();

    u.first_ms = 25000;
    SAYS(of_upstream("first_token", &u), "longer than 25.00 s");
}

Test(doctor, a_pace_that_nobody_promised)
{
    struct doctor_upstream u = well_upstream();

    u.pace_ms = 40;
    SAYS(of_upstream("pace", &u), "40 ms");
    u.pace_is_set = true;
    SILENT(of_upstream("pace", &u));
    u = well_upstream();
    u.pace_ms = 40;
    u.pace_target_ms = 0; /* not learnt yet */
    SILENT(of_upstream("pace", &u));
}

Test(doctor, health_checks_that_say_something_else_than_answers)
{
    struct doctor_upstream u = well_upstream();

    u.check = "status 404";
    SAYS(of_upstream("check_fails", &u), "/health fails (status 404) while 100 of 101");
    SILENT(of_upstream("check_blind", &u));
    u = well_upstream();
    u.ok = 2;
    u.bad = 20;
    SAYS(of_upstream("check_blind", &u), "20 of 22 answers fail");
    u.check = "status 500"; /* they agree */
    SILENT(of_upstream("check_blind", &u));
    SILENT(of_upstream("check_fails", &u));
}

Test(doctor, max_streams_too_low_and_too_high)
{
    struct doctor_upstream u = well_upstream();

    u.inflight = u.max_streams = 4;
    u.limit = 4;
    u.bad = 0;
    u.pace_ms = 20;
    SILENT(of_upstream("max_streams", &u));
    u.waiting = 3;
    SAYS(of_upstream("max_streams", &u), "max_streams = 4");
    u.pace_ms = 30; /* it is slow already */
    SILENT(of_upstream("max_streams", &u));
    u.max_streams = 64;
    u.limit = 5;
    u.inflight = 5;
    SAYS(of_upstream("limit", &u), "limit of 5, max_streams is 64");
    u.max_streams = 4096; /* nobody chose it */
    SILENT(of_upstream("limit", &u));
}

Test(doctor, two_names_for_one_server)
{
    struct doctor_upstream u = well_upstream();

    u.twin = "b";
    SAYS(of_upstream("one_address", &u), "upstream b (10.0.0.1:8000)");
}

Test(doctor, a_command_in_force_with_its_end)
{
    struct doctor_override o = {"chat", "a", "breaker open", "uid 0", 600};
    struct doctor_numbers n = {.override = &o};

    SAYS(says("override", &n), "breaker open, commanded by uid 0, for another 10 min");
    o.left_s = 0;
    SAYS(says("override", &n), "without an end");
}

Test(doctor, all_rules_have_names_of_their_own)
{
    for (size_t i = 0; i < doctor_row_count; i++) {
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(doctor_rows[i].name, doctor_rows[k].name);
    }
}
