"""``./dev bench exams [module...] [--quick]``."""

import sys

import bench.exams
from bench.running import main

if __name__ == "__main__":
    sys.exit(main(bench.exams))
