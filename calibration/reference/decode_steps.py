# Decode steps of full_kv and flexgen, and their parts, through PyTorch on a CUDA GPU: a reference that shares no code
# with the models. Run: python3 decode_steps.py OUT_FOLDER [SECTION...]; writes one CSV per section.
#
# Weights and KV are random bf16. A step is captured as a CUDA graph and replayed; the figure is the median replay.
# Where the caches of all layers do not fit, layers share buffers (column kv_buffers): always more than the L2 holds.
import csv
import ctypes
import math
import os
import statistics
import sys
import time

import torch
import triton

from decode_kernels import BACKENDS, DEVICE, add_norm, rope_append, silu_mul

torch.manual_seed(1)
BF16 = torch.bfloat16

MODELS = {  # layers, hidden, q heads, kv heads, head dim, intermediate, vocabulary, q/k norms
    "qwen3-8b": (36, 4096, 32, 8, 128, 12288, 151936, True),
    "llama-3.1-8b": (32, 4096, 32, 8, 128, 14336, 128256, False),
    "qwen2.5-7b": (28, 3584, 28, 4, 128, 18944, 152064, False),
    "qwen3-14b": (40, 5120, 40, 8, 128, 17408, 151936, True),
    "qwen3-32b": (64, 5120, 64, 8, 128, 25600, 151936, True),
    "mistral-nemo-12b": (40, 5120, 32, 8, 128, 14336, 131072, False),
    "llama-2-7b": (32, 4096, 32, 32, 128, 11008, 32000, False),
    "llama-3.1-70b": (80, 8192, 64, 8, 128, 28672, 128256, False),
}


def captured(work):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        work()
        work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph


def timed(call, least=5, seconds=0.12, wall=False):
    """Median and spread (P90-P10 over median) of a call, in seconds."""
    call()
    torch.cuda.synchronize()
    samples, began = [], time.perf_counter()
    while len(samples) < least or (time.perf_counter() - began < seconds and len(samples) < 200):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        at = time.perf_counter()
        start.record()
        call()
        end.record()
        end.synchronize()
        samples.append(time.perf_counter() - at if wall else start.elapsed_time(end) * 1e-3)
    samples.sort()
    middle = statistics.median(samples)
    return middle, (samples[int(0.9 * (len(samples) - 1))] - samples[int(0.1 * (len(samples) - 1))]) / middle


class Table:
    def __init__(self, name, columns):
        self.file = open(os.path.join(OUT, name + ".csv"), "w", newline="")
        self.writer = csv.writer(self.file)
        self.writer.writerow(columns)

    def row(self, *values):
        self.writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
        self.file.flush()


def ceilings():
    table = Table("ceilings", ["what", "unit", "value", "spread"])
    big = torch.randn(1 << 31, device=DEVICE, dtype=BF16)
    other = torch.empty_like(big)
    t, s = timed(captured(lambda: other.copy_(big)).replay)
    table.row("device copy, read and written", "B/s", 2 * big.nbytes / t, s)
    view = big.view(torch.int32)
    out = torch.empty(4096, device=DEVICE, dtype=torch.int32)
    t, s = timed(captured(lambda: torch.amax(view.view(4096, -1), 1, out=out)).replay)
    table.row("read", "B/s", big.nbytes / t, s)
    t, s = timed(captured(lambda: other.fill_(1.5)).replay)
    table.row("write", "B/s", big.nbytes / t, s)
    del big, other, view
    for n in (2048, 4096, 8192):
        a, b = torch.randn(n, n, device=DEVICE, dtype=BF16), torch.randn(n, n, device=DEVICE, dtype=BF16)
        t, s = timed(captured(lambda: [a @ b for _ in range(4)]).replay)
        table.row(f"matrix product {n}", "FLOP/s", 4 * 2.0 * n**3 / t, s)
    tiny = torch.zeros(8, device=DEVICE)
    for many in (100, 1000):
        graph = captured(lambda: [tiny.add_(1) for _ in range(many)])
        t, s = timed(graph.replay)
        table.row(f"graph of {many} empty kernels, each", "s", t / many, s)
    began = time.perf_counter()
    for _ in range(3000):
        tiny.add_(1)
    table.row("eager launch through PyTorch", "s", (time.perf_counter() - began) / 3000, 0.0)
    one = captured(lambda: tiny.add_(1))
    t, s = timed(one.replay, wall=True)
    table.row("replay of one kernel and synchronise", "s", t, s)


def gemms():
    table = Table("gemms", ["model", "product", "rows", "n", "k", "seconds", "spread"])
    for name, (_, hidden, heads, kv, dim, inner, vocab, _) in MODELS.items():
        if name in ("llama-3.1-8b", "mistral-nemo-12b", "llama-2-7b"):
            continue  # left for the steps to check
        for product, n, k in (("qkv", (heads + 2 * kv) * dim, hidden), ("out", hidden, heads * dim),
                              ("gate_up", 2 * inner, hidden), ("down", hidden, inner), ("head", vocab, hidden)):
            copies = max(2, math.ceil(4e8 / (2 * n * k)))
            weights = [torch.randn(n, k, device=DEVICE, dtype=BF16) for _ in range(copies)]
            for rows in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 2048):
                x = torch.randn(rows, k, device=DEVICE, dtype=BF16)
                out = torch.empty(rows, n, device=DEVICE, dtype=BF16)
                graph = captured(lambda: [torch.mm(x, w.t(), out=out) for w in weights])
                t, s = timed(graph.replay, seconds=0.03)
                table.row(name, product, rows, n, k, t / copies, s)


def attentions():
    table = Table("attentions", ["backend", "q_heads", "kv_heads", "batch", "context", "seconds", "spread", "error"])
    for heads, kv in ((32, 8), (40, 8), (28, 4), (64, 8)):
        for batch in (1, 2, 4, 8, 16, 32, 64, 128):
            for context in (1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072):
                size = 2 * batch * context * kv * 128 * 2
                if size > 30e9 or (context in (2048, 65536) and heads != 40):
                    continue
                copies = max(2, min(40, math.ceil(3e8 / size)))
                q = torch.randn(batch, heads, 128, device=DEVICE, dtype=BF16)
                cache = [[torch.randn(batch, context, kv, 128, device=DEVICE, dtype=BF16) for _ in "kv"]
                         for _ in range(copies)]
                exact = None
                for backend, attend in BACKENDS.items():
                    try:
                        result = attend(q, *cache[0]).float()
                        exact = result if exact is None else exact
                        error = ((result - exact).norm() / exact.norm()).item()
                        graph = captured(lambda: [attend(q, k, v) for k, v in cache])
                        t, s = timed(graph.replay, seconds=0.02)
                        table.row(backend, heads, kv, batch, context, t / copies, s, error)
                    except RuntimeError as reason:
                        table.row(backend, heads, kv, batch, context, "nan", 0.0, str(reason).split("\n")[0][:60])
                del cache


def elementwise():
    table = Table("elementwise", ["what", "rows", "width", "seconds", "spread"])
    for width in (4096, 5120, 8192):
        for rows in (1, 16, 64, 256, 4096):
            x, r, o = (torch.randn(rows, width, device=DEVICE, dtype=BF16) for _ in range(3))
            w = torch.randn(width, device=DEVICE, dtype=BF16)
            block = triton.next_power_of_2(width)
            graph = captured(lambda: [add_norm[(rows,)](x, r, w, o, width, block, num_warps=8) for _ in range(50)])
            t, s = timed(graph.replay, seconds=0.02)
            table.row("add_norm", rows, width, t / 50, s)
            y = torch.randn(rows, 6 * width, device=DEVICE, dtype=BF16)
            z = torch.empty(rows, 3 * width, device=DEVICE, dtype=BF16)
            graph = captured(lambda: [
                silu_mul[(rows, triton.cdiv(3 * width, 1024))](y, z, 3 * width, 1024) for _ in range(50)])
            t, s = timed(graph.replay, seconds=0.02)
            table.row("silu_mul", rows, 3 * width, t / 50, s)


class Decoder:
    """One model's decode step; `stream_kv` copies every layer's KV from pinned memory into one of two buffers."""

    def __init__(self, name, batch, context, stream_kv, budget):
        self.shape = MODELS[name]
        layers, hidden, heads, kv, dim, inner, vocab, _ = self.shape
        self.batch, self.context, self.stream_kv = batch, context, stream_kv
        make = lambda *shape: torch.randn(*shape, device=DEVICE, dtype=BF16) * 0.02
        one_layer = 2 * ((heads + 2 * kv) * dim * hidden + hidden * heads * dim + 3 * inner * hidden)
        self.weight_buffers = min(layers, max(2, int(70e9 / one_layer)))
        self.weights = [(make((heads + 2 * kv) * dim, hidden), make(hidden, heads * dim), make(2 * inner, hidden),
                         make(hidden, inner)) for _ in range(self.weight_buffers)]
        self.head, self.embedding = make(vocab, hidden), make(vocab, hidden)
        self.norm = torch.ones(hidden, device=DEVICE, dtype=BF16)
        self.cos, self.sin = torch.rand(dim // 2, device=DEVICE), torch.rand(dim // 2, device=DEVICE)
        size = 2 * batch * context * kv * dim * 2
        cache = lambda: [torch.randn(batch, context, kv, dim, device=DEVICE, dtype=BF16) for _ in "kv"]
        if stream_kv:
            self.kv_buffers = max(1, min(layers, int(budget / size)))
            self.caches = [cache(), cache()]
            # Ordinary memory, page-locked in place: a pinned allocation would be rounded up to a power of two.
            self.host = []
            for _ in range(self.kv_buffers):
                pair = [torch.empty(batch, context, kv, dim, dtype=BF16) for _ in "kv"]
                for tensor in pair:
                    tensor.view(-1).view(torch.int64)[:: 512].fill_(7)
                    code = torch.cuda.cudart().cudaHostRegister(tensor.data_ptr(), tensor.nbytes, 0)
                    assert int(code) == 0, code
                self.host.append(pair)
            self.new = torch.empty(layers, 2, batch, kv, dim, dtype=BF16).pin_memory()
        else:
            self.kv_buffers = max(1, min(layers, int(budget / size)))
            self.caches = [cache() for _ in range(self.kv_buffers)]
        self.tokens = torch.zeros(batch, device=DEVICE, dtype=torch.int64)
        self.to_host = torch.zeros(batch, dtype=torch.int64).pin_memory()
        self.copies = torch.cuda.Stream()
        self.back = torch.cuda.Stream()

    def close(self):
        if self.stream_kv:
            for pair in self.host:
                for tensor in pair:
                    torch.cuda.cudart().cudaHostUnregister(tensor.data_ptr())

    def step(self, attend):
        layers, hidden, heads, kv, dim, inner, vocab, _ = self.shape
        main = torch.cuda.current_stream()
        residual = torch.nn.functional.embedding(self.tokens, self.embedding)
        x = torch.zeros_like(residual)
        out = torch.empty_like(residual)
        block = triton.next_power_of_2(hidden)
        q = torch.empty(self.batch, heads, dim, device=DEVICE, dtype=BF16)
        small = torch.empty(self.batch, inner, device=DEVICE, dtype=BF16)
        free = [None, None]
        if self.stream_kv:
            self.copies.wait_stream(main)
            self.back.wait_stream(main)
        for layer in range(layers):
            wqkv, wo, wgu, wd = self.weights[layer % self.weight_buffers]
            k, v = self.caches[layer % len(self.caches)]
            if self.stream_kv:
                with torch.cuda.stream(self.copies):
                    if free[layer % 2] is not None:
                        self.copies.wait_event(free[layer % 2])
                    for to, source in zip((k, v), self.host[layer % self.kv_buffers]):
                        to.copy_(source, non_blocking=True)
                    loaded = torch.cuda.Event()
                    loaded.record(self.copies)
            add_norm[(self.batch,)](x, residual, self.norm, out, hidden, block, num_warps=8)
            qkv = torch.mm(out, wqkv.t())
            if self.stream_kv:
                main.wait_event(loaded)  # the new token is appended behind what was loaded
            rope_append[(self.batch, heads + 2 * kv)](qkv, q, k, v, self.cos, self.sin, self.context - 1,
                                                       self.context, heads, kv, dim, num_warps=1)
            if self.stream_kv:
                ready = torch.cuda.Event()
                ready.record(main)
                with torch.cuda.stream(self.back):
                    self.back.wait_event(ready)
                    self.new[layer].view(-1).copy_(qkv[:, heads * dim:].reshape(-1), non_blocking=True)
            attended = attend(q, k, v)
            if self.stream_kv:
                free[layer % 2] = torch.cuda.Event()
                free[layer % 2].record(main)
            x = torch.mm(attended.view(self.batch, heads * dim), wo.t())
            add_norm[(self.batch,)](x, residual, self.norm, out, hidden, block, num_warps=8)
            wide = torch.mm(out, wgu.t())
            silu_mul[(self.batch, triton.cdiv(inner, 1024))](wide, small, inner, 1024)
            x = torch.mm(small, wd.t())
        add_norm[(self.batch,)](x, residual, self.norm, out, hidden, block, num_warps=8)
        logits = torch.mm(out, self.head.t())
        self.to_host.copy_(torch.argmax(logits, -1), non_blocking=True)
        if self.stream_kv:
            main.wait_stream(self.copies)
            main.wait_stream(self.back)


def steps(stream_kv, points, name):
    table = Table(name, ["model", "batch", "context", "attention", "kv_buffers", "weight_buffers", "seconds",
                         "wall_seconds", "spread"])
    for model, batch, context in points:
        try:
            decoder = Decoder(model, batch, context, stream_kv, 24e9 if stream_kv else 45e9)
            for backend in ("cudnn",) if stream_kv else ("cudnn", "triton"):
                graph = captured(lambda: decoder.step(BACKENDS[backend]))
                t, s = timed(graph.replay, seconds=0.2)
                w, _ = timed(graph.replay, seconds=0.1, wall=True)
                table.row(model, batch, context, backend, decoder.kv_buffers, decoder.weight_buffers, t, w, s)
                del graph
            decoder.close()
            del decoder
        except (RuntimeError, AssertionError) as reason:
            table.row(model, batch, context, str(reason).split("\n")[0][:80], 0, 0, "nan", "nan", 0.0)
        torch.cuda.empty_cache()


def interference():
    table = Table("interference", ["kernel", "copy", "kernel_seconds", "with_copy_seconds", "copy_rate_alone",
                                   "copy_rate_together"])
    big = torch.randn(1 << 30, device=DEVICE, dtype=BF16)
    out = torch.empty(4096, device=DEVICE, dtype=torch.int32)
    other = torch.empty_like(big)
    n = 8192
    a, b = torch.randn(n, n, device=DEVICE, dtype=BF16), torch.randn(n, n, device=DEVICE, dtype=BF16)
    kernels = {"read": lambda: torch.amax(big.view(torch.int32).view(4096, -1), 1, out=out),
               "copy": lambda: other.copy_(big), "product": lambda: a @ b}
    host = torch.empty(1 << 28, dtype=torch.int8).pin_memory()
    up, down = (torch.empty(1 << 28, device=DEVICE, dtype=torch.int8) for _ in range(2))
    host2 = torch.empty(1 << 28, dtype=torch.int8).pin_memory()
    streams = [torch.cuda.Stream(), torch.cuda.Stream()]
    copies = {"h2d": ((0, up, host),), "d2h": ((1, host2, down),), "both": ((0, up, host), (1, host2, down))}
    for name, kernel in kernels.items():
        graph = captured(lambda: [kernel() for _ in range(8)])
        alone, _ = timed(graph.replay)
        for which, parts in copies.items():
            def issue(times):
                for index, to, source in parts:
                    with torch.cuda.stream(streams[index]):
                        for _ in range(times):
                            to.copy_(source, non_blocking=True)
            torch.cuda.synchronize(); began = time.perf_counter(); issue(20); torch.cuda.synchronize()
            rate_alone = len(parts) * 20 * host.nbytes / (time.perf_counter() - began)
            replays = max(4, int(0.08 / alone))
            torch.cuda.synchronize()
            began = time.perf_counter()
            issue(60)
            time.sleep(0.005)
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for _ in range(replays):
                graph.replay()
            end.record(); end.synchronize()
            together = start.elapsed_time(end) * 1e-3 / replays
            still = not all(s.query() for s in streams)
            # The copies' rate beside kernels: as many kernels as outlast a few copies.
            for s in streams:
                s.synchronize()
            for _ in range(int(0.3 / together) + 1):
                graph.replay()
            time.sleep(0.005)
            began = time.perf_counter(); issue(8)
            for s in streams:
                s.synchronize()
            rate_together = len(parts) * 8 * host.nbytes / (time.perf_counter() - began)
            torch.cuda.synchronize()
            label = which if still else which + " (ended early)"
            table.row(name, label, alone / 8, together / 8, rate_alone, rate_together)


def transfers():
    """One copy call per fragment, `count` calls on one stream, or on two where both directions run."""
    table = Table("transfers", ["direction", "fragment", "count", "seconds", "spread"])
    lib = ctypes.CDLL("libcudart.so." + torch.version.cuda.split(".")[0])
    total = 1 << 29
    host = torch.empty(total, dtype=torch.int8).pin_memory()
    device = torch.empty(total, device=DEVICE, dtype=torch.int8)
    stream = torch.cuda.Stream()
    handle = ctypes.c_void_p(stream.cuda_stream)
    gate = torch.cuda.Event
    spin = lambda: torch.cuda._sleep(20_000_000)
    for direction, kind in (("h2d", 1), ("d2h", 2)):
        for log in range(10, 30):
            for count in (1, 2, 8, 64, 512):
                fragment = 1 << log
                if fragment * count > total or (fragment >= 1 << 26 and count > 4):
                    continue
                to, source = (device, host) if kind == 1 else (host, device)
                at = [i * fragment for i in range(count)]
                calls = [(ctypes.c_void_p(to.data_ptr() + a), ctypes.c_void_p(source.data_ptr() + a)) for a in at]
                samples = []
                for _ in range(7):
                    with torch.cuda.stream(stream):
                        if count <= 512:
                            spin()
                        start, end = gate(enable_timing=True), gate(enable_timing=True)
                        start.record(stream)
                        for a, b in calls:
                            lib.cudaMemcpyAsync(a, b, ctypes.c_size_t(fragment), kind, handle)
                        end.record(stream)
                    end.synchronize()
                    samples.append(start.elapsed_time(end) * 1e-3)
                samples.sort()
                table.row(direction, fragment, count, samples[3], (samples[5] - samples[1]) / samples[3])


FULL_MODELS = ("qwen3-8b", "qwen3-14b", "llama-3.1-8b", "qwen2.5-7b", "qwen3-32b", "mistral-nemo-12b", "llama-2-7b")
FULL = [(m, b, c) for m in FULL_MODELS for b in (1, 2, 4, 8, 16, 32, 64) for c in (4096, 8192, 16384, 32768)]
FLEX = [(m, b, c) for m in ("qwen3-8b", "qwen3-14b", "llama-3.1-8b", "qwen2.5-7b")
        for b, c in ((1, 4096), (1, 8192), (1, 32768), (4, 4096), (4, 16384), (16, 4096), (16, 16384), (64, 4096),
                     (64, 8192))]
SECTIONS = {
    "ceilings": ceilings,
    "gemms": gemms,
    "attentions": attentions,
    "elementwise": elementwise,
    "interference": interference,
    "transfers": transfers,
    "full_kv": lambda: steps(False, FULL, "full_kv"),
    "flexgen": lambda: steps(True, FLEX, "flexgen"),
}

if __name__ == "__main__":
    OUT = sys.argv[1]
    os.makedirs(OUT, exist_ok=True)
    for section in sys.argv[2:] or SECTIONS:
        began = time.perf_counter()
        try:
            SECTIONS[section]()
        except Exception as reason:  # a section that fails leaves the others their time
            print(f"{section}: failed: {reason!r}", flush=True)
        torch.cuda.empty_cache()
        print(f"{section}: {time.perf_counter() - began:.1f} s", flush=True)
    print(torch.cuda.get_device_name(), torch.__version__, torch.version.cuda, flush=True)
