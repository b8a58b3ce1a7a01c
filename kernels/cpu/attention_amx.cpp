// Decode attention on the tiles of AMX: K enters products as it lies in memory, V in pairs of tokens; the softmax
// between the two products runs on 512-bit vectors.
#include "kernels/cpu/attention_paths.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "kernels/cpu/attention_stripes.h"

namespace outrider {
namespace {

constexpr std::int64_t kMostHeads = 16;   // rows of a tile
constexpr std::int64_t kMostWidth = 256;  // head_dim
constexpr std::int64_t kHalf = 16;        // tokens of a tile of K
constexpr std::int64_t kLine = 32;        // bf16 in a cache line, the width of a tile

// Which tile holds what; intrinsics want plain numbers.
#define TILE_QUERY 0   // channel pairs × query heads
#define TILE_LEFT 1    // of K: tokens × channels; of V: token pairs × channels
#define TILE_RIGHT 2   // another such
#define TILE_SCORES 3  // tokens × query heads; and the next tile, of the later tokens
#define TILE_SCORES2 4
#define TILE_WEIGHTS 5  // query heads × tokens
#define TILE_OUT 6      // query heads × channels; and the next tile, of the channels behind
#define TILE_OUT2 7

struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

TileShapes shapes_for(std::int64_t heads) {
  TileShapes shapes;
  const auto set = [&](int tile, std::int64_t rows, std::int64_t bytes) {
    shapes.rows[tile] = static_cast<std::uint8_t>(rows);
    shapes.row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  };
  set(TILE_QUERY, 16, 4 * heads);
  for (const int tile : {TILE_LEFT, TILE_RIGHT}) set(tile, 16, 64);
  for (const int tile : {TILE_SCORES, TILE_SCORES2}) set(tile, kHalf, 4 * heads);
  set(TILE_WEIGHTS, heads, 64);
  for (const int tile : {TILE_OUT, TILE_OUT2}) set(tile, heads, 64);
  return shapes;
}

// Tile loads are opaque to the compiler: what they read must have been stored.
void stored() { std::atomic_signal_fence(std::memory_order_seq_cst); }

// Calls the lines of a stripe into the cache, a few at a time between the work on the stripe before: memory is asked
// for more all the time, and its answers are waited for by nobody.
class Fetcher {
 public:
  // All lines within `steps` steps.
  void start(const Stripe& stripe, std::int64_t width, std::int64_t steps) {
    keys_ = reinterpret_cast<const char*>(stripe.keys);
    values_ = reinterpret_cast<const char*>(stripe.values);
    next_ = 0;
    half_ = stripe.tokens * width * 2;
    per_step_ = (2 * half_ + steps - 1) / steps;
  }
  void step(std::int64_t steps) {
    for (const std::int64_t end = std::min(next_ + steps * per_step_, 2 * half_); next_ < end; next_ += 64)
      _mm_prefetch(next_ < half_ ? keys_ + next_ : values_ + (next_ - half_), _MM_HINT_T0);
  }

 private:
  const char *keys_ = nullptr, *values_ = nullptr;
  std::int64_t next_ = 0, half_ = 0, per_step_ = 0;  // bytes
};

// The first stripe has no work before it but the queries' conversion.
void call_first_stripe(const AttentionPart<Bf16>& part) {
  const Bf16* const keys = part.kv.data + part.blocks[0] * part.kv.stride;
  const std::int64_t tokens = std::min<std::int64_t>({kStripe, part.kv.block_tokens, part.tokens});
  Fetcher fetcher;
  fetcher.start({keys, keys + part.kv.block_tokens * part.kv.head_dim, static_cast<int>(tokens)}, part.kv.head_dim, 1);
  fetcher.step(1);
}

// Steps that the parts of the work take, roughly in proportion to their time.
constexpr std::int64_t kScoreSteps = 4, kWeighSteps = 5, kPairSteps = 1, kSumSteps = 6;

// Up to 16 query heads over the whole list of blocks.
class TileRows {
 public:
  TileRows(const AttentionPart<Bf16>& part, std::int64_t first, std::int64_t heads)
      : part_(part), first_(first), heads_(heads), width_(part.kv.head_dim) {
    const TileShapes shapes = shapes_for(heads);
    stored();
    _tile_loadconfig(&shapes);
    const __m512i pairs = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                             _mm512_set1_epi32(kMostHeads));
    for (std::int64_t g = 0; g < heads; ++g) {
      const float* query = part.queries + (first + g) * width_;
      for (std::int64_t i = 0; i < width_; i += kLine) {
        const __m512bh half = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(query + i + 16), _mm512_loadu_ps(query + i));
        _mm512_i32scatter_epi32(queries_.data() + i * kMostHeads + 2 * g, pairs, reinterpret_cast<const __m512i&>(half),
                                4);
      }
      std::fill_n(output(g), width_, 0.0f);
    }
  }
  ~TileRows() { _tile_release(); }
  TileRows(const TileRows&) = delete;
  TileRows& operator=(const TileRows&) = delete;

  void attend(const Stripe& stripe, const Stripe& next) {
    const std::int64_t chunks = width_ / kLine;
    fetcher_.start(next, width_, (kScoreSteps + kSumSteps) * chunks + kWeighSteps * heads_ + kPairSteps * kStripe / 2);
    score(whole(stripe));
    for (std::int64_t g = 0; g < heads_; ++g) weigh(g, stripe.tokens);
    pair_values(stripe);
    accumulate();
  }

  void finish() {
    for (std::int64_t g = 0; g < heads_; ++g) {
      const StripeSoftmax& softmax = softmax_[static_cast<std::size_t>(g)];
      float* const to = part_.output + (first_ + g) * width_;
      for (std::int64_t i = 0; i < width_; ++i) to[i] = output(g)[i] / softmax.total;
      part_.lse[first_ + g] = softmax.lse();
    }
  }

 private:
  float* output(std::int64_t g) { return out_.data() + g * kMostWidth; }

  // Keys of 32 tokens: the stripe's own, or a copy with zeros behind its last token, since what follows it in memory
  // may not be readable.
  const Bf16* whole(const Stripe& stripe) {
    if (stripe.tokens == kStripe) return stripe.keys;
    std::copy_n(stripe.keys, stripe.tokens * width_, tail_.data());
    std::fill(tail_.data() + stripe.tokens * width_, tail_.data() + kStripe * width_, Bf16{});
    return tail_.data();
  }

  // Scores of 32 tokens for every head.
  void score(const Bf16* keys) {
    stored();
    _tile_zero(TILE_SCORES);
    _tile_zero(TILE_SCORES2);
    for (std::int64_t c = 0; c < width_ / kLine; ++c) {
      _tile_loadd(TILE_QUERY, queries_.data() + c * kLine * kMostHeads, kMostHeads * 4);
      _tile_loadd(TILE_LEFT, keys + c * kLine, width_ * 2);
      _tile_loadd(TILE_RIGHT, keys + kHalf * width_ + c * kLine, width_ * 2);
      _tile_dpbf16ps(TILE_SCORES, TILE_LEFT, TILE_QUERY);
      _tile_dpbf16ps(TILE_SCORES2, TILE_RIGHT, TILE_QUERY);
      fetcher_.step(kScoreSteps);
    }
    _tile_stored(TILE_SCORES, scores_.data(), kMostHeads * 4);
    _tile_stored(TILE_SCORES2, scores_.data() + kHalf * kMostHeads, kMostHeads * 4);
  }

  void weigh(std::int64_t g, int tokens) {
    const __m512i rows = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                            _mm512_set1_epi32(kMostHeads));
    const auto scores_from = [&](std::int64_t first) {
      const auto valid = static_cast<__mmask16>((1u << std::clamp<std::int64_t>(tokens - first, 0, kHalf)) - 1u);
      const __m512 found = _mm512_i32gather_ps(rows, scores_.data() + first * kMostHeads + g, 4);
      return _mm512_mask_mul_ps(_mm512_set1_ps(-std::numeric_limits<float>::infinity()), valid, found,
                                _mm512_set1_ps(part_.scale));
    };
    const float shrink =
        softmax_[static_cast<std::size_t>(g)].weigh(scores_from(0), scores_from(kHalf), weights_.data() + g * kStripe);
    fetcher_.step(kWeighSteps);
    if (shrink == 1.0f) return;
    for (std::int64_t i = 0; i < width_; i += 16)
      _mm512_store_ps(output(g) + i, _mm512_mul_ps(_mm512_load_ps(output(g) + i), _mm512_set1_ps(shrink)));
  }

  // V as products want it, channel by channel two tokens side by side; zeros behind the last token.
  void pair_values(const Stripe& stripe) {
    alignas(64) static constexpr std::array<std::uint16_t, 32> kLow = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                                       37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                                       11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
    const __m512i low = _mm512_load_si512(kLow.data()), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (std::int64_t token = 0; token < kStripe; token += 2) {
      Bf16* const to = values_.data() + token * width_;
      for (std::int64_t i = 0; i < width_; i += kLine) {
        const auto row = [&](std::int64_t t) {
          return t < stripe.tokens ? _mm512_loadu_si512(stripe.values + t * width_ + i) : _mm512_setzero_si512();
        };
        const __m512i first = row(token), second = row(token + 1);
        _mm512_store_si512(to + 2 * i, _mm512_permutex2var_epi16(first, low, second));
        _mm512_store_si512(to + 2 * i + kLine, _mm512_permutex2var_epi16(first, high, second));
      }
      fetcher_.step(kPairSteps);
    }
  }

  void accumulate() {
    stored();
    _tile_loadd(TILE_WEIGHTS, weights_.data(), 64);
    for (std::int64_t i = 0; i < width_; i += 32) {
      _tile_loadd(TILE_OUT, out_.data() + i, kMostWidth * 4);
      _tile_loadd(TILE_OUT2, out_.data() + i + 16, kMostWidth * 4);
      _tile_loadd(TILE_LEFT, values_.data() + 2 * i, width_ * 4);
      _tile_loadd(TILE_RIGHT, values_.data() + 2 * i + kLine, width_ * 4);
      _tile_dpbf16ps(TILE_OUT, TILE_WEIGHTS, TILE_LEFT);
      _tile_dpbf16ps(TILE_OUT2, TILE_WEIGHTS, TILE_RIGHT);
      _tile_stored(TILE_OUT, out_.data() + i, kMostWidth * 4);
      _tile_stored(TILE_OUT2, out_.data() + i + 16, kMostWidth * 4);
      fetcher_.step(kSumSteps);
    }
  }

  const AttentionPart<Bf16>& part_;
  std::int64_t first_, heads_, width_;
  Fetcher fetcher_;
  std::array<StripeSoftmax, kMostHeads> softmax_;
  alignas(64) std::array<Bf16, kMostWidth * kMostHeads> queries_;  // [channel pair][head][2]
  alignas(64) std::array<float, kStripe * kMostHeads> scores_;     // [token][head]
  alignas(64) std::array<Bf16, kMostHeads * kStripe> weights_;     // [head][token]
  alignas(64) std::array<Bf16, kStripe * kMostWidth> values_;      // [token pair][channel][2]
  alignas(64) std::array<Bf16, kStripe * kMostWidth> tail_;
  alignas(64) std::array<float, kMostHeads * kMostWidth> out_;  // [head][channel]
};

}  // namespace

bool amx_usable() {
  static const bool usable = [] {
    constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & (kBf16 | kTile)) != (kBf16 | kTile)) return false;
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // Linux grants the tiles to who asks
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return usable;
}

void attend_amx_bf16(const AttentionPart<Bf16>& part) {
  call_first_stripe(part);
  for (std::int64_t first = 0; first < part.group; first += kMostHeads) {
    TileRows rows(part, first, std::min(kMostHeads, part.group - first));
    attend_stripes(part, rows);
  }
}

}  // namespace outrider
#else
namespace outrider {
bool amx_usable() { return false; }
void attend_amx_bf16(const AttentionPart<Bf16>&) {}
}  // namespace outrider
#endif
