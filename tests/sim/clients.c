/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: strangers that arrive at random, SDKs that come back when refused, conversations of
 * some turns, one heavy user, a crowd that reloads at once.
 */
#include <math.h>
#include <stdlib.h>

#include "fleet_sim.h"
#include "weir/base/assert.h"

enum { PROMPT_MAX = 16384, OUTPUT_MAX = 2000 };
enum { SOURCE_STRANGERS, SOURCE_HEAVY };
enum { GROUP_NORMAL, GROUP_HEAVY, GROUP_CROWD, GROUP_FIRST_MODEL = GROUP_CROWD };
#define THINK_S      8.0
#define GOOD_FIRST_S 2.0
#define TALK_TAIL_S  160.0 /* talks that begin later than so long before the end are not counted */

static double exponential(struct rng *g, double mean)
{
    return -mean * log(1 - rng_unit(g));
}

double client_lognormal(struct rng *g, double median, double sigma)
{
    double u = 1 - rng_unit(g), v = rng_unit(g);

    return median * exp(sigma * sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

static uint32_t tokens(struct rng *g, double median, double sigma, uint32_t most)
{
    return (uint32_t)num_clamp(client_lognormal(g, median, sigma), 1, most);
}

static enum request_class class_of(const struct scenario *sc, double u)
{
    if (u < sc->paid)
        return CLASS_PAID;
    if (u < sc->paid + sc->batch)
        return CLASS_BATCH;
    return u < sc->paid + sc->batch + sc->system ? CLASS_SYSTEM : CLASS_INTERACTIVE;
}

/* As spread as a keyed hash. */
uint64_t client_hash(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15);
}

/* Draws what somebody wants; always as many numbers, so that every rule sees the same requests. */
static struct ask *draw(struct world *w, struct rng *g)
{
    const struct scenario *sc = w->sc;
    const struct backend *b = sc->backend;
    struct ask *a = calloc(1, sizeof *a);
    double unary = rng_unit(g), class = rng_unit(g), who = rng_unit(g), where = rng_unit(g);
    double aborts = rng_unit(g), when = rng_unit(g), deadline = rng_unit(g);

    WEIR_ASSERT(a != NULL);
    a->prompt = tokens(g, b->prompt, b->prompt_sigma, PROMPT_MAX);
    a->output = tokens(g, b->output, b->output_sigma, OUTPUT_MAX);
    a->service_s =
        b->api || b->hosted ? client_lognormal(g, b->service_ms / 1e3, b->service_sigma) : 0;
    if (b->service_most_ms > 0)
        a->service_s = (b->service_ms + rng_unit(g) * (b->service_most_ms - b->service_ms)) / 1e3;
    if (b->slow_share > 0 && rng_unit(g) < b->slow_share)
        a->service_s = b->slow_ms / 1e3;
    a->stream = !b->api && unary >= sc->unary;
    a->class = class_of(sc, class);
    a->user = client_hash(sc->users > 0 ? 1 + (uint64_t)(who * sc->users) : 0);
    if (sc->models > 0) {
        uint64_t model = 1 + rng_next(g) % sc->models;
        a->model = client_hash(model);
        a->group = model == 1 ? GROUP_FIRST_MODEL : GROUP_NORMAL;
    }
    a->proxy =
        w->fleet != NULL ? fleet_proxy_of(w, -1, where) : (int)(where * (double)sc->n_proxies);
    a->allowed_retries = sc->retries;
    a->abort_s = a->leave_s = -1;
    if (aborts < sc->aborts / 2)
        a->leave_s = 2 * when;
    else if (aborts < sc->aborts)
        a->abort_s = 20 * when;
    a->deadline_s = deadline < sc->deadline ? 0.5 + 20 * when : 0;
    a->since_ns = w->now_ns;
    return a;
}

static double load_now(const struct world *w)
{
    return world_s(w) < w->sc->calm_s ? 0.2 : w->sc->load;
}

static double rate_of(const struct world *w, int source)
{
    double capacity = w->sc->backend->capacity;

    if (source == SOURCE_HEAVY)
        return w->sc->heavy * w->sc->load * capacity;
    return load_now(w) * capacity / (w->sc->talk_turns > 0 ? w->sc->talk_turns : 1);
}

/* A heavy user has dice of its own: the others ask the same with and without that user. */
static struct rng *dice_of(struct world *w, int source)
{
    return source == SOURCE_HEAVY ? &w->heavy : &w->arrivals;
}

static void next_arrival(struct world *w, int source)
{
    double gap_s = exponential(dice_of(w, source), 1 / rate_of(w, source));

    heap_push(&w->heap, w->now_ns + num_ns(gap_s), EVENT_ARRIVAL, NULL, source, 0);
}

void clients_start(struct world *w)
{
    if (w->sc->load > 0)
        next_arrival(w, SOURCE_STRANGERS);
    if (w->sc->heavy > 0)
        next_arrival(w, SOURCE_HEAVY);
    for (uint32_t i = 0; i < w->sc->virtual_users; i++)
        heap_push(&w->heap, w->start_ns + num_ns(0.1 * rng_unit(&w->clients)), EVENT_VIRTUAL_USER,
                  NULL, (int)i + 1, 0);
    if (w->sc->crowd > 0)
        heap_push(&w->heap, w->start_ns + num_ns(w->sc->crowd_at_s), EVENT_CROWD, NULL, 0, 0);
}

void client_comes(struct world *w, struct ask *a)
{
    if (a->tries == 0)
        w->res->first_attempts++;
    else
        w->res->retries++;
    if (w->fleet != NULL)
        a->proxy = fleet_proxy_of(w, a->proxy, 0);
    proxy_ask(&w->proxy[a->proxy], a);
}

/* One that cannot end within the run would be counted only if it is lost. */
static bool is_counted(const struct world *w, const struct talk *t)
{
    double began_s = num_s(t->started_ns - w->start_ns);

    return began_s >= w->sc->warm_s && began_s < w->sc->seconds - TALK_TAIL_S;
}

static void talk_begin(struct world *w)
{
    struct talk *t = calloc(1, sizeof *t);

    WEIR_ASSERT(t != NULL);
    t->user = rng_next(&w->arrivals) | 1;
    t->all_good = true;
    t->started_ns = w->now_ns;
    if (is_counted(w, t))
        w->res->talks++;
    client_talk_turn(w, t);
}

void client_talk_turn(struct world *w, struct talk *t)
{
    struct ask *a = draw(w, &w->arrivals);

    a->talk = t;
    a->user = t->user;
    a->allowed_retries = w->sc->talk_retries;
    client_comes(w, a);
}

void client_arrival(struct world *w, int source)
{
    if (w->closing)
        return;
    if (source == SOURCE_STRANGERS && w->sc->talk_turns > 0) {
        talk_begin(w);
    } else {
        struct ask *a = draw(w, dice_of(w, source));
        if (source == SOURCE_HEAVY) {
            a->group = GROUP_HEAVY;
            a->user = HEAVY_USER;
        }
        client_comes(w, a);
    }
    next_arrival(w, source);
}

void client_crowd(struct world *w)
{
    for (uint32_t i = 0; i < w->sc->crowd; i++) {
        struct ask *a = draw(w, &w->arrivals);
        a->group = GROUP_CROWD;
        a->user = rng_next(&w->arrivals) | 1;
        heap_push(&w->heap, w->now_ns + num_ns(0.5 * rng_unit(&w->clients)), EVENT_COMEBACK, a, 0,
                  0);
    }
}

void client_virtual_user(struct world *w, int who)
{
    struct ask *a;

    if (w->closing)
        return;
    a = draw(w, &w->arrivals);
    a->virtual_user = (uint32_t)who;
    a->user = client_hash((uint64_t)who);
    client_comes(w, a);
}

/* First token within 2 s of asking and the promised pace, or the whole within its time. */
bool is_good(const struct job *j, uint64_t now_ns)
{
    const struct backend *b = j->proxy->w->sc->backend;
    double first_s = num_s(j->first_ns - j->asked_ns);
    double pace_s = j->made > 1 ? num_s(now_ns - j->first_ns) / (j->made - 1) : 0;

    if (b->api)
        return num_s(now_ns - j->asked_ns) <= b->good_s;
    if (j->ask->stream)
        return first_s <= (b->good_s > 0 ? b->good_s : GOOD_FIRST_S) &&
               pace_s * 1e3 <= b->promise_ms;
    /* a whole answer is good if its tokens came as fast as a stream's would have had to */
    return num_s(now_ns - j->asked_ns) <= GOOD_FIRST_S + j->made * b->promise_ms / 1e3;
}

static void talk_over(struct world *w, struct talk *t, bool complete)
{
    if (is_counted(w, t)) {
        if (complete && t->all_good)
            w->res->talks_good++;
        else if (t->turn == 0)
            w->res->talks_lost_first++;
        else
            w->res->talks_lost_later++;
    }
    free(t);
}

static void talk_goes_on(struct world *w, struct talk *t, bool good)
{
    t->all_good = t->all_good && good;
    if (!good || ++t->turn >= w->sc->talk_turns) {
        talk_over(w, t, good);
        return;
    }
    heap_push(&w->heap, w->now_ns + num_ns(exponential(&w->clients, THINK_S)), EVENT_TALK, t, 0, 0);
}

/* Ended, well or not, or its client left. */
void client_served(struct job *j, bool good)
{
    struct world *w = j->proxy->w;

    if (j->ask->talk != NULL)
        talk_goes_on(w, j->ask->talk, good);
    if (j->ask->virtual_user > 0)
        heap_push(&w->heap, w->now_ns + num_ns(w->sc->virtual_user_gap_s), EVENT_VIRTUAL_USER, NULL,
                  (int)j->ask->virtual_user, 0);
    free(j->ask);
    j->ask = NULL;
}

static void gives_up(struct job *j)
{
    j->proxy->w->res->client_errors++;
    client_served(j, false);
}

/* What SDKs do without a hint: half a second, doubled each time, at most 8 s, up to a quarter less.
 */
static double backoff_s(struct world *w, uint32_t tries)
{
    double s = num_min(8, 0.5 * (double)(1u << (tries < 5 ? tries : 5)));

    return s * (1 - 0.25 * rng_unit(&w->clients));
}

static double hinted_s(struct world *w, const struct job *j)
{
    switch (w->sc->comeback) {
    case COMEBACK_HEADER:
        return j->r.numbers.retry_after_ms / 1e3;
    case COMEBACK_BACKOFF:
        return backoff_s(w, j->ask->tries);
    case COMEBACK_CONST_5:
        return 5;
    }
    return 0;
}

static void come_back(struct job *j, double after_s)
{
    struct world *w = j->proxy->w;
    struct ask *a = j->ask;

    a->tries++;
    heap_push(&w->heap, w->now_ns + num_ns(after_s), EVENT_COMEBACK, a, 0, 0);
    j->ask = NULL;
}

void client_refused(struct job *j)
{
    struct world *w = j->proxy->w;

    if (j->ask->tries >= j->ask->allowed_retries || j->r.no_retry || w->closing)
        gives_up(j);
    else if (j->ask->talk != NULL)
        come_back(j, 2 + 6 * rng_unit(&w->clients));
    else
        come_back(j, hinted_s(w, j));
}

void client_failed(struct job *j)
{
    struct world *w = j->proxy->w;

    /* once a 200 was accepted, no SDK tries again */
    if (j->first_seen || j->ask->tries >= j->ask->allowed_retries || w->closing)
        gives_up(j);
    else
        come_back(j, backoff_s(w, j->ask->tries));
}
