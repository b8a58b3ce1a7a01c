// Times of kernels that single systems have: attention over codes, look-ups, feature maps, completion.
#include "tests/hwmodels/machines.h"

namespace outrider {
namespace {

MachineModel h200() { return {machine_named("h200-16c"), assumed_profile()}; }

double amount_on(const Op& op, const std::string& name) {
  const MachineModel model = h200();
  const Demand demand = model.demand(op);
  double amount = 0.0;
  for (const Use& use : demand.used()) {
    if (model.platform().resources[use.resource.index()].name == name)
      amount += use.amount * static_cast<double>(demand.units);
  }
  return amount;
}

AttentionShape coded(double bits) {
  AttentionShape shape = decode_attention(64.0, 32768.0);
  shape.kv_bits = bits;
  return shape;
}

TEST(QuantisedAttention, ReadsItsCodesAndMakesAnOperandOfEach) {
  // Assumed: 0.95 of HBM, and 0.09 codes to an operation. K and V of 8 heads of 128 channels.
  const double numbers = 64.0 * 32768.0 * 8.0 * 256.0;
  const Op op = op_of(Family::attend_quantised, coded(4.5));
  EXPECT_NEAR(amount_on(op, "HBM"), numbers * 4.5 / 8.0 / 0.95, 1.0);
  EXPECT_NEAR(amount_on(op, "SM fp32"), numbers / 0.09, 10.0);
  EXPECT_DOUBLE_EQ(amount_on(op, "SM bf16"), 0.0);
}

TEST(QuantisedAttention, IsQuickerThanSixteenBitsUntilOperandsLimitIt) {
  // Assumed: 0.09 of 67 TFLOP/s are 6.03e12 operands a second, 0.95 · 0.95 of 4.8 TB/s 4.33 TB/s: 4.3e9 numbers in 16
  // bits take 2.0 ms to read, 0.56 ms in 4.5; operands 0.71 ms. With codes of 2.5 bits it is the operands alone.
  const MachineModel model = h200();
  const double whole = seconds_alone(model, op_of(Family::attend_dense, decode_attention(64.0, 32768.0)));
  const double eight = seconds_alone(model, op_of(Family::attend_quantised, coded(8.5)));
  const double four = seconds_alone(model, op_of(Family::attend_quantised, coded(4.5)));
  const double two = seconds_alone(model, op_of(Family::attend_quantised, coded(2.5)));
  EXPECT_GT(whole, 1.6 * eight);
  EXPECT_GT(eight, four);
  EXPECT_GE(four, two);
  EXPECT_NEAR(two, 4.295e9 / 6.03e12, 0.05 * two);
}

TEST(Lookup, ReadsListsFromHbmOnceAndByEachRangeOfKeys) {
  // 64 rows of 8192 keys are one range of up to 16384, of 131072 eight: L2 has the lists for all but the first. The
  // same entries take eight times as many CTAs, and no longer where HBM does not limit them.
  LookupShape shape{.rows = 8.0, .queries = 4, .subspaces = 8, .clusters = 64, .length = 4000.0, .keys = 8192.0};
  const double lists = 8.0 * 32.0 * 4000.0 * 6.0, scores = 8.0 * 8192.0 * 4.0, write_cost = 1.1;
  const double one = seconds_alone(h200(), op_of(Family::look_up_keys, shape));
  EXPECT_NEAR(amount_on(op_of(Family::look_up_keys, shape), "HBM"), lists + write_cost * scores, 1.0);
  shape.keys = 131072.0;
  EXPECT_NEAR(amount_on(op_of(Family::look_up_keys, shape), "HBM"), lists + write_cost * 16.0 * scores, 1.0);
  EXPECT_NEAR(seconds_alone(h200(), op_of(Family::look_up_keys, shape)), one, 0.1 * one);
}

TEST(Lookup, GoesThroughListsOneAfterAnother) {
  // Short lists cost their turn: 64 of them, 0.55 us each, 17.6 us more than 32.
  LookupShape shape{.rows = 8.0, .queries = 4, .subspaces = 8, .clusters = 64, .length = 1.0, .keys = 1024.0};
  const MachineModel model = h200();
  const double some = seconds_alone(model, op_of(Family::look_up_keys, shape));
  shape.queries = 8;
  EXPECT_NEAR(seconds_alone(model, op_of(Family::look_up_keys, shape)) - some, 32.0 * 0.55e-6, 0.05e-6);
}

TEST(Completion, IsLimitedByWhatACtaKeepsInFlight) {
  // A CTA for each query head. Assumed: 5 us, and 2000 bytes in 600 ns: of 600 kB 180 us.
  const StreamShape shape{.read = Bytes(8.0 * 600e3), .write = Bytes(0.0), .flops = Flops(0.0), .items = 8.0};
  EXPECT_NEAR(seconds_alone(h200(), op_of(Family::complete, shape)), 185.8e-6, 1e-6);
}

TEST(Quantise, TakesAnOperationForEachNumber) {
  // Assumed: 0.014 of 67 TFLOP/s. 1.3e8 numbers take 143 us, of which reading and writing hide nearly all.
  const StreamShape shape{.read = Bytes(268e6), .write = Bytes(75e6), .flops = Flops(134e6), .items = 1048576.0};
  EXPECT_NEAR(seconds_alone(h200(), op_of(Family::quantise_kv, shape)), 148e-6, 6e-6);
}

}  // namespace
}  // namespace outrider
