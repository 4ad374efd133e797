"""A classifier of digits: a support vector machine on the first so many rows."""

import sys
from pathlib import Path

import joblib
import numpy
import sklearn
from sklearn.svm import SVC

from workbench import Run

data, rows = Path(sys.argv[sys.argv.index("--data") + 1]), int(sys.argv[sys.argv.index("--rows") + 1])
run = Run.get_context()
learn, apart = numpy.load(data / "learn.npz"), numpy.load(data / "apart.npz")
model = SVC(gamma=0.001).fit(learn["images"][:rows], learn["labels"][:rows])
accuracy = model.score(apart["images"], apart["labels"])
run.log("acc", accuracy)
Path("outputs/model").mkdir(parents=True)
joblib.dump(model, "outputs/model/svc.joblib")
print("scikit-learn", sklearn.__version__, "acc", repr(accuracy))
