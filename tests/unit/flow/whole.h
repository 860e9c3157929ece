/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FLOW_WHOLE_H
#define WEIR_TESTS_FLOW_WHOLE_H

/*
 * A worker as it runs in the daemon, with its real listener, clients, exchanges, gate and upstream
 * connections, in one thread and in virtual time.  Around it: sockets of one process, and what
 * control would do.  whole.c makes it; fuzz_exchange.c and test_no_memory.c say
 * what happens and judge.
 */
#include "worker/shared.h"
#include "worker/worker.h"

enum { WHOLE_UPSTREAMS = 2 };

struct whole {
    struct loop *control;
    struct snapshot *snapshot;
    struct worker *w;
    struct net_addr listener, upstream[WHOLE_UPSTREAMS];
    int listening[WHOLE_UPSTREAMS]; /* where upstreams accept */
    int listen_fd;                  /* the worker has duplicates of it */
    uint64_t records;               /* that control has got */
};

void whole_make(struct whole *k, const char *settings);
/* Ends what runs, as the end of the process does, and looks that nothing is left. */
void whole_end(struct whole *k);
/* The same looks, and then all is as after whole_make, but for the time: for thousands of runs. */
void whole_again(struct whole *k);
/* A few rounds of both loops. */
void whole_run(struct whole *k);
void whole_pass(struct whole *k, uint64_t ns);
void whole_tick(struct whole *k);
/* The addresses of an upstream are known, or are not any more. */
void whole_resolve(struct whole *k, int upstream, bool known);
int whole_connect(const struct net_addr *to);

#endif
