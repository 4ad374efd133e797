"""`python -m workbench.server`: what a client starts on demand."""

import sys

from workbench.server.main import main

sys.exit(main())
