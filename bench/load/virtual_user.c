/* SPDX-License-Identifier: Apache-2.0 */
/* One virtual user: asks, reads, judges, retries.  States change in the functions named after them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/http/fnv.h"
#include "bench/load/load_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

static const struct httpc_events call_events;

static void set_timer(struct virtual_user *p, uint64_t ns)
{
    struct timeval tv = {(time_t)(ns / NS_PER_S), (suseconds_t)(ns % NS_PER_S / NS_PER_US)};

    (void)event_add(p->timer, &tv);
}

static uint64_t in_ns(double s)
{
    return s <= 0 ? 0 : (uint64_t)(s * 1e9);
}

static void attempt(struct virtual_user *p, uint64_t intended_ns)
{
    struct load *l = p->load;
    uint64_t now = mono_now_ns();
    struct load_bin *bin = load_bin_at(l, now);

    p->state = VIRTUAL_USER_TRYING;
    p->attempt_ns = intended_ns;
    p->first_ns = p->last_ns = 0;
    p->event_stream = false;
    p->body_bytes = 0;
    p->proxy_status[0] = '\0';
    p->seen = (struct sdk_attempt){.hint_ms = -1, .hint_s = -1, .should_retry = -1};
    p->closing = p->closed = false;
    reading_start(&p->reading, l->conf.verify ? p->tag : NULL);
    p->reading.check = l->conf.check;
    check_start(p);
    p->attempt = ++l->sums.attempts;
    request_write(p);
    p->call.events = &call_events;
    p->call.request = grow_slice(&p->request);
    p->call.over_ns = in_ns(l->conf.upload_s);
    p->call.upgrade = l->conf.speech == SPEECH_SOCKET;
    bin->attempts++;
    p->place = places_next(l);
    places_bin_at(l, p->place, now)->attempts++;
    if (p->retries > 0) {
        l->sums.retries++;
        bin->retries++;
    } else {
        samples_add(&l->lateness, (double)(now - intended_ns) / 1e3);
    }
    if (p->leave_s > 0)
        set_timer(p, in_ns(p->leave_s));
    else if (l->conf.patience_s > 0)
        set_timer(p, in_ns(l->conf.patience_s + l->conf.upload_s));
    httpc_send(&l->places[p->place].client, &p->call);
}

void virtual_user_ask(struct virtual_user *p, uint64_t intended_ns)
{
    struct load *l = p->load;

    WEIR_CHECK(p, VIRTUAL_USER_MAGIC);
    p->intended_ns = intended_ns;
    p->retries = 0;
    p->last_by_hint = false;
    p->content_before = 0;
    (void)snprintf(p->tag, sizeof p->tag, "p%lluc%llut%u", (unsigned long long)p->number,
                   (unsigned long long)p->conversation, p->turn);
    request_draw(p);
    l->n_open++;
    l->sums.turns++;
    load_bin_at(l, intended_ns)->intended++;
    attempt(p, intended_ns);
}

/* Verdicts */

static double pace_ms(const struct virtual_user *p)
{
    if (p->reading.content < 2 || p->last_ns <= p->first_ns)
        return -1;
    return (double)(p->last_ns - p->first_ns) / 1e6 / (p->reading.content - 1);
}

/* A complete answer: was it in time? */
static enum turn_end judge_promise(const struct virtual_user *p)
{
    const struct load_conf *c = &p->load->conf;
    double ttft_s = (double)(p->first_ns - p->attempt_ns) / 1e9 - c->upload_s;

    if (c->ttft_promise_s > 0 && ttft_s > c->ttft_promise_s)
        return TURN_LATE;
    if (c->pace_promise_s > 0 && pace_ms(p) > c->pace_promise_s * 1e3)
        return TURN_SLOW;
    return TURN_GOOD;
}

static enum turn_end judge_stream(const struct virtual_user *p)
{
    const struct reading *r = &p->reading;

    if (r->failed)
        return TURN_IN_BAND;
    if (r->too_long)
        return TURN_BAD;
    if (p->load->conf.speech == SPEECH_EVENTS)
        return r->sum_seen || !p->told ? judge_promise(p) : TURN_UNMARKED;
    if (r->content == 0)
        return TURN_EMPTY;
    return r->ended ? judge_promise(p) : TURN_UNMARKED;
}

static enum turn_end judge(struct virtual_user *p, enum call_end how)
{
    bool success = p->seen.accepted;

    switch (how) {
    case CALL_NO_CONNECT:
        return TURN_NO_CONNECT;
    case CALL_NO_ANSWER:
        return TURN_NO_ANSWER;
    case CALL_BAD:
        return TURN_BAD;
    case CALL_CUT:
        /* broken off after an honest error event is the error, not the cut */
        return p->reading.failed ? TURN_IN_BAND : TURN_CUT;
    case CALL_DONE:
        break;
    }
    if (p->load->conf.speech == SPEECH_SOCKET && p->seen.status == 101)
        return talk_judge(p);
    if (!success)
        return sdk_is_polite(&p->seen) ? TURN_REFUSED : TURN_STATUS;
    if (check_failed(p))
        return TURN_ALTERED;
    if (p->event_stream)
        return judge_stream(p);
    return p->body_bytes == 0 ? TURN_EMPTY : judge_promise(p);
}

static void verify(struct virtual_user *p, enum turn_end end)
{
    struct load *l = p->load;
    uint32_t wanted = p->said[p->turn < TURNS_MAX ? p->turn : TURNS_MAX - 1].output;

    if (!l->conf.verify || turn_end_group(end) != SERVED)
        return;
    if (!p->event_stream)
        reading_check_whole(&p->reading, grow_slice(&p->body));
    if (p->reading.mixed)
        l->sums.mixed++;
    if (l->conf.exact && wanted > 0 && p->reading.tokens != wanted)
        l->sums.incomplete++;
}

/* A slow line hides what it is about. */
static float added_ms(const struct virtual_user *p)
{
    double ms = (double)(p->first_ns - p->attempt_ns) / 1e6 - p->told_ms;

    if (p->first_ns == 0 || p->told_ms < 0 || p->load->conf.upload_s > 0)
        return -1;
    return ms > 0 ? (float)ms : 0;
}

static void record(struct virtual_user *p, enum turn_end end, uint64_t now)
{
    struct load *l = p->load;
    struct load_record *r;

    if (l->n_records == l->cap_records) {
        l->cap_records = l->cap_records == 0 ? 4096 : l->cap_records * 2;
        l->records = realloc(l->records, l->cap_records * sizeof l->records[0]);
        WEIR_ASSERT(l->records != NULL);
    }
    r = &l->records[l->n_records++];
    *r = (struct load_record){
        .intended_s = (float)((double)(p->intended_ns - l->start_ns) / 1e9),
        .end_s = (float)((double)(now - l->start_ns) / 1e9),
        .ttft_ms = p->first_ns == 0 ? -1 : (float)((double)(p->first_ns - p->attempt_ns) / 1e6),
        .wait_ms = p->first_ns == 0 ? -1 : (float)((double)(p->first_ns - p->intended_ns) / 1e6),
        .total_ms = (float)((double)(now - p->intended_ns) / 1e6),
        .pace_ms = (float)pace_ms(p),
        .added_ms = added_ms(p),
        .status = (uint16_t)p->seen.status,
        .end = (uint8_t)end,
        .attempts = (uint8_t)(p->retries + 1),
        .turn = (uint8_t)p->turn};
    if (l->conf.records != NULL)
        (void)fprintf(l->conf.records,
                      "{\"at_s\":%.3f,\"person\":%llu,\"conversation\":%llu,\"turn\":%u,"
                      "\"attempts\":%d,\"end\":\"%s\",\"status\":%d,\"ttft_ms\":%.1f,"
                      "\"wait_ms\":%.1f,\"total_ms\":%.1f,\"pace_ms\":%.2f,\"content\":%u,"
                      "\"hint_s\":%.3f}\n",
                      (double)r->intended_s, (unsigned long long)p->number,
                      (unsigned long long)p->conversation, p->turn, r->attempts, turn_end_name(end),
                      r->status, (double)r->ttft_ms, (double)r->wait_ms, (double)r->total_ms,
                      (double)r->pace_ms, p->reading.content,
                      p->seen.hint_ms >= 0 ? p->seen.hint_ms / 1000 : p->seen.hint_s);
}

static void turn_over(struct virtual_user *p, enum turn_end end)
{
    struct load *l = p->load;
    uint64_t now = mono_now_ns();

    event_del(p->timer);
    verify(p, end);
    record(p, end, now);
    if (turn_end_group(end) != SERVED)
        l->sums.wasted_content += p->content_before + p->reading.content;
    else
        l->sums.wasted_content += p->content_before;
    l->n_open--;
    load_turn_over(p, end, now);
}

static void note_try(struct virtual_user *p, enum turn_end end)
{
    p->load->sums.attempt_ends[end]++;
    load_bin_at(p->load, mono_now_ns())->attempt_ends[end]++;
    places_bin_at(p->load, p->place, mono_now_ns())->ends[end]++;
    attempts_write(p, turn_end_name(end));
}

/* An attempt is over: if it was not served, once more, or is that it? */
static void attempt_over(struct virtual_user *p, enum turn_end end)
{
    struct load *l = p->load;
    bool by_hint;
    double wait;

    note_try(p, end);
    if (p->last_by_hint) {
        l->sums.hinted++;
        l->sums.hints_kept += p->seen.accepted; /* let in, whatever came then */
    }
    p->last_by_hint = false;
    if (turn_end_group(end) == SERVED) {
        turn_over(p, end);
        return;
    }
    wait = sdk_retry_after(l->conf.sdk, l->conf.retries, p->retries, &p->seen, &p->rng, &by_hint);
    if (wait < 0) {
        turn_over(p, end);
        return;
    }
    p->content_before += p->reading.content;
    p->retries++;
    p->last_by_hint = by_hint;
    p->state = VIRTUAL_USER_WAITING;
    set_timer(p, in_ns(wait));
}

/* What the client reports */

static void on_head(struct httpc_call *call, const struct head *h)
{
    struct virtual_user *p = LIST_OBJECT(call, struct virtual_user, call);
    struct slice type = head_field(h, "content-type");

    WEIR_CHECK(p, VIRTUAL_USER_MAGIC);
    sdk_read_head(h, &p->seen);
    attempts_read_head(p, h);
    check_read_head(p, h);
    p->event_stream = p->seen.accepted && slice_starts(type, SLICE_LIT("text/event-stream"));
    if (!p->event_stream || p->load->conf.speech == SPEECH_EVENTS)
        p->first_ns = mono_now_ns();
    if (p->load->conf.speech == SPEECH_EVENTS)
        set_timer(p, in_ns(p->load->conf.silence_s));
    if (p->load->conf.speech == SPEECH_SOCKET && h->status == 101) {
        talk_begin(p);
        set_timer(p, 0);
    }
}

/* As they had meant to when they asked. */
static void leave(struct virtual_user *p)
{
    httpc_cancel(&p->call);
    note_try(p, TURN_LEFT);
    turn_over(p, TURN_LEFT);
}

static void on_content(struct virtual_user *p, uint32_t n)
{
    struct load *l = p->load;
    uint64_t now = mono_now_ns();

    if (p->first_ns == 0)
        p->first_ns = now;
    p->last_ns = now;
    l->sums.content += n;
    load_bin_at(l, now)->content += n;
    /* from here on it is the silence that is waited for */
    if (l->conf.silence_s > 0)
        set_timer(p, in_ns(l->conf.silence_s));
    else
        event_del(p->timer);
    if (p->leave_content > 0 && p->reading.content >= p->leave_content)
        leave(p);
}

static void on_body(struct httpc_call *call, struct slice piece)
{
    struct virtual_user *p = LIST_OBJECT(call, struct virtual_user, call);
    uint32_t n;

    WEIR_CHECK(p, VIRTUAL_USER_MAGIC);
    p->load->sums.bytes += piece.len;
    p->body_bytes += piece.len;
    if (!p->event_stream) {
        p->answer_sum = fnv_feed(p->answer_sum, piece);
        if (p->body.len < BODY_KEPT)
            grow_put(&p->body, piece);
        if (p->load->conf.speech == SPEECH_SOCKET)
            talk_read(p);
        return;
    }
    n = reading_feed(&p->reading, piece);
    if (n > 0)
        on_content(p, n);
    else if (p->load->conf.speech == SPEECH_EVENTS)
        set_timer(p, in_ns(p->load->conf.silence_s));
}

static void on_end(struct httpc_call *call, enum call_end how)
{
    struct virtual_user *p = LIST_OBJECT(call, struct virtual_user, call);

    WEIR_CHECK(p, VIRTUAL_USER_MAGIC);
    if (how == CALL_NO_CONNECT || how == CALL_NO_ANSWER)
        p->seen.connected = false;
    attempt_over(p, judge(p, how));
}

static const struct httpc_events call_events = {on_head, on_body, on_end};

/* The next text on a WebSocket, or its end. */
static void talk(struct virtual_user *p)
{
    enum turn_end end = talk_go_on(p);

    if (end == TURN_END_COUNT) {
        set_timer(p, p->closing ? 5 * NS_PER_S : NS_PER_S);
        return;
    }
    httpc_cancel(&p->call);
    note_try(p, end);
    turn_over(p, end);
}

void on_virtual_user_timer(evutil_socket_t fd, short what, void *arg)
{
    struct virtual_user *p = arg;
    uint64_t now = mono_now_ns();

    (void)fd, (void)what;
    WEIR_CHECK(p, VIRTUAL_USER_MAGIC);
    switch (p->state) {
    case VIRTUAL_USER_TRYING:
        if (p->leave_s > 0 && p->first_ns == 0) {
            leave(p);
            return;
        }
        if (p->load->conf.speech == SPEECH_SOCKET && p->seen.status == 101) {
            talk(p);
            return;
        }
        httpc_cancel(&p->call);
        if (p->first_ns == 0)
            p->seen.connected = false; /* to an SDK its own timeout is a failed connection */
        /* somebody who has lost patience does not ask again */
        note_try(p, p->first_ns == 0 ? TURN_GAVE_UP : TURN_SILENT);
        turn_over(p, p->first_ns == 0 ? TURN_GAVE_UP : TURN_SILENT);
        return;
    case VIRTUAL_USER_WAITING:
        attempt(p, now);
        return;
    case VIRTUAL_USER_THINKING:
        virtual_user_ask(p, now);
        return;
    case VIRTUAL_USER_NEW:
    case VIRTUAL_USER_DEAD:
        break;
    }
    WEIR_UNREACHABLE("timer of a person");
}
