"""Quantiles of the standard normal as CPython computes them. python make_normal.py > normal.json"""
import json
import platform
import statistics

ps = [2.0**-k for k in range(1, 60, 3)] + [(2 * i + 1) / 200 for i in range(100)] + [1 - 2.0**-k for k in range(2, 50, 3)]
standard = statistics.NormalDist()
print(json.dumps({"python": platform.python_version(), "p": ps, "x": [standard.inv_cdf(p) for p in ps]}))
