/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_SCRIPT_H
#define WEIR_FLEET_SCRIPT_H

#include "link.h"

/*
 * The scripts that run inside Redis (lua/), and one call of one of them.  Redis is told a script by
 * its SHA-1; where it does not know it, because it was restarted or somebody emptied its scripts,
 * the text is sent once: nothing was run then, so nothing runs twice.
 */
struct script {
    const char *name, *sha, *text;
};
extern const struct script script_sync, script_ask, script_leave, script_read, script_plan,
    script_order, script_orders, script_heal, script_records, script_users;

enum { CALL_BYTES_MAX = 192 * 1024 };

/* Words of the call that is made or under way; they are copied.  One at a time for each link. */
struct script_call {
    struct link *link;
    const struct script *script;
    link_answer_fn *fn;
    void *arg;
    size_t n, used;
    bool full; /* it does not fit: the call will not be made */
    struct slice words[LINK_WORDS_MAX];
    char bytes[CALL_BYTES_MAX];
};

/* Begins the words: the script, and `prefix`, the one key that all others begin with. */
void script_begin(struct script_call *c, struct link *l, const struct script *s,
                  struct slice prefix);
/* The same for a command of Redis's own on one key. */
void script_begin_plain(struct script_call *c, struct link *l, const char *command,
                        const char *key);
void script_word(struct script_call *c, struct slice word);
void script_i64(struct script_call *c, int64_t n);
/*
 * Sends it; fn as of link_call.  False: not ready, no memory, or too many words; fn is not called.
 */
bool script_send(struct script_call *c, link_answer_fn *fn, void *arg);

#endif
