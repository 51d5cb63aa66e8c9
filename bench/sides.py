"""Running the sides of a comparison: one process at a time, on one core, one thread, with
the peak of its memory. Used by the other programs of this folder, not run by itself.
"""
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile

from recipe_data import ROOT

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PROGRAM = os.path.relpath(os.path.abspath(sys.argv[0]), ROOT)


def fail(message, hint):
    print(f"{PROGRAM}: error: {message}\n  hint: {hint}", file=sys.stderr)
    sys.exit(1)


class SideFailed(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def run_side(command, core):
    """The JSON object in the last line that `command` prints, and `peak_mb` of its RSS."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(["taskset", "-c", str(core)] + command, cwd=ROOT,
                                   text=True, stdout=subprocess.PIPE, stderr=errors,
                                   env={**os.environ, **ONE_THREAD})
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise SideFailed(process.returncode, errors.read().strip())
    result = json.loads(out.strip().splitlines()[-1])
    result["peak_mb"] = usage.ru_maxrss / 1024
    return result


def run_rounds(sides, rounds, core):
    """{name: [result of each round]} of [(name, command)], in turns, so that a slow minute
    of the machine hits all of them."""
    results = {name: [] for name, _ in sides}
    for number in range(rounds):
        for name, command in sides:
            try:
                results[name].append(run_side(command, core))
            except (OSError, SideFailed, ValueError, IndexError) as error:
                fail(f"{name}: {error}", f"the command was: {shlex.join(command)}")
            print(f"round {number + 1}: {name}: {results[name][-1]['tokens_per_s']:,.0f} "
                  "tokens/s", file=sys.stderr)
    return results


def median(results, key):
    return statistics.median(result[key] for result in results)


def processor():
    with open("/proc/cpuinfo") as file:
        lines = file.read().splitlines()
    name = next((l.split(":", 1)[1].strip() for l in lines if l.startswith("model name")), "?")
    flags = next((l for l in lines if l.startswith("flags")), "")
    vectors = "AVX-512" if " avx512f" in flags else "AVX2" if " avx2" in flags else "no AVX2"
    return f"{name}, {vectors}"
