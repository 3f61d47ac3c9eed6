# SPDX-License-Identifier: MIT
"""Counts words, as a small script does: the input first, and all of it."""

import json
import sys

text = json.load(sys.stdin)["text"]
json.dump({"words": len(text.split())}, sys.stdout)
