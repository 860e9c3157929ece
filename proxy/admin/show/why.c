/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `why`: what was decided about a recent request, by which rule, on which numbers, and what would
 * have had to be different.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/names.h"
#include "show/show.h"
#include "socket/socket.h"
#include "weir/admin/human.h"
#include "weir/base/clock.h"
#include "weir/decide/cooldown.h"
#include "weir/decide/doubt.h"

/* A rule in words: what it said, and what would have let the request through. */
static const struct rule_row {
    const char *says, *needed;
} rule_rows[RULE_COUNT] = {
#define ROW(e, name, cause, says, needed) [e] = {says, needed},
    WEIR_RULES(ROW)
#undef ROW
};

static const struct whose_row {
    const char *name, *says;
} whose_rows[] = {
    [COOLDOWN_OF_USER] = {"user", "refusals of this user; other users are sent on"},
    [COOLDOWN_OF_MODEL] =
        {"model", "refusals of this model, or of requests that name none; others are sent on"},
    [COOLDOWN_OF_ALL] = {"upstream", "refusals of different users or models; nobody is sent on"},
};

static double ms(int64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* --- text */

static void text_head(struct text *t, struct admin *a, const struct request_record *r)
{
    const char *pool = name_of_pool(a, r->pool);
    const char *upstream = name_of_upstream(a, r->pool, r->upstream);
    char when[RFC3339_MAX], ago[HUMAN_MAX], user[20];
    uint64_t now = wall_now_ns();

    (void)rfc3339_format(when, r->at_wall_ns);
    text_printf(t, "request %s: %.*s at %s (%s ago) from %s\n", r->id, (int)r->method_len,
                r->method, when, human_duration(ago, now > r->at_wall_ns ? now - r->at_wall_ns : 0),
                r->client);
    text_printf(t, "  user %s, class %s, %s%s, %s%s\n",
                r->user == 0 ? "unknown" : user_text(user, r->user), class_name(r->class),
                pool[0] == '\0' ? "no pool" : "pool ", pool,
                upstream[0] == '\0' ? "no upstream" : "upstream ", upstream);
}

static void text_verdict(struct text *t, const struct request_record *r)
{
    const struct rule_row *row = &rule_rows[r->numbers.rule];
    bool refused = r->decision == DECISION_REFUSED;

    text_printf(t, "  %s", decision_name(r->decision));
    if (r->cause != CAUSE_NONE)
        text_printf(t, ", cause %s", cause_name(r->cause));
    text_printf(t, ": %s (rule %s)\n", row->says, rule_name(r->numbers.rule));
    if (refused && row->needed[0] != '\0')
        text_printf(t, "  it would have taken: %s\n", row->needed);
    if (r->numbers.observed != RULE_NONE)
        text_printf(t, "  would have been refused, cause %s, by rule %s, which only looks on\n",
                    cause_name(rule_cause(r->numbers.observed)), rule_name(r->numbers.observed));
}

/* Whose evidence held. */
static void text_evidence(struct text *t, const struct decision_numbers *n)
{
    if (n->upstream < 0)
        return;
    text_printf(t,
                "  load %s to make it late, doubt %.1f of %.1f; first tokens of this window: "
                "%u on time, %u late, %u excused as overtaken, %u late alone\n",
                n->shown ? "was shown" : "was not shown", n->doubt, DOUBT_SHOWN, n->on, n->late,
                n->overtaken, n->alone);
    if (n->rule == RULE_COOLDOWN && n->whose != COOLDOWN_OF_NOBODY)
        text_printf(t, "  whose evidence: %s\n", whose_rows[n->whose].says);
}

/* Which limit, and how full it is. */
static void text_limit(struct text *t, const struct quota_refusal *no)
{
    char name[LIMIT_NAME_MAX], wait[HUMAN_MAX];

    if (no->most == 0)
        return;
    text_printf(t, "  limit %s: %llu of %llu %s were used", limit_name(no, name),
                (unsigned long long)no->used, (unsigned long long)no->most,
                quota_limit_words((enum quota_limit)no->limit));
    if (no->wait_ms > 0)
        text_printf(t, "; room for this request in %s",
                    human_duration(wait, no->wait_ms * NS_PER_MS));
    text_char(t, '\n');
}

static void text_numbers(struct text *t, const struct decision_numbers *n)
{
    char share[HUMAN_MAX], waited[HUMAN_MAX], after[HUMAN_MAX];

    text_printf(t,
                "  numbers just before: %u in flight of %.1f, %u without a first token of %.1f, "
                "share %s, %u in the queue\n",
                n->inflight, n->limit_streams, n->pending, n->limit_pending,
                human_share(share, n->share), n->queued);
    text_printf(t, "  waited %s in the queue; the user held %u place%s",
                human_duration(waited, n->waited_ns), n->user_places,
                n->user_places == 1 ? "" : "s");
    if (n->user_most > 0 || n->rule == RULE_FAIR_SHARE)
        text_printf(t, " of the %u one user may hold now", n->user_most);
    text_char(t, '\n');
    if (n->canary_share > 0)
        text_printf(t, "  by lot: the canary of its pool gets %.3g %% of the requests\n",
                    100 * n->canary_share);
    if (n->retry_after_ms > 0)
        text_printf(t, "  told to come back in %s\n",
                    human_duration(after, n->retry_after_ms * NS_PER_MS));
}

static void text_end(struct text *t, const struct request_record *r)
{
    char ttft[HUMAN_MAX], took[HUMAN_MAX];

    text_printf(t, "  answered with status %u", r->status);
    if (r->has_outcome)
        text_printf(t, ", outcome of the upstream %s", outcome_name(r->outcome));
    if (r->ttft_ns >= 0)
        text_printf(t, ", first token after %s", human_ms(ttft, ms(r->ttft_ns)));
    if (r->duration_ns >= 0 && ms(r->duration_ns) < 0.1)
        text_str(t, ", over at once");
    else if (r->duration_ns >= 0)
        text_printf(t, ", over after %s", human_ms(took, ms(r->duration_ns)));
    if (r->upstream_id[0] != '\0')
        text_printf(t, "; the upstream calls it %s", r->upstream_id);
    if (r->usage.knows_prompt)
        text_printf(t, "; %u prompt tokens", r->usage.prompt);
    if (r->usage.knows_output)
        text_printf(t, "; %u output tokens", r->usage.output);
    text_printf(t, "; %u events, retries %u by weir, %u by the client\n", r->events, r->retries,
                r->client_retry);
    if (r->found != NULL)
        text_printf(t, "  found in the upstream's answer: %s\n", r->found);
}

static void why_text(struct text *t, struct admin *a, const void *arg)
{
    const struct request_record *r = arg;

    text_head(t, a, r);
    text_verdict(t, r);
    if (r->numbers.rule != RULE_NONE)
        text_numbers(t, &r->numbers);
    text_limit(t, &r->limit);
    if (r->numbers.rule != RULE_NONE)
        text_evidence(t, &r->numbers);
    text_end(t, r);
}

/* --- JSON */

static void json_limit(struct json_out *j, const struct quota_refusal *no)
{
    char name[LIMIT_NAME_MAX];

    if (no->most == 0)
        return;
    json_open_object(j, "limit");
    json_cstr(j, "name", limit_name(no, name));
    json_u64(j, "used", no->used);
    json_u64(j, "most", no->most);
    json_u64(j, "room_in_ms", no->wait_ms);
    json_close(j);
}

static void json_tokens(struct json_out *j, const char *key, bool known, uint32_t n)
{
    if (known)
        json_u64(j, key, n);
}

static void json_numbers(struct json_out *j, const struct decision_numbers *n)
{
    json_open_object(j, "numbers");
    json_cstr(j, "rule", rule_name(n->rule));
    if (n->observed != RULE_NONE) {
        json_open_object(j, "would");
        json_cstr(j, "rule", rule_name(n->observed));
        json_cstr(j, "cause", cause_name(rule_cause(n->observed)));
        json_close(j);
    }
    json_u64(j, "inflight", n->inflight);
    json_u64(j, "pending", n->pending);
    json_num(j, "limit_streams", n->limit_streams, 1);
    json_num(j, "limit_pending", n->limit_pending, 1);
    json_num(j, "share", n->share, 4);
    json_num(j, "canary_share", n->canary_share, 4);
    json_bool(j, "shown", n->shown);
    json_num(j, "doubt", n->doubt, 1);
    json_u64(j, "on_time", n->on);
    json_u64(j, "late", n->late);
    json_u64(j, "overtaken", n->overtaken);
    json_u64(j, "alone", n->alone);
    json_cstr(j, "cooldown_of", whose_rows[n->whose].name);
    json_u64(j, "queued", n->queued);
    json_num(j, "waited_ms", (double)n->waited_ns / (double)NS_PER_MS, 1);
    json_u64(j, "user_holds", n->user_places);
    json_u64(j, "user_may_hold", n->user_most);
    json_u64(j, "retry_after_ms", n->retry_after_ms);
    json_close(j);
}

static void json_ms(struct json_out *j, const char *key, int64_t ns)
{
    if (ns < 0)
        json_put_null(j, key);
    else
        json_num(j, key, ms(ns), 1);
}

static void json_end(struct json_out *j, const struct request_record *r)
{
    json_cstr(j, "outcome", r->has_outcome ? outcome_name(r->outcome) : NULL);
    json_u64(j, "status", r->status);
    json_ms(j, "queue_ms", r->queue_ns);
    json_ms(j, "connect_ms", r->connect_ns);
    json_ms(j, "ttft_ms", r->ttft_ns);
    json_ms(j, "duration_ms", r->duration_ns);
    json_u64(j, "events", r->events);
    json_u64(j, "retries", r->retries);
    json_u64(j, "client_retry", r->client_retry);
    json_cstr(j, "found", r->found);
    json_tokens(j, "prompt_tokens", r->usage.knows_prompt, r->usage.prompt);
    json_tokens(j, "output_tokens", r->usage.knows_output, r->usage.output);
}

static void why_json(struct text *t, struct admin *a, const void *arg)
{
    const struct request_record *r = arg;
    const struct rule_row *row = &rule_rows[r->numbers.rule];
    char user[20];
    struct json_out j;

    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_cstr(&j, "request_id", r->id);
    json_cstr(&j, "upstream_request_id", or_null(r->upstream_id));
    json_cstr(&j, "decision", decision_name(r->decision));
    json_cstr(&j, "cause", cause_name(r->cause));
    json_cstr(&j, "pool", name_of_pool(a, r->pool));
    json_cstr(&j, "upstream", name_of_upstream(a, r->pool, r->upstream));
    json_cstr(&j, "user", r->user == 0 ? NULL : user_text(user, r->user));
    json_cstr(&j, "class", class_name(r->class));
    json_numbers(&j, &r->numbers);
    json_limit(&j, &r->limit);
    json_cstr(&j, "because", row->says);
    json_cstr(&j, "needed", r->decision == DECISION_REFUSED ? or_null(row->needed) : NULL);
    json_wall(&j, "at", r->at_wall_ns);
    json_cstr(&j, "client", r->client);
    json_end(&j, r);
    json_close(&j);
}

static void why_running_text(struct text *t, struct admin *a, const void *arg)
{
    const struct live_request *r = arg;
    char span[HUMAN_MAX];

    text_printf(t, "%s: running for %s", r->id, human_duration(span, r->age_ns));
    if (r->pool >= 0)
        text_printf(t, " in %s%s%s", name_of_pool(a, r->pool), r->upstream >= 0 ? "/" : "",
                    r->upstream >= 0 ? name_of_upstream(a, r->pool, r->upstream) : "");
    text_printf(t, ", class %s, client %s\n", class_name(r->class), r->client);
    if (r->ttft_ns > 0)
        text_printf(t, "  first token after %s, %u events so far\n",
                    human_duration(span, r->ttft_ns), r->events);
    else
        text_printf(t, "  no first token yet\n");
}

static void why_running_json(struct text *t, struct admin *a, const void *arg)
{
    const struct live_request *r = arg;
    struct json_out j;

    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_cstr(&j, "request_id", r->id);
    json_cstr(&j, "decision", "running");
    json_cstr(&j, "pool", r->pool < 0 ? NULL : name_of_pool(a, r->pool));
    json_cstr(&j, "upstream", r->upstream < 0 ? NULL : name_of_upstream(a, r->pool, r->upstream));
    json_cstr(&j, "class", class_name(r->class));
    json_cstr(&j, "client", r->client);
    json_u64(&j, "age_ms", r->age_ns / NS_PER_MS);
    json_u64(&j, "events", r->events);
    json_close(&j);
}

static void not_found(struct call *c, const char *id)
{
    call_fail(c, FAIL_NOT_FOUND, "request \"%s\" is not among the last %u", id,
              control_settings(c->a->control)->admin.why_entries);
}

static bool show_ended(struct call *c, const char *id)
{
    const struct request_record *r = control_why(c->a->control, id);

    if (r != NULL)
        call_render(c, c->json ? why_json : why_text, r);
    return r != NULL;
}

struct later {
    struct socket_hold *hold;
    char id[REQUEST_ID_MAX + 1];
};

/* Every worker has sent the records of what has ended, and told what runs. */
static void on_live(const struct live_request *list, size_t n, void *arg)
{
    struct later *l = arg;
    struct call c;
    size_t i = 0;

    if (socket_hold_take(&l->hold, &c)) {
        while (i < n && strcmp(list[i].id, l->id) != 0)
            i++;
        if (i < n)
            call_render(&c, c.json ? why_running_json : why_running_text, &list[i]);
        else if (!show_ended(&c, l->id))
            not_found(&c, l->id);
        socket_answered(&c);
    }
    free(l);
}

void run_why(struct call *c, int param)
{
    char id[REQUEST_ID_MAX + 1];
    struct slice s = c->args->text;
    struct later *l;

    (void)param;
    (void)snprintf(id, sizeof id, "%.*s", (int)s.len, s.p);
    if (s.len > REQUEST_ID_MAX || !show_ended(c, id)) {
        l = s.len > REQUEST_ID_MAX ? NULL : calloc(1, sizeof *l);
        if (l == NULL || (l->hold = socket_hold(c)) == NULL) {
            free(l);
            not_found(c, id);
            return;
        }
        memcpy(l->id, id, sizeof id);
        if (!control_sessions(c->a->control, on_live, l)) {
            struct call unused;
            (void)socket_hold_take(&l->hold, &unused);
            free(l);
            not_found(c, id);
        }
    }
}
