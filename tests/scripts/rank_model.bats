#!/usr/bin/env bats
# The cost model of bench/scale against numbers it must give back.

python() {
    (cd "$BATS_TEST_DIRNAME/../../bench" && /usr/bin/python3 -B -)
}

@test "latency and bandwidth are found again in sums made of them" {
    python <<'END'
from rank_model import fit_message, sum_seconds
samples = [(ranks, n, sum_seconds(ranks, n, 3e-6, 5e9))
           for ranks in (2, 4) for n in (1024, 65536, 1 << 22)]
latency, bandwidth = fit_message(samples)
assert abs(latency / 3e-6 - 1) < 1e-6 and abs(bandwidth / 5e9 - 1) < 1e-6
END
}

@test "the measured steps of one and two ranks come out; more ranks never beat their number" {
    python <<'END'
from rank_model import NETWORKS, Step
sizes = {"dense_bytes": 160e3, "row_bytes": 350e3, "wide_bytes": 60e3}
message = (2e-6, 4e9)
step = Step(sizes, 0.020, 0.0115, message)
assert abs(step.seconds(1, 1, message) - 0.020) < 1e-12
assert abs(step.seconds(2, 1, message) - 0.0115) < 1e-12
for network in NETWORKS.values():
    last = 0
    for ranks in (2, 4, 8, 16, 32, 64):
        assert 0.020 / step.seconds(ranks, 1, network) < ranks
        assert step.exchange(ranks, 1, *network) > last
        last = step.exchange(ranks, 1, *network)
    assert step.seconds(64, 1, network) > step.serial
END
}

@test "steps that do not gain from a second rank are all serial" {
    python <<'END'
from rank_model import Step
step = Step({"dense_bytes": 1, "row_bytes": 1, "wide_bytes": 1}, 0.02, 0.03, (1e-6, 1e9))
assert step.compute == 0 and step.serial == 0.02
END
}
