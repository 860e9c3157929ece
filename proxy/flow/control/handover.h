/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_HANDOVER_H
#define WEIR_FLOW_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"

/*
 * What the old weir and the new one say to each other (docs/architecture.md, "Hot restart").  The
 * socket is one of a pair that the launcher made: nobody else can be at its other end.  Packets
 * have one size; a packet of another size, kind or protocol ends the conversation.
 *
 *     new   HELLO        with a memory file for the state
 *     old   SOCKET ...   each with up to HANDOVER_FDS_MAX descriptors, then SOCKETS_END
 *     new   READY        everything is checked; TAKEN before it, for each group of sockets
 *     old   GO           it accepts no more, and what it knows is in the memory file
 *     new   STARTED      it accepts; the old one drains
 *     both  GIVE, WANT, LEND: places at the upstreams (decide/handover.h), until the old one ends
 *
 *     new   FAILED       instead of any of its own: why, in a sentence
 */
enum { HANDOVER_PROTOCOL = 1, HANDOVER_TEXT_MAX = 1024, HANDOVER_FDS_MAX = 64 };

enum handover_what {
    HANDOVER_HELLO = 1,
    HANDOVER_SOCKET,
    HANDOVER_SOCKETS_END,
    HANDOVER_TAKEN,
    HANDOVER_READY,
    HANDOVER_GO,
    HANDOVER_STARTED,
    HANDOVER_FAILED,
    HANDOVER_GIVE,
    HANDOVER_WANT,
    HANDOVER_LEND,
};

struct handover_message {
    uint32_t protocol, what;
    uint32_t kind;   /* SOCKET: enum inherited_kind */
    uint32_t index;  /* SOCKET, TAKEN: group; GIVE, LEND: upstream, WANT: pool, as the old one's */
    uint32_t number; /* TAKEN: sockets; GO: bytes of state; GIVE, WANT, LEND: places */
    char text[HANDOVER_TEXT_MAX]; /* HELLO: version; SOCKET: name; FAILED: why; ends with NUL */
};

static inline struct handover_message handover_message(enum handover_what what)
{
    return (struct handover_message){.protocol = HANDOVER_PROTOCOL, .what = what};
}

/* n descriptors go with it, borrowed.  Never waits: WEIR_SYS when the other side does not read. */
enum weir_status handover_send(int fd, const struct handover_message *m, const int *fds,
                               unsigned n) WEIR_MUST_CHECK;
/*
 * WEIR_OK: *n descriptors came with it, the caller's.  WEIR_AGAIN: there is none now.  WEIR_CLOSED.
 * WEIR_BAD: no such packet; WEIR_SYS.  Nothing is left open but with WEIR_OK.
 */
enum weir_status handover_receive(int fd, struct handover_message *m, int fds[HANDOVER_FDS_MAX],
                                  unsigned *n) WEIR_MUST_CHECK;
void handover_close(int *fds, unsigned n);

#endif
