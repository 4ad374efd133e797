"""`python -m tests.bench [NAME ...] [--write]`: run the benchmarks, print their table."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.report import FAILED, collect, markdown, plain_table

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"


def main() -> None:
    """Run all benchmarks, or those named (bench_ may be left out); --write renews docs/benchmarks.md."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(known)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md (runs all)")
    parser.add_argument("--note", default="", help="a sentence for the page: what else the machine did")
    parser.add_argument("--full", action="store_true", help="the long forms: a 1 GB tree, a 500 MB stream")
    options = parser.parse_args()
    if options.full:
        os.environ["WORKBENCH_BENCH_FULL"] = "1"
    names = [name.removeprefix("bench_") for name in options.names] or known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"no benchmark called {', '.join(unknown)}; there are {', '.join(known)}")
    if options.write and options.names:
        parser.error("--write needs all benchmarks, since it writes the whole page")
    rows = collect(f"tests.bench.bench_{name}" for name in names)
    sys.stdout.write(plain_table(rows))
    if options.write:
        PAGE.write_text(markdown(rows, datetime.now(UTC).date(), options.note), encoding="utf-8")
        sys.stderr.write(f"wrote {PAGE}\n")
    if any(row.reference.startswith(FAILED) for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
