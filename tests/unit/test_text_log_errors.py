from __future__ import annotations

import pytest

from workbench.text.log_errors import SIGNS, is_error

BROKEN = """\
Traceback (most recent call last):
RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB
torch.cuda.OutOfMemoryError: CUDA out of memory.
[rank0]: ValueError: shapes do not fit
KeyboardInterruptError
[rank0]: Traceback (most recent call last):
2026-11-01 12:00:00,123 ERROR trainer: cannot read batch 7
[2026-11-01 12:00:00] [ERROR] cannot read
ERROR: no such dataset
CRITICAL:root:the end
main.c:12:5: error: expected ';'
error: could not compile
fatal: not a git repository
Killed
/bin/sh: line 1: 12345 Killed                  python train.py
Segmentation fault (core dumped)
terminate called after throwing an instance of 'c10::Error'
thread 'main' panicked at src/main.rs:3:5
panic: runtime error: index out of range
OSError: [Errno 28] No space left on device
bash: nvidia-smi: command not found
Exception in thread "main" java.lang.NullPointerException
NCCL error in: ProcessGroupNCCL.cpp:1234, unhandled system error
slurmstepd: error: Detected 1 oom-kill event(s)
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
""".splitlines()

FINE = """\
epoch 3 loss 0.12 error 0.03
mean error: 0.25
Mean Absolute Error: 0.4312
validation error=0.1 train error=0.05
0 errors, 2 warnings
Error rate: 0.12
error: 0.5
no error
Killed 3 zombies in level 2
MeanSquaredError 0.5 at step 3
using loss MeanSquaredError: 0.031
ErrorBoundary enabled
ERROR 0
panic button disabled
wrote errors.txt
downloading exceptions.json
""".splitlines()


@pytest.mark.parametrize("line", BROKEN)
def test_lines_that_tell_of_an_error(line: str) -> None:
    assert is_error(line)
    assert any(sign in line.encode() for sign in SIGNS), "the cheap look would pass it over"


@pytest.mark.parametrize("line", FINE)
def test_lines_that_do_not(line: str) -> None:
    assert not is_error(line)
