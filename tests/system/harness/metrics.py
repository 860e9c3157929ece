# SPDX-License-Identifier: Apache-2.0
"""Reads Prometheus text."""

import re

LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Metrics:
    def __init__(self, text):
        self.text = text
        self.samples = {}
        self.types = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"TYPE of {name} twice"
                self.types[name] = kind
            if not line or line.startswith("#"):
                continue
            m = LINE.match(line)
            assert m, f"not a sample: {line!r}"
            labels = LABEL.findall(m.group(2) or "")
            key = (m.group(1), frozenset(labels))
            assert key not in self.samples, f"sample twice: {line!r}"
            self.samples[key] = float(m.group(3))

    def all(self, name, **labels):
        """{labels: value} of the samples of a name that carry these labels."""
        want = set(labels.items())
        return {dict_key: v for (n, dict_key), v in self.samples.items()
                if n == name and want <= dict_key}

    def sum(self, name, **labels):
        return sum(self.all(name, **labels).values())

    def one(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name} {labels}: {len(found)} samples"
        return next(iter(found.values()))
