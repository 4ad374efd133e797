"""`python -m tests.terminal.serving PORT COMMAND`: a program of the terminal in browsers of this machine."""

from __future__ import annotations

import sys

from textual_serve.server import Server

if __name__ == "__main__":
    Server(sys.argv[2], host="127.0.0.1", port=int(sys.argv[1])).serve()
