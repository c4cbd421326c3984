#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/scalar.h"
#include "tensor/simd/gemm_block.h"

// The table of kernels: the inner loops of every operation, over contiguous runs of numbers.
//
// Each kernel is written once over xsimd batches and instantiated per instruction set (README.md beside this
// file); a naive scalar twin of each is kept as the oracle of the tests. The best table that the machine
// supports is chosen at the first call of `kernels()`; the environment variable
// ATTUNE_SIMD=scalar|sse2|avx2|avx512|neon forces one.
//
// Contract of every kernel:
//   - n may be 0; pointers need no alignment beyond that of their type;
//   - nothing outside the n elements is touched;
//   - an output may be the very same pointer as an input (in place), but may not overlap one otherwise;
//   - an elementwise result depends on its operands only, never on where in the run the element stands;
//   - a reduction adds in an order that depends on n and the instruction set only: same input, same bits;
//   - NaN in gives NaN out, at every position, unless a comment says otherwise;
//   - kernels know no threads and allocate nothing.
//
// Where the functions leave the normal range, in float (the tests hold every point; in double it is the C
// library that decides):
//   exp      +∞ above 88.72283, subnormal below −87.33654, 0 below −103.97208
//   log      −∞ at 0 and −0, NaN below 0; subnormal arguments are as good as others
//   sigmoid  1 above 16.7; loses digits below −87.3, where the result is subnormal, and is 0 below −88.72283
//   tanh     ±1 beyond ±9.1      tanh and erf are odd, the sign of zero included, and keep subnormal numbers
//   erf      ±1 beyond ±4
//   silu     loses digits below −87.3 and is −0 below −88.72283, where sigmoid is; −0 at −∞
//   gelu     −0 below −5.55, where the true value is less than an ULP of x; −0 at −∞

namespace attune::inline ATTUNE_PRECISION {

/// One step of Adam (Kingma & Ba 2015, algorithm 1) with decoupled weight decay (Loshchilov & Hutter 2019):
///   m ← β1 m + (1 − β1) g,   v ← β2 v + (1 − β2) g²
///   p ← p − rate · ( (m / correction1) / (√(v / correction2) + ε) + weight_decay · p )
struct AdamStep {
  Scalar rate = Scalar(1e-3);
  Scalar beta1 = Scalar(0.9);
  Scalar beta2 = Scalar(0.999);
  Scalar epsilon = Scalar(1e-8);
  Scalar weight_decay = 0;
  Scalar correction1 = 1;  // 1 − β1^t at step t = 1, 2, …
  Scalar correction2 = 1;  // 1 − β2^t
};

struct Kernels {
  /// y_i = f(x_i)
  using Unary = void (*)(const Scalar* x, Scalar* y, std::size_t n);
  /// dx_i = f'(…) dy_i, given the input x or the output y of the forward pass.
  using UnaryBackward = void (*)(const Scalar* x_or_y, const Scalar* dy, Scalar* dx, std::size_t n);
  /// y_i = f(a_i, b_i). A step is 1 for a contiguous operand and 0 for one number used at every i.
  using Binary = void (*)(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n);
  /// The same function of each of many rows of length n, one after another.
  using OfRows = void (*)(const Scalar* x, Scalar* y, std::size_t rows, std::size_t n);
  using OfRowsBackward = void (*)(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t rows,
                                  std::size_t n);
  /// One number from a run.
  using Reduction = Scalar (*)(const Scalar* x, std::size_t n);

  const char* name;  // "scalar", "sse2", "avx2", "avx512" or "neon"
  int lanes;         // Scalars per batch

  // ---- unary
  Unary negate;
  Unary absolute;
  Unary exp;  // at most 2 ULP
  Unary log;  // at most 2 ULP; log 0 = −∞, log of a negative number = NaN
  Unary sqrt;
  Unary square;
  Unary tanh;     // at most 3 ULP
  Unary sigmoid;  // 1 / (1 + e^−x), at most 3 ULP
  Unary erf;      // at most 3 ULP
  Unary relu;     // max(x, 0)
  Unary gelu;     // x Φ(x) = x (1 + erf(x / √2)) / 2: the exact form; at most 2 ULP of x
  Unary silu;     // x sigmoid(x), at most 4 ULP
  Unary reciprocal;

  UnaryBackward relu_backward;     // (x, dy): dy where x > 0, else 0
  UnaryBackward gelu_backward;     // (x, dy): dy (Φ(x) + x φ(x))
  UnaryBackward silu_backward;     // (x, dy): dy s (1 + x (1 − s)),  s = sigmoid(x)
  UnaryBackward tanh_backward;     // (y, dy): dy (1 − y²)
  UnaryBackward sigmoid_backward;  // (y, dy): dy y (1 − y)

  // ---- binary
  Binary add;
  Binary subtract;
  Binary multiply;
  Binary divide;
  Binary maximum;  // NaN from either side gives NaN
  Binary minimum;  // NaN from either side gives NaN
  Binary power;    // as std::pow

  // Comparisons give 1 for true and 0 for false. With NaN all are false but not_equal.
  Binary less;
  Binary less_equal;
  Binary greater;
  Binary greater_equal;
  Binary equal;
  Binary not_equal;

  /// y_i = condition_i ≠ 0 ? a_i : b_i. The operand that is not chosen leaves no trace, NaN included.
  void (*select)(const Scalar* condition, int condition_step, const Scalar* a, int a_step, const Scalar* b,
                 int b_step, Scalar* y, std::size_t n);

  // ---- writing and accumulating
  void (*fill)(Scalar value, Scalar* y, std::size_t n);                    // y = value
  void (*add_to)(const Scalar* x, Scalar* y, std::size_t n);               // y += x
  void (*axpy)(Scalar alpha, const Scalar* x, Scalar* y, std::size_t n);   // y += α x
  void (*scale)(Scalar alpha, const Scalar* x, Scalar* y, std::size_t n);  // y = α x

  // ---- reductions of a run to one number
  Reduction sum;                                                   // 0 for n = 0
  Reduction max;                                                   // −∞ for n = 0
  Reduction min;                                                   // +∞ for n = 0
  Scalar (*dot)(const Scalar* a, const Scalar* b, std::size_t n);  // Σ a_i b_i
  bool (*any_non_finite)(const Scalar* x, std::size_t n);          // a NaN or ±∞ anywhere
  /// Σ x_i², in double, as the square of a float may be too large or too small for a float. The same bits on
  /// all instruction sets: element i goes to sum i mod 32, and of those k and k + 16 are added, then k and
  /// k + 8, and so on.
  double (*sum_of_squares)(const Scalar* x, std::size_t n);

  // ---- rows of length n. Where there are several, they follow one another, and a row has the same bits
  // alone and among others.
  OfRows softmax;      // y_j = e^(x_j − max) / Σ_k e^(x_k − max)
  OfRows log_softmax;  // y_j = x_j − max − log Σ_k e^(x_k − max)

  /// Softmax over the positions with allowed_j ≠ 0. The others get exactly 0, whatever x holds there (NaN
  /// too); a row with nothing allowed, or nothing but −∞, becomes zeros. A row's `allowed` begins
  /// allowed_step behind the last one's: 0 if all share one.
  void (*masked_softmax)(const Scalar* x, const Scalar* allowed, std::size_t allowed_step, Scalar* y,
                         std::size_t rows, std::size_t n);

  OfRowsBackward softmax_backward;      // y (dy − Σ dy y)
  OfRowsBackward log_softmax_backward;  // dy − e^y Σ dy

  /// y = (x − mean) / √(variance + ε) · scale + shift, with the biased variance, in two passes: the second is
  /// what keeps rows with a large offset right. `scale` and `shift` have n elements or are null (1 and 0).
  /// Also returns each row's mean and inverse deviation 1/√(variance + ε), which backward needs.
  void (*layer_norm)(const Scalar* x, const Scalar* scale, const Scalar* shift, Scalar* y, std::size_t rows,
                     std::size_t n, Scalar epsilon, Scalar* mean, Scalar* inverse_deviation);
  /// With x̂ = (x − mean) · inverse_deviation and g = dy · scale:
  ///   dx = inverse_deviation · (g − mean(g) − x̂ mean(g x̂)),   dscale += dy x̂,   dshift += dy
  /// `scale` may be null.
  void (*layer_norm_backward)(const Scalar* x, const Scalar* mean, const Scalar* inverse_deviation,
                              const Scalar* scale, const Scalar* dy, Scalar* dx, Scalar* dscale,
                              Scalar* dshift, std::size_t rows, std::size_t n);

  /// y = x / √(mean(x²) + ε) · scale. Also returns r = 1/√(mean(x²) + ε). `scale` may be null.
  void (*rms_norm)(const Scalar* x, const Scalar* scale, Scalar* y, std::size_t n, Scalar epsilon,
                   Scalar* inverse_root);
  /// With x̂ = x r and g = dy · scale:   dx = r (g − x̂ mean(g x̂)),   dscale += dy x̂
  void (*rms_norm_backward)(const Scalar* x, Scalar inverse_root, const Scalar* scale, const Scalar* dy,
                            Scalar* dx, Scalar* dscale, std::size_t n);

  /// Cross-entropy of one row of logits with label smoothing e (Szegedy et al. 2016, section 7):
  ///   loss = −(1 − e) log p_target − (e / n) Σ_j log p_j,   log p_j = x_j − logsumexp(x)
  /// Returns the loss; stores logsumexp(x) for backward. Requires target < n.
  Scalar (*cross_entropy)(const Scalar* x, std::size_t target, Scalar smoothing, std::size_t n,
                          Scalar* logsumexp);
  /// dx_j = g (p_j − (1 − e) [j = target] − e / n)
  void (*cross_entropy_backward)(const Scalar* x, Scalar logsumexp, std::size_t target, Scalar smoothing,
                                 Scalar g, Scalar* dx, std::size_t n);

  // ---- attention: one row of a tile of scores z, whose softmax is a_j = e^(z_j − largest) · inverse
  /// y_j = e^(x_j − shift). Returns Σ_j y_j.
  Scalar (*exp_minus)(const Scalar* x, Scalar shift, Scalar* y, std::size_t n);
  /// Writes a where z was, and where da was   dz_j = a_j (da_j − common),   0 where a_j = 0. `common` is
  /// Σ_j da_j a_j of the whole row, or null if this is the whole row.
  void (*attention_backward)(Scalar largest, Scalar inverse, const Scalar* common, Scalar* z, Scalar* da,
                             std::size_t n);
  /// y_r = Σ_i a_i rows_ri   for r < count, where row r begins at rows[r · stride] and has n numbers.
  void (*dot_rows)(const Scalar* a, const Scalar* rows, std::int64_t stride, std::size_t count, Scalar* y,
                   std::size_t n);
  /// y_i += Σ_r weights_r rows_ri
  void (*sum_rows)(const Scalar* weights, const Scalar* rows, std::int64_t stride, std::size_t count,
                   Scalar* y, std::size_t n);

  // ---- optimisers
  /// Formula at AdamStep. Changes parameter, m and v.
  void (*adam)(Scalar* parameter, const Scalar* gradient, Scalar* m, Scalar* v, std::size_t n,
               const AdamStep& step);
  /// g' = g + weight_decay · p,   velocity ← momentum · velocity + g',   p ← p − rate · velocity.
  /// With a null velocity (no momentum): p ← p − rate · g'.
  void (*sgd)(Scalar* parameter, const Scalar* gradient, Scalar* velocity, std::size_t n, Scalar rate,
              Scalar momentum, Scalar weight_decay);

  // ---- random numbers
  // Threefry-2x32 with 20 rounds (Salmon et al. 2011, section 4): element i of the stream of a key is word
  // (i & 1) of the block whose counter is i >> 1 (low word, high word). All instruction sets give the same
  // bits.
  /// The two words of one block of the stream: any key, any counter.
  void (*threefry_block)(std::uint32_t key0, std::uint32_t key1, std::uint32_t counter0,
                         std::uint32_t counter1, std::uint32_t* out);
  void (*threefry_bits)(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, std::uint32_t* out,
                        std::size_t n);
  /// y_i = x_i · (bits_i < keep_threshold ? scale : 0), where bits_0 is the first word of block first_block.
  void (*dropout)(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_block,
                  std::uint32_t keep_threshold, Scalar scale, const Scalar* x, Scalar* y, std::size_t n);
  /// Uniform in [0, 1): the top 24 bits / 2²⁴, for float and double alike, so that both precisions agree.
  void (*uniform)(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, Scalar* y,
                  std::size_t n);

  // ---- matrix product
  // See gemm.h; how large matrices are cut for these is in tensor/gemm.cpp, and why so in docs/speed.md.
  int gemm_rows;     // of a tile
  int gemm_columns;  // of a tile, and of a panel of B
  /// C = A · B or C += A · B for one block; formula and layout at GemmBlock.
  void (*gemm_block)(const GemmBlock& block);
  /// Packs columns [0, columns) of B (inner, columns), columns ≤ gemm_columns, into a panel: row k begins at
  /// panel[k · gemm_columns], and is filled up with zeros to a whole number of `lanes`.
  void (*gemm_pack)(std::int64_t inner, int columns, const Scalar* b, std::int64_t row_stride,
                    std::int64_t column_stride, Scalar* panel);
  /// Products of split numbers on a matrix unit: null in tables without one. See gemm_split.h; the layout
  /// stands at SplitBlock. Lines are rows of A or columns of B; element (line, step) is from[line ·
  /// line_stride + step · step_stride]. Panels begin at a multiple of 64 bytes and follow each other.
  void (*split_pack)(SplitSide side, std::int64_t lines, std::int64_t inner, const Scalar* from,
                     std::int64_t line_stride, std::int64_t step_stride, Scalar* panels);
  void (*split_block)(const SplitBlock& block);
  /// `rounds` times 12 batches of independent multiply-adds, to measure the peak. The result depends on all.
  Scalar (*gemm_peak)(std::int64_t rounds);
};

/// The table in use: the machine's best, or the one that ATTUNE_SIMD or use_kernels() names. Cheap: one load.
/// The first call throws ValueError if ATTUNE_SIMD names a table that does not exist or that this machine
/// cannot run.
const Kernels& kernels();

/// The naive twins: always available, slow, the oracle of the tests.
const Kernels& scalar_kernels();

/// Every table this machine can run, best first; the scalar one is last.
std::vector<const Kernels*> available_kernels();

/// Makes kernels() return the table of that name from now on. Throws ValueError, with the names that would
/// do, if there is none. For tests and measurements; not while another thread is computing.
void use_kernels(const std::string& name);

/// Forces one table for as long as it lives.
class ForcedKernels {
 public:
  explicit ForcedKernels(const std::string& name);
  ~ForcedKernels();
  ForcedKernels(const ForcedKernels&) = delete;
  ForcedKernels& operator=(const ForcedKernels&) = delete;

 private:
  const Kernels* before_;
};

namespace detail {
extern std::atomic<const Kernels*> kernels_in_use;  // null until the first call
const Kernels& choose_kernels();
}  // namespace detail

inline const Kernels& kernels() {
  const Kernels* table = detail::kernels_in_use.load(std::memory_order_acquire);
  return table ? *table : detail::choose_kernels();
}

}  // namespace attune::inline ATTUNE_PRECISION
