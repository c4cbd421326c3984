// Draws the pictures of the book that the examples do not draw.
//
//   pictures FOLDER CURVE.tsv    writes heat maps (.svg), graphs for Graphviz (.dot) and curves for gnuplot
//   (.gp);
//                                CURVE.tsv is what copy_task leaves
//
// draw.sh calls it, and dot and gnuplot after it.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "attune.h"

using namespace attune;

namespace {

std::filesystem::path folder;

std::ofstream create(const std::string& name) {
  std::ofstream file(folder / name);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  return file;
}

/// 0, 1, …, count - 1
std::vector<std::string> numbers(Index count) {
  std::vector<std::string> labels;
  for (Index i = 0; i < count; ++i) labels.push_back(std::to_string(i));
  return labels;
}

// ---- graphs

/// The twelve lines of README.md.
void draw_graph() {
  const Variable x = tracked(tensor({{1, 0}, {0, 1}, {1, 1}}));
  const Variable scores = matmul(x, transpose(x)) / std::sqrt(Scalar(2));
  const Variable weights = softmax(scores);
  const Variable y = matmul(weights, x);
  const Variable loss = sum(y * y);
  backward(loss);
  create("graph.dot") << to_dot(loss, {{"x", x}, {"scores", scores}, {"weights", weights}, {"y", y}});
}

/// The smallest graph in which the order of the visit matters.
void draw_twice() {
  const Variable a = tracked(Tensor(1));
  const Variable b = a + a;
  const Variable c = b + b;
  backward(c);
  create("twice.dot") << to_dot(c, {{"a", a}, {"b", b}, {"c", c}});
}

// ---- heat maps

io::HeatMap panel(const std::string& title, const Mask& mask, Index batch_entry = 0) {
  const Index queries = 6, keys = 6;
  const Tensor allowed = mask.to_tensor(2, queries, keys);  // (1 or 2, 6, 6)
  return {.weights = select(allowed, 0, allowed.size(0) == 1 ? 0 : batch_entry).values(),
          .row_labels = numbers(queries),
          .column_labels = numbers(keys),
          .title = title};
}

void draw_masks() {
  const Mask padding = Mask::padding({6, 4});
  io::write_heat_map(
      folder / "masks.svg",
      {panel("causal", Mask::causal()), panel("padding", padding, 1),
       panel("causal & padding", Mask::causal() & padding, 1), panel("window", Mask::window(1, 1)),
       panel("local and global", Mask::local_and_global(1, 1))},
      {.title = "Who may attend to whom: dark may, light may not",
       .row_axis = "query",
       .column_axis = "key",
       .legend = "1 = may attend",
       .numbers = false,
       .cell = 22,
       .panels_per_row = 5});
}

void draw_positions() {
  const Index length = 24, width = 32;
  io::write_heat_map(folder / "positions.svg",
                     {{.weights = nn::sinusoidal_positions(length, width).values(),
                       .row_labels = numbers(length),
                       .column_labels = numbers(width)}},
                     {.title = "Sinusoidal positions: each row is the vector of a position",
                      .row_axis = "position",
                      .column_axis = "dimension",
                      .legend = "value",
                      .low = -1,
                      .high = 1,
                      .numbers = false,
                      .cell = 18});
}

// ---- curves

struct Curve {
  std::string name;
  std::vector<double> x, y;
};

/// A script for gnuplot that holds its data. The look of all curves is settled here.
void write_plot(const std::string& name, const std::string& x_label, const std::string& y_label,
                const std::string& settings, const std::vector<Curve>& curves) {
  const std::vector<std::string> colours = {"#32579d", "#c2571a", "#2a7f4f"};
  std::ofstream file = create(name);
  file.precision(6);
  for (std::size_t i = 0; i < curves.size(); ++i) {
    file << "$curve" << i << " << END\n";
    for (std::size_t j = 0; j < curves[i].x.size(); ++j)
      file << curves[i].x[j] << " " << curves[i].y[j] << "\n";
    file << "END\n";
  }
  file << "set terminal svg size 640, 320 font 'sans-serif, 13' background 'white'\n"
       << "set border 3\nset tics nomirror\nset grid ytics linecolor '#e4e7ee'\n"
       << "set xlabel '" << x_label << "'\nset ylabel '" << y_label << "'\n"
       << settings << "plot ";
  for (std::size_t i = 0; i < curves.size(); ++i)
    file << (i > 0 ? ", " : "") << "$curve" << i << " with lines linewidth 2 linecolor '" << colours.at(i)
         << "' title '" << curves[i].name << "'";
  file << "\n";
}

template <class Function>
Curve sample(const std::string& name, double from, double to, double step, const Function& f) {
  Curve curve{name, {}, {}};
  for (double x = from; x <= to; x += step) {
    curve.x.push_back(x);
    curve.y.push_back(static_cast<double>(f(x)));
  }
  return curve;
}

void draw_schedules() {
  const auto at = [](const auto& schedule) {
    return [schedule](double step) { return 1e3 * schedule(static_cast<Index>(step)); };
  };
  write_plot(
      "schedules.gp", "step", "learning rate, thousandths", "set key top right\n",
      {sample("InverseSquareRoot, peak 0.002, warmup 1000", 50, 10000, 50,
              at(optim::InverseSquareRoot{.peak = 2e-3, .warmup = 1000})),
       sample("Noam, width 128, warmup 4000", 50, 10000, 50, at(optim::Noam{.width = 128, .warmup = 4000})),
       sample("Cosine, peak 0.001, warmup 500, total 10000", 50, 10000, 50,
              at(optim::Cosine{.peak = 1e-3, .warmup = 500, .total = 10000}))});
}

void draw_activations() {
  const auto of = [](nn::Activation activation) {
    return
        [activation](double x) { return nn::activate(activation, Variable(static_cast<Scalar>(x))).item(); };
  };
  write_plot("activations.gp", "x", "y",
             "set key top left\nset xzeroaxis linecolor '#9aa1b3'\nset yrange [-0.5:3]\n",
             {sample("relu", -3, 3.001, 0.05, of(nn::Activation::relu)),
              sample("gelu", -3, 3.001, 0.05, of(nn::Activation::gelu)),
              sample("silu", -3, 3.001, 0.05, of(nn::Activation::silu))});
}

/// The losses of copy_task: a line for each step, step, copy, reverse.
void draw_loss_curve(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error(path.string() + " cannot be read");
  Curve copy{"copy", {}, {}}, reverse{"reverse", {}, {}}, ignorance{"ln V = ln 11", {}, {}};
  for (double step = 0, a = 0, b = 0; file >> step >> a >> b;) {
    copy.x.push_back(step), copy.y.push_back(a);
    reverse.x.push_back(step), reverse.y.push_back(b);
    ignorance.x.push_back(step), ignorance.y.push_back(std::log(11.0));
  }
  write_plot("loss_curve.gp", "step", "loss, nats per letter", "set key top right\nset yrange [0:4]\n",
             {copy, reverse, ignorance});
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: pictures FOLDER CURVE.tsv");
  folder = argv[1];
  std::filesystem::create_directories(folder);
  draw_graph();
  draw_twice();
  draw_masks();
  draw_positions();
  draw_schedules();
  draw_activations();
  draw_loss_curve(argv[2]);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "pictures: " << error.what() << "\n";
  return 1;
}
