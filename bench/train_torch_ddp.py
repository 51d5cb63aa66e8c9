#!/usr/bin/python3
"""PyTorch's DistributedDataParallel over gloo on the model of train_torch.py: bench/scale's other
side.

    bench/train_torch_ddp.py CONFIG [--ranks 2] [--steps N] [--warmup N]

Every rank takes its share of each batch, one thread a rank, texts of like length together; prints
tokens/s of clock time, all ranks together, as a JSON object.
"""
import argparse
import json
import os
import random
import socket
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from train_torch import Model, Trainer, batches_of, collate, load_config, load_encoded, n_features


class Loss(nn.Module):
    """DDP reduces what `forward` reaches."""

    def __init__(self, model, smoothing):
        super().__init__()
        self.model, self.smoothing = model, smoothing

    def forward(self, batch):
        loss = F.cross_entropy(self.model.deep(batch), batch["label"],
                               label_smoothing=self.smoothing)
        if self.model.wide:
            loss = loss + F.cross_entropy(self.model.wide_logits(batch), batch["label"])
        return loss


def step(trainer, loss):
    for optimizer in trainer.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["full_lr"] * trainer.factor()
    value = loss()
    for optimizer in trainer.optimizers:
        optimizer.zero_grad(set_to_none=True)
    value.backward()
    nn.utils.clip_grad_norm_(trainer.dense, trainer.train["clip_norm"])
    for optimizer in trainer.optimizers:
        optimizer.step()
    trainer.done += 1


def run(rank, ranks, port, config, options):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) >= ranks:
        os.sched_setaffinity(0, {cores[rank]})
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank,
                            world_size=ranks)
    encoder, examples, _ = load_encoded(config)
    model = Model(config, encoder.vocab_size, len(encoder.labels), n_features(config, encoder))
    trainer = Trainer(config, model, 10 * options.steps)
    loss = DistributedDataParallel(Loss(model, config["train"]["label_smoothing"]))
    chosen = batches_of(examples, config["train"]["batch_size"], "bucketed", random.Random(1))
    chosen = chosen[:options.warmup + options.steps]
    words = [sum(len(e[0]) for e in batch) for batch in chosen]
    shares = [collate(batch[rank::ranks], encoder, False) for batch in chosen
              if len(batch) >= ranks]
    model.train()
    for i, share in enumerate(shares):
        if i == options.warmup:
            dist.barrier()
            began = time.perf_counter()
        step(trainer, lambda: loss(share))
    dist.barrier()
    took = time.perf_counter() - began
    if rank == 0:
        print(json.dumps({"ranks": ranks, "wall_s": took,
                          "tokens_per_s": sum(words[options.warmup:]) / took}), flush=True)
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("config")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=3)
    options = parser.parse_args()
    config = load_config(options.config)
    load_encoded(config)  # once, before all ranks want it
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    mp.spawn(run, args=(options.ranks, port, config, options), nprocs=options.ranks)


if __name__ == "__main__":
    main()
