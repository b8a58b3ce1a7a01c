// The gather from pinned memory against a copy on the host: fragment sizes, CTA counts, lists shorter than announced.
#include "kernels/cuda/gather.h"
#include "tests/kernels/cuda/device.h"

namespace outrider {
namespace {

class CudaGather : public CudaTest {};

class PinnedBytes {
 public:
  explicit PinnedBytes(std::size_t bytes) {
    check(cudaHostAlloc(reinterpret_cast<void**>(&data_), bytes, cudaHostAllocMapped));
    check(cudaHostGetDevicePointer(&on_device_, data_, 0));
  }
  ~PinnedBytes() { cudaFreeHost(data_); }
  PinnedBytes(const PinnedBytes&) = delete;
  PinnedBytes& operator=(const PinnedBytes&) = delete;
  unsigned char* data() const { return data_; }
  const void* on_device() const { return on_device_; }

 private:
  unsigned char* data_ = nullptr;
  void* on_device_ = nullptr;
};

struct Case {
  std::int64_t fragment_bytes;
  int count, most, ctas;  // most: length of the lists; count < 0: no count on the device
};

constexpr unsigned char kUntouched = 0xA5;

void expect_gathered(const Case& c, unsigned seed) {
  RandomStream random(seed);
  const std::size_t host_fragments = c.most + 3, slots = c.most + 2;
  const auto fragment = static_cast<std::size_t>(c.fragment_bytes), slot_bytes = fragment + 32;
  const std::size_t host_stride = fragment + 16;  // no alignment beyond 16 bytes
  const PinnedBytes host(host_fragments * host_stride);
  for (std::size_t i = 0; i < host_fragments * host_stride; ++i)
    host.data()[i] = static_cast<unsigned char>(random.next());
  const std::vector<std::int32_t> from = shuffled(c.most, host_fragments, random), to = shuffled(c.most, slots, random);
  std::vector<std::int64_t> offsets;
  for (const std::int32_t each : from) offsets.push_back(each * static_cast<std::int64_t>(host_stride));
  const DeviceArray<std::int64_t> sources(offsets);
  const DeviceArray<std::int32_t> targets(to), count(1, c.count);
  const DeviceArray<unsigned char> pool(slots * slot_bytes, kUntouched);
  check(launch_gather({.host = host.on_device(),
                       .sources = sources.data(),
                       .slots = targets.data(),
                       .count = c.count < 0 ? nullptr : count.data(),
                       .most = c.most,
                       .pool = pool.data(),
                       .fragment_bytes = c.fragment_bytes,
                       .slot_bytes = static_cast<std::int64_t>(slot_bytes),
                       .ctas = c.ctas},
                      nullptr));
  std::vector<unsigned char> expected(slots * slot_bytes, kUntouched);
  for (int i = 0; i < (c.count < 0 ? c.most : c.count); ++i)
    std::copy_n(host.data() + offsets[i], fragment, expected.begin() + to[i] * slot_bytes);
  ASSERT_EQ(pool.host(), expected) << "fragments of " << c.fragment_bytes << " bytes, " << c.ctas << " CTAs";
}

TEST_F(CudaGather, CopiesFragmentsOfEverySize) {
  for (const int bytes : {16, 48, 512, 1024, 4080, 4096, 4112, 8192, 16384, 65536 + 16})
    expect_gathered({bytes, -1, 37, 2}, bytes);
}
TEST_F(CudaGather, CopiesWithAnyNumberOfCtas) {
  for (const int ctas : {1, 2, 3, 8, 24}) expect_gathered({8192, -1, 200, ctas}, 100 + ctas);
}
TEST_F(CudaGather, TakesTheCountOnTheDevice) {
  for (const int count : {0, 1, 5, 40}) expect_gathered({8192, count, 40, 4}, 200 + count);
}
TEST_F(CudaGather, RefusesWhatItCannotDo) {
  EXPECT_EQ(launch_gather({.fragment_bytes = 8, .slot_bytes = 16}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_gather({.fragment_bytes = 32, .slot_bytes = 16}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_gather({.ctas = 0}, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(launch_gather({.host = reinterpret_cast<const void*>(8)}, nullptr), cudaErrorMisalignedAddress);
}

}  // namespace
}  // namespace outrider
