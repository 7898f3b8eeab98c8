"""One system in a process of its own: reads commands from `peers.py`, one JSON object a line, and answers likewise.

    {"do": "prepare", "workload": NAME, "case": CASE, "save": FILE}   build it, call it three times, save the results
    {"do": "time", "calls": N}                          make N calls; answer the CPU and the wall seconds
"""

import importlib
import json
import os
import sys
import time

import numpy as np


def prepare(system, command):
    workload = importlib.import_module(f"workloads.{command['workload']}")
    case = command["case"]
    run = getattr(workload, system)(**(workload.inputs(case) if case else workload.inputs()))
    results = [[np.array(value) for value in run()] for _ in range(3)]
    np.savez(command["save"], **{f"{n}_{k}": v for n, call in enumerate(results) for k, v in enumerate(call)})
    return run


def main():
    system, threads = sys.argv[1], int(sys.argv[2])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not mix with the answers
    if system == "torch":
        import torch

        torch.set_num_threads(threads)
    if system == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    run = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["do"] == "prepare":
                run = prepare(system, command)
                reply = {}
            else:
                wall, cpu = time.perf_counter(), time.process_time()
                for _ in range(command["calls"]):
                    run()
                reply = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        print(json.dumps(reply), file=answer, flush=True)


main()
