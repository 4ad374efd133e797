"""What a model that is there gets right of the rows kept apart."""

import sys
from pathlib import Path

import joblib
import numpy

apart = numpy.load(Path(sys.argv[2]) / "apart.npz")
print(repr(float(joblib.load(Path(sys.argv[1]) / "svc.joblib").score(apart["images"], apart["labels"]))))
