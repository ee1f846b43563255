"""``./dev bench labs [module...] [--quick]``."""

import sys

import bench.labs
from bench.running import main

if __name__ == "__main__":
    sys.exit(main(bench.labs))
