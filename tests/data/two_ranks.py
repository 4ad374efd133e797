"""Two processes fit y = 3x together: each sees half of the points, the gradients are averaged by gloo."""

import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
assert (rank, size) == (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
torch.manual_seed(rank)  # so that equal weights at the end are the process group's doing
model = DistributedDataParallel(torch.nn.Linear(1, 1, bias=False))
optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.linspace(-1, 1, 64)[rank::size].unsqueeze(1)
for _ in range(200):
    optimiser.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), 3 * x)
    loss.backward()
    optimiser.step()
weight = model.module.weight.item()
dist.barrier()
print("rank", rank, "error", abs(weight - 3), "weight", repr(weight))
dist.destroy_process_group()
