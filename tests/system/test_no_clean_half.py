# SPDX-License-Identifier: Apache-2.0
"""Whatever a backend sends and wherever it breaks off: a client gets the backend's own complete
answer, or one that is visibly broken, or one that an error of weir's ends.  Never a half that looks
whole.

Cases are made by a seed and judged apart from weir (harness/made.py, harness/verdict.py).  What
fails is shown with its case; WEIR_SEED=TEXT makes others, WEIR_CASES=N more of them.
"""

import collections
import os

import pytest

from harness.deadline import secs
from harness.dialects import ALL
from harness.made import by_seed, every_cut
from harness.swarm import Swarm
from harness.verdict import Half, judge

SEED = os.environ.get("WEIR_SEED", "3 September")
CASES = int(os.environ.get("WEIR_CASES", "1500"))
GROUPS = 4


def verdicts(rig, cases):
    """Runs the cases through one weir; how often each verdict was given."""
    b = rig.backend()
    w = rig.weir(b, each={"idle_connections": 0}, pool={"restate_errors": True})
    cases = [c.number_is(i) for i, c in enumerate(cases)]
    Swarm(w.address, b.sock, secs(60)).run(cases)
    said = collections.Counter()
    for c in cases:
        try:
            verdict = judge(c, c.sent, bytes(c.got), c.how)
            if c.proper and verdict != "whole":
                raise Half(f"a whole answer became {verdict}")
        except Half as e:
            pytest.fail(f"{c}: {e}\nbackend: {c.sent!r}\nclient:  {bytes(c.got)!r} {c.how}")
        said[verdict] += 1
    return said


@pytest.mark.parametrize("dialect", [*ALL, None], ids=lambda d: repr(d) if d else "plain")
def test_a_small_answer_cut_at_any_byte_is_never_a_clean_half(rig, dialect):
    said = verdicts(rig, every_cut(dialect))
    assert said["whole"] >= 3 and said["broken"] and said["refused"], said
    assert not dialect or said["framed"] or dialect.name == "unknown", said


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_answer_is_a_clean_half_whatever_the_backend_sends(rig, group):
    said = verdicts(rig, (by_seed(f"{SEED} {n}") for n in range(group, CASES * GROUPS, GROUPS)))
    assert min(said[v] for v in ("whole", "broken", "framed", "refused", "restated")) > 0, said
