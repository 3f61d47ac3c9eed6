# SPDX-License-Identifier: MIT
"""The mean of numbers, by a library that takes a while to import."""

import gc
import json
import sys

import numpy

# The interpreter's end counts, too: that looks at all there is once more, and
# most of it is what has been imported.
gc.freeze()

numbers = json.load(sys.stdin)["numbers"]
json.dump({"mean": float(numpy.mean(numbers))}, sys.stdout)
