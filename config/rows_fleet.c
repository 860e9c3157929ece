/* SPDX-License-Identifier: Apache-2.0 */
/* The settings table, third part: the fleet.  What it does is written in docs/fleet.md. */
#include "rows.h"

static const struct conf_row fleet_rows[] = {
    TEXT("redis", struct settings, fleet.redis, &conf_form_redis,
         "the Redis or Valkey through which the nodes know of each other; rediss: with TLS",
         .def_words = "none: this weir is on its own"),
    TEXT("name", struct settings, fleet.name, &conf_form_fleet_name,
         "the fleet's, the same on all nodes", .def_words = "none; needed with redis"),
    TEXT("node", struct settings, fleet.node, &conf_form_fleet_name,
         "what this node is called, for people", .def_words = "the machine's name"),
    TEXT("password_file", struct settings, fleet.password_file, &conf_form_file,
         "file with the password of the url's user, or of the default user",
         .def_words = "none: no password"),
    TEXT(
        "secret_file", struct settings, fleet.secret_file, &conf_form_file,
        "file with 32 to 512 secret bytes, equal on all nodes: key of the hash that names users in "
        "Redis",
        .def_words = "none: leases and limits of users are each node's own"),
    TEXT("ca", struct settings, fleet.ca, &conf_form_anchor,
         "PEM file or folder of authorities that sign it", .def_words = "the system's"),
    TEXT("server_name", struct settings, fleet.server_name, &conf_form_host,
         "name asked for and verified in TLS", .def_words = "the url's host"),
    BOOL("verify", struct settings, fleet.verify, "true", "verify its certificate and name"),
    TEXT("certificate", struct settings, fleet.certificate, &conf_form_file, "PEM file shown to it",
         .def_words = "none"),
    TEXT("key", struct settings, fleet.key, &conf_form_file,
         "PEM file with the key of that certificate", .def_words = "none"),
    DURATION("timeout", struct settings, fleet.timeout_ns, "500ms", "50ms", "5s",
             "an answer that comes later is none"),
    COUNT("nodes", struct settings, fleet.nodes, "1", "1", "1000", "nodes",
          "how many are taken for granted as long as Redis was never reached"),
};
const struct conf_table conf_fleet_table =
    TABLE("fleet", fleet_rows,
          "Several weirs in front of the same upstreams, which share operators' commands and what "
          "they know.");
