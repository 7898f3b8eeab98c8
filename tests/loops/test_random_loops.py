"""Random loops against the same loops written out: values, first and second derivatives."""

import numpy as np
import pytest

import theano
import theano.tensor as tt


def random_loop(seed):
    """(build by scan, build by hand, values): a loop with random taps, states, lengths and direction."""
    rng = np.random.RandomState(seed)
    steps = int(rng.randint(1, 6))
    backwards = bool(rng.randint(2))
    seq_taps = [sorted(rng.choice(range(-2, 3), rng.randint(1, 3), replace=False)) for _ in range(rng.randint(0, 3))]
    state_taps = [sorted(rng.choice(range(-3, 0), rng.randint(1, 4), replace=False)) for _ in range(rng.randint(1, 3))]
    traced = int(rng.randint(0, 2))
    shape = (2,) if rng.randint(2) else ()
    spans = [max(0, *taps, 0) - min(0, *taps, 0) for taps in seq_taps]
    values = [rng.uniform(-1, 1, (steps + span, *shape)) for span in spans]
    values += [rng.uniform(-1, 1, (-min(taps), *shape)) for taps in state_taps]
    values.append(rng.uniform(-1, 1, shape))
    count = sum(map(len, seq_taps)) + sum(map(len, state_taps))
    mixes = rng.uniform(-1, 1, (len(state_taps) + traced, count))

    def step(*seen):
        *seen, w = seen
        return [tt.tanh(sum(float(c) * v for c, v in zip(mix, seen)) * w + float(mix[0])) for mix in mixes]

    def by_scan(*variables):
        sequences = [{"input": v, "taps": [int(t) for t in taps]} for v, taps in zip(variables, seq_taps)]
        initials = variables[len(seq_taps) : -1]
        info = [
            tt.squeeze(v[0]) if taps == [-1] else {"initial": v, "taps": [int(t) for t in taps]}
            for v, taps in zip(initials, state_taps)
        ]
        out, _ = theano.scan(
            step, sequences, [*info, *[None] * traced], variables[-1], n_steps=theano.shared(np.array(steps)),
            go_backwards=backwards, return_list=True,
        )  # fmt: skip
        return out

    def by_hand(*variables):
        history = [[v[k] for k in range(-min(taps))] for v, taps in zip(variables[len(seq_taps) : -1], state_taps)]
        results = [[] for _ in mixes]
        for t in range(steps - 1, -1, -1) if backwards else range(steps):
            seen = [v[t + tap - min(0, *taps, 0)] for v, taps in zip(variables, seq_taps) for tap in taps]
            seen += [rows[tap] for rows, taps in zip(history, state_taps) for tap in taps]
            new = step(*seen, variables[-1])
            for rows, value in zip(history, new):
                rows.append(value)
            for rows, value in zip(results, new):
                rows.append(value)
        return [tt.stack(rows) for rows in results]

    return by_scan, by_hand, values


@pytest.mark.parametrize("seed", range(40))
def test_equals_the_loop_written_out(seed):
    by_scan, by_hand, values = random_loop(seed)
    variables = [tt.TensorType("float64", (None,) * v.ndim)() for v in values]
    results = []
    for build in (by_scan, by_hand):
        outputs = build(*variables)
        cost = sum((k + 1) * (out * tt.sin(out)).sum() for k, out in enumerate(outputs))
        first = theano.grad(cost, variables, disconnected_inputs="ignore")
        second = theano.grad(sum((g**2).sum() for g in first), variables, disconnected_inputs="ignore")
        results.append([*outputs, *first, *second])
    mode = ("FAST_RUN", "reference")[seed % 2]
    mine = theano.function(variables, results[0], mode=mode, on_unused_input="ignore")(*values)
    truth = theano.function(variables, results[1], mode="reference", on_unused_input="ignore")(*values)
    for got, want in zip(mine, truth):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)
