# SPDX-License-Identifier: Apache-2.0
"""Writes weir's configuration from Python values: dict is a group, list a list, str a string."""


def value(v, indent=0):
    pad = "  " * (indent + 1)
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, str):
        return '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(v, dict):
        inner = "".join(f"{pad}{k} = {value(x, indent + 1)};\n" for k, x in v.items())
        return "{\n" + inner + "  " * indent + "}"
    if isinstance(v, (list, tuple)):
        return "( " + ", ".join(value(x, indent + 1) for x in v) + " )"
    raise TypeError(repr(v))


def text(settings):
    return "".join(f"{k} = {value(v)};\n" for k, v in settings.items())


def merge(base, over):
    """base with over laid on top, groups key by key; None takes a key away."""
    out = dict(base)
    for key, new in over.items():
        if new is None:
            out.pop(key, None)
        elif isinstance(new, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], new)
        else:
            out[key] = new
    return out


# Rules that could step between a test and what it looks at only look on; tests of the rules
# themselves say `enforce=True`.
LOOK_ON = {"limiter": {"mode": "observe"}, "breaker": {"mode": "observe"}}
ENFORCE = {"limiter": {"mode": "enforce"}, "breaker": {"mode": "enforce"}}


def pool(upstreams, name="chat", enforce=False, each=None, **more):
    """A pool of the given backends (or URLs): upstreams a, b, c ...  each: keys for every one."""
    rows = []
    for i, u in enumerate(upstreams):
        row = {"name": chr(ord("a") + i), "url": u if isinstance(u, str) else u.url}
        rows.append(merge(row, each or {}))
    base = merge({"name": name, "upstreams": rows}, ENFORCE if enforce else LOOK_ON)
    return merge(base, more)
