# The GPU kernels of decode_steps.py that PyTorch has no fused form of, and the attention backends it compares.
import math

import torch
import triton
import triton.language as tl

DEVICE = "cuda"


@triton.jit
def add_norm(x, residual, weight, out, width: tl.constexpr, block: tl.constexpr):
    row = tl.program_id(0)
    column = tl.arange(0, block)
    keep = column < width
    value = tl.load(x + row * width + column, keep, 0.0).to(tl.float32)
    value += tl.load(residual + row * width + column, keep, 0.0).to(tl.float32)
    tl.store(residual + row * width + column, value, keep)
    scale = tl.rsqrt(tl.sum(value * value) / width + 1e-6)
    tl.store(out + row * width + column, value * scale * tl.load(weight + column, keep, 0.0), keep)


# One program per (sequence, head): norm, rotation, and the new K and V into the cache.
@triton.jit
def rope_append(qkv, q_out, k_cache, v_cache, cosine, sine, slot, tokens, heads: tl.constexpr, kv: tl.constexpr,
                 dim: tl.constexpr):
    sequence, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    half = tl.arange(0, dim // 2)
    row = qkv + (sequence * (heads + 2 * kv) + head) * dim
    first = tl.load(row + half).to(tl.float32)
    second = tl.load(row + dim // 2 + half).to(tl.float32)
    if head < heads + kv:
        scale = tl.rsqrt(tl.sum(first * first + second * second) / dim + 1e-6)
        c, s = tl.load(cosine + half), tl.load(sine + half)
        a, b = first * scale, second * scale
        first, second = a * c - b * s, b * c + a * s
    if head < heads:
        out = q_out + (sequence * heads + head) * dim
    elif head < heads + kv:
        out = k_cache + ((sequence * tokens + slot) * kv + head - heads) * dim
    else:
        out = v_cache + ((sequence * tokens + slot) * kv + head - heads - kv) * dim
    tl.store(out + half, first)
    tl.store(out + dim // 2 + half, second)


@triton.jit
def silu_mul(x, out, width, block: tl.constexpr):
    row = tl.program_id(0)
    column = tl.program_id(1) * block + tl.arange(0, block)
    keep = column < width
    gate = tl.load(x + row * 2 * width + column, keep, 0.0).to(tl.float32)
    up = tl.load(x + row * 2 * width + width + column, keep, 0.0).to(tl.float32)
    tl.store(out + row * width + column, gate * tl.sigmoid(gate) * up, keep)


# Split-KV decode attention with grouped heads: partial results of `splits` parts of the context.
@triton.jit
def _attend_part(q, k, v, part, lse, tokens, chunk, scale, heads: tl.constexpr, kv: tl.constexpr, dim: tl.constexpr,
                 group: tl.constexpr, rows: tl.constexpr, block: tl.constexpr, splits):
    sequence, head, split = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    r, d, t = tl.arange(0, rows), tl.arange(0, dim), tl.arange(0, block)
    keep = r < group
    query = tl.load(q + (sequence * heads + head * group + r)[:, None] * dim + d[None, :], keep[:, None], 0.0)
    best = tl.full([rows], float("-inf"), tl.float32)
    total = tl.zeros([rows], tl.float32)
    sums = tl.zeros([rows, dim], tl.float32)
    begin = split * chunk
    end = tl.minimum(begin + chunk, tokens)
    base = sequence * tokens
    for at in range(begin, end, block):
        inside = at + t < end
        offset = ((base + at + t) * kv + head)[:, None] * dim + d[None, :]
        key = tl.load(k + offset, inside[:, None], 0.0)
        score = tl.where(inside[None, :], tl.dot(query, tl.trans(key)) * scale, float("-inf"))
        new = tl.maximum(best, tl.max(score, 1))
        weight = tl.exp(score - new[:, None])
        shrink = tl.exp(best - new)
        total = total * shrink + tl.sum(weight, 1)
        value = tl.load(v + offset, inside[:, None], 0.0)
        sums = sums * shrink[:, None] + tl.dot(weight.to(tl.bfloat16), value)
        best = new
    row = (sequence * heads + head * group + r) * splits + split
    tl.store(part + row[:, None] * dim + d[None, :], sums / total[:, None], keep[:, None])
    tl.store(lse + row, best + tl.log(total), keep)


@triton.jit
def _merge_parts(part, lse, out, splits, most: tl.constexpr, dim: tl.constexpr):
    row = tl.program_id(0)
    s, d = tl.arange(0, most), tl.arange(0, dim)
    keep = s < splits
    value = tl.load(lse + row * splits + s, keep, float("-inf"))
    weight = tl.exp(value - tl.max(value))
    weight = weight / tl.sum(weight)
    rows = tl.load(part + (row * splits + s)[:, None] * dim + d[None, :], keep[:, None], 0.0)
    tl.store(out + row * dim + d, tl.sum(rows * weight[:, None], 0))


def attend_triton(q, k, v):
    batch, heads, dim = q.shape
    tokens, kv = k.shape[1], k.shape[2]
    block = 64
    splits = max(1, min(128, math.ceil(264 / (batch * kv)), math.ceil(tokens / 128)))
    chunk = math.ceil(tokens / splits / block) * block
    splits = math.ceil(tokens / chunk)
    part = torch.empty(batch, heads, splits, dim, device=DEVICE, dtype=torch.float32)
    lse = torch.empty(batch, heads, splits, device=DEVICE, dtype=torch.float32)
    out = torch.empty_like(q)
    _attend_part[(batch, kv, splits)](q, k, v, part, lse, tokens, chunk, dim**-0.5, heads, kv, dim, heads // kv, 16,
                                      block, splits, num_warps=4, num_stages=3)
    _merge_parts[(batch * heads,)](part, lse, out, splits, triton.next_power_of_2(splits), dim)
    return out


def attend_sdpa(q, k, v, backend):
    with torch.nn.attention.sdpa_kernel(backend):
        return torch.nn.functional.scaled_dot_product_attention(
            q.unsqueeze(2), k.transpose(1, 2), v.transpose(1, 2), enable_gqa=True).squeeze(2)


BACKENDS = {
    "triton": attend_triton,
    "flash": lambda q, k, v: attend_sdpa(q, k, v, torch.nn.attention.SDPBackend.FLASH_ATTENTION),
    "cudnn": lambda q, k, v: attend_sdpa(q, k, v, torch.nn.attention.SDPBackend.CUDNN_ATTENTION),
}
