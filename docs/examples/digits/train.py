"""Train a small neural network on handwritten digits with the standard library alone.

    python train.py --lr 0.05 --hidden 32 --epochs 40

Any Python from 3.6 on. The same options give the same numbers on the same Python.
"""

import argparse
import csv
import gzip
import json
import math
import os
import random
import time
from operator import mul

from workbench import Run

HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES = 10
LOG_EVERY = 10  # steps between two points of the loss


def load(path):
    """Images as lists of 64 numbers from 0 to 1, each with its digit."""
    with gzip.open(path, "rt") as stream:
        rows = csv.reader(stream)
        next(rows)
        return [([int(value) / 16.0 for value in row[1:]], int(row[0])) for row in rows]


def split(samples, seed):
    """Four fifths to train on, the rest to judge by."""
    samples = list(samples)
    random.Random(seed).shuffle(samples)
    cut = len(samples) * 4 // 5
    return samples[:cut], samples[cut:]


class Network:
    """One hidden layer of rectified units and a softmax; a row of weights a unit, its last one the bias."""

    def __init__(self, inputs, hidden, seed):
        draw = random.Random(seed)
        self.first = self._layer(draw, hidden, inputs)
        self.second = self._layer(draw, CLASSES, hidden)

    @staticmethod
    def _layer(draw, units, inputs):
        spread = math.sqrt(2.0 / inputs)
        return [[draw.gauss(0.0, spread) for _ in range(inputs)] + [0.0] for _ in range(units)]

    def forward(self, image):
        """(values of the hidden units, probability of each digit), each list of values ends with a 1."""
        image = image + [1.0]
        hidden = [max(0.0, sum(map(mul, row, image))) for row in self.first] + [1.0]
        scores = [sum(map(mul, row, hidden)) for row in self.second]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return hidden, [power / total for power in powers]

    def step(self, batch, lr):
        """One step of gradient descent on a batch; the mean loss before it."""
        loss = 0.0
        gradient1 = [[0.0] * len(row) for row in self.first]
        gradient2 = [[0.0] * len(row) for row in self.second]
        for image, digit in batch:
            hidden, chances = self.forward(image)
            loss -= math.log(max(chances[digit], 1e-12))
            errors = list(chances)
            errors[digit] -= 1.0
            back = [0.0] * len(self.first)
            for unit, error in enumerate(errors):
                add(gradient2, unit, error, hidden)
                back = [b + error * w for b, w in zip(back, self.second[unit])]
            for unit, error in enumerate(back):
                if hidden[unit] > 0.0:
                    add(gradient1, unit, error, image + [1.0])
        rate = -lr / len(batch)
        for layer, gradient in ((self.first, gradient1), (self.second, gradient2)):
            for unit, row in enumerate(gradient):
                add(layer, unit, rate, row)
        return loss / len(batch)

    def accuracy(self, samples):
        """The share of samples whose likeliest digit is the right one."""
        right = 0
        for image, digit in samples:
            chances = self.forward(image)[1]
            right += chances.index(max(chances)) == digit
        return right / float(len(samples))


def add(rows, index, factor, values):
    """Add factor times values to one row."""
    rows[index] = [old + factor * value for old, value in zip(rows[index], values)]


def train(options, run):
    """Train, log and print; the network and its accuracy after each epoch."""
    training, validation = split(load(os.path.join(HERE, "digits.csv.gz")), options.seed)
    network = Network(64, options.hidden, options.seed)
    shuffled = random.Random(options.seed + 1)
    print("training on %d images, judging by %d" % (len(training), len(validation)), flush=True)
    step, history, begun = 0, [], time.time()
    for epoch in range(1, options.epochs + 1):
        shuffled.shuffle(training)
        for start in range(0, len(training), options.batch):
            loss = network.step(training[start : start + options.batch], options.lr)
            if step % LOG_EVERY == 0:
                run.log("loss", loss, step=step)
            step += 1
        history.append(network.accuracy(validation))
        run.log("val_accuracy", history[-1], step=epoch)
        words = "epoch %2d/%d  loss %.4f  val_accuracy %.4f  %.1f s"
        print(words % (epoch, options.epochs, loss, history[-1], time.time() - begun), flush=True)
    return network, history


def write_outputs(options, network, history):
    """outputs/ is what a run keeps: the model, and a report for people."""
    os.makedirs("outputs", exist_ok=True)
    with open(os.path.join("outputs", "model.json"), "w") as stream:
        json.dump({"options": vars(options), "first": network.first, "second": network.second}, stream)
    with open(os.path.join("outputs", "report.txt"), "w") as stream:
        for name, value in sorted(vars(options).items()):
            stream.write("%s: %s\n" % (name, value))
        for epoch, accuracy in enumerate(history, 1):
            stream.write("after epoch %d: %.4f\n" % (epoch, accuracy))


def positive(text):
    """A whole number over 0, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main():
    """Read the options, train, and keep what came of it."""
    parser = argparse.ArgumentParser(description="train a small network on handwritten digits")
    parser.add_argument("--lr", type=float, default=0.05, help="learning rate")
    parser.add_argument("--epochs", type=positive, default=40)
    parser.add_argument("--hidden", type=positive, default=32, help="units of the hidden layer")
    parser.add_argument("--batch", type=positive, default=16, help="images a step")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = Run.get_context()
    run.log_params(vars(options))
    network, history = train(options, run)
    write_outputs(options, network, history)
    print("done: %.4f after %d epochs, best %.4f" % (history[-1], options.epochs, max(history)))


if __name__ == "__main__":
    main()
