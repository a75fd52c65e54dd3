"""How long a producer waits for `import campaigns`, in a fresh interpreter."""

import os
import subprocess
import sys

from tests.benchmarks.figures import Figure, Part, median
from tests.benchmarks.ground import ROOT, Ground
from tests.benchmarks.site import Say
from tests.benchmarks.sizes import Size

CODE = "import time; began = time.perf_counter(); import campaigns; print(time.perf_counter() - began)"


def run(ground: Ground, size: Size, say: Say) -> Part:
    """`import campaigns`, seconds, in a fresh interpreter whose files the machine has read before."""
    say("import campaigns")
    seconds = [_once(ground) for _ in range(2 + 4 * size.turns)][1:]
    figure = Figure(name=f"import campaigns, seconds, median of {len(seconds)}", measured=median(seconds), at_most=0.4)
    return Part(figures=[figure], details={"seconds": seconds})


def _once(ground: Ground) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, cwd=ground.folder, capture_output=True, check=True
    )
    return float(done.stdout)
