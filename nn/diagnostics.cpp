#include "nn/diagnostics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <queue>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#define ATTUNE_CAN_DEMANGLE
#endif

#include "tensor/error.h"
#include "tensor/rows.h"

namespace attune::nn {

// ---- the loss before training

namespace {

// What one row of logits comes to, in double: the differences that matter are small beside the logits.
struct Row {
  double logsumexp = 0, mean = 0, variance = 0;
};

// Of the classes that are possible at all: -∞ is a usual way to forbid one.
Row row_of(const Scalar* x, Index classes) {
  Row row;
  double largest = -INFINITY, possible = 0;
  for (Index j = 0; j < classes; ++j) {
    const double logit = static_cast<double>(x[j]);
    if (logit == -INFINITY) continue;
    largest = std::max(largest, logit);
    row.mean += logit;
    ++possible;
  }
  row.mean /= possible;
  for (Index j = 0; j < classes; ++j) {
    const double logit = static_cast<double>(x[j]);
    if (logit == -INFINITY) continue;
    row.logsumexp += std::exp(logit - largest);
    row.variance += (logit - row.mean) * (logit - row.mean) / possible;
  }
  row.logsumexp = largest + std::log(row.logsumexp);
  return row;
}

const Tensor& checked_logits(const char* op, const Tensor& logits) {
  if (logits.checked(op).rank() == 0 || logits.elements() == 0)
    fail<ShapeError>(op, ": the logits must be (…, V) with at least one row and one class: ", logits.shape());
  return logits;
}

std::string digits(double number, int places = 2) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", places, number);
  return text;
}

}  // namespace

double uniform_loss(Index classes) {
  if (classes < 1) fail<ValueError>("uniform_loss: the number of classes is ", classes, ": give 1 or more");
  return std::log(static_cast<double>(classes));
}

double chance_loss(const Tensor& logits) {
  const Tensor x = contiguous(checked_logits("chance_loss", logits));
  const Index classes = x.size(-1);
  const Index rows = x.elements() / classes;
  double total = 0;
  for (Index i = 0; i < rows; ++i) {
    const Row row = row_of(x.data() + i * classes, classes);
    total += row.logsumexp - row.mean;
  }
  return total / static_cast<double>(rows);
}

FirstLoss check_first_loss(const Variable& loss, const Variable& logits, const Indices& targets,
                           const CrossEntropyOptions& options) {
  const Tensor x = contiguous(checked_logits("check_first_loss", logits.value()));
  cross_entropy(detach(logits), targets, options);  // for its errors about shapes, targets and options
  const Index classes = x.size(-1);
  const Index rows = x.elements() / classes;

  // Over the rows that count: the loss, what it would be by chance, the variance of the logits. Over all
  // rows, padding included: the loss once more, to recognise who forgot to leave the padding out.
  double plain = 0, chance = 0, variance = 0, over_all = 0;
  Index counted = 0, valid = 0;
  std::map<std::int32_t, double> counts;  // of each class among the targets
  for (Index i = 0; i < rows; ++i) {
    const std::int32_t target = targets.values[static_cast<std::size_t>(i)];
    const Scalar* logits_of_row = x.data() + i * classes;
    const Row row = row_of(logits_of_row, classes);
    if (target >= 0 && target < classes) {
      over_all += row.logsumexp - static_cast<double>(logits_of_row[target]);
      ++valid;
    }
    if (target == options.ignored) continue;
    plain += row.logsumexp - static_cast<double>(logits_of_row[target]);
    chance += row.logsumexp - row.mean;
    variance += row.variance;
    counts[target] += 1;
    ++counted;
  }
  if (counted == 0)
    fail<ValueError>("check_first_loss: no target counts: all ", rows, " are ", options.ignored,
                     ", which is ignored: take a batch with targets");
  const double n = static_cast<double>(counted);
  FirstLoss first;
  first.loss = plain / n;
  first.uniform = uniform_loss(classes);
  first.chance = chance / n;
  const double deviation = std::sqrt(variance / n);
  // Frequent targets stray together: with shares p_c of the classes the loss strays by s √(Σ p_c²), if the
  // rows are alike (as they nearly are before training); for N different targets that is s / √N.
  double concentration = 0;
  for (const auto& [target, count] : counts) concentration += (count / n) * (count / n);
  const double stray = std::max(0.05, 3 * deviation * std::sqrt(concentration));

  // The loss as the options say it should come out.
  const double e = static_cast<double>(options.label_smoothing);
  const double mean_loss = (1 - e) * first.loss + e * first.chance;
  const double wanted = options.reduction == Reduction::sum ? n * mean_loss : mean_loss;
  const double given = static_cast<double>(loss.item());
  const auto agrees = [&](double expected) {
    return std::abs(given - expected) <= 1e-3 * std::max(1e-2, std::abs(expected));
  };

  using Verdict = FirstLoss::Verdict;
  const std::string ln_v = digits(first.uniform) + " (ln " + std::to_string(classes) + ")";
  const auto say = [&](Verdict verdict, const std::string& sentence) {
    first.verdict = verdict;
    first.sentence = "first loss: " + sentence;
    return first;
  };
  if (!std::isfinite(given) || !std::isfinite(first.loss) || !std::isfinite(first.chance))
    return say(Verdict::no_number, "it is " + digits(given) +
                                       ", no number: nn::find_anomaly(model, …) names the operation and the "
                                       "layer");
  if (!agrees(wanted)) {
    const std::string difference = "it is " + digits(given) + ", but cross_entropy of these logits and " +
                                   std::to_string(counted) + " targets gives " + digits(wanted) + ": ";
    if (agrees(n * mean_loss))
      return say(Verdict::mismatch, difference +
                                        "it is the sum over the targets, not their mean: divide by their "
                                        "number, or the rate must be that much smaller");
    if (agrees(mean_loss))
      return say(Verdict::mismatch, difference + "it is the mean over the targets, not their sum");
    if (counted < valid && agrees(over_all / static_cast<double>(valid)))
      return say(Verdict::mismatch, difference +
                                        "it counts the ignored targets (padding) as well: give the "
                                        "loss .ignored = " +
                                        std::to_string(options.ignored));
    return say(Verdict::mismatch,
               difference + "give the same logits, targets and options to both, or look at the loss");
  }
  const std::string it_is = "it is " + digits(first.loss);
  if (first.loss < first.chance - stray)
    return say(Verdict::leak,
               it_is + " where guessing would give " + digits(first.chance) +
                   ": the model sees what it is to predict: look whether its input are the targets (they "
                   "must be shifted by one); or it has been trained before");
  if (first.loss > first.chance + stray)
    return say(Verdict::opposed, it_is + " where guessing would give " + digits(first.chance) +
                                     ": the model holds the targets for less likely than others: look "
                                     "whether the targets belong to these inputs; or it has been trained, "
                                     "on others");
  const std::string guessing = "; guessing with these logits costs " + digits(first.chance);
  const double excess = first.chance - first.uniform;
  if (excess > 2)
    return say(Verdict::large, it_is + guessing + ", far above " + ln_v +
                                   ", because they start with a deviation of " + digits(deviation) +
                                   ": make the initial weights of the output layer smaller, or norm what "
                                   "goes into it");
  if (excess > 0.25)
    return say(Verdict::fine, it_is + guessing + ", " + digits(excess) + " above " + ln_v +
                                  ", because they start with a deviation of " + digits(deviation) +
                                  ": usual where the output layer is the embedding");
  return say(Verdict::fine, it_is + ", as it should be: " + ln_v + " is the loss of who knows nothing");
}

// ---- forgotten parameters

std::vector<std::string> detail::unreached_parameters(const Variable& loss,
                                                      const std::vector<NamedParameter>& parameters) {
  loss.value().checked("unreached_parameters");
  if (!loss.requires_gradient())
    fail<GraphError>(
        "unreached_parameters: the loss depends on no parameter at all: ", loss.shape(),
        ": compute it from the model's output, not under NoGradient and not with everything frozen");
  std::unordered_set<const Node*> reached;
  for (const NodeHandle& leaf : leaves_of(loss)) reached.insert(leaf.get());
  std::vector<std::string> names;
  for (const NamedParameter& parameter : parameters)
    if (!parameter.cell->frozen && !reached.contains(parameter.cell->leaf.get()))
      names.push_back(parameter.name);
  return names;
}

// ---- NaN and infinity

namespace {

std::string layer_of(const std::string& parameter) {
  const std::size_t dot = parameter.rfind('.');
  return dot == std::string::npos ? "" : parameter.substr(0, dot);
}

struct Place {
  std::string layer;
  bool inside = false;
  std::string in_words;  // "in encoder.norm"
};

// Names the layer that an operation belongs to.
class Locator {
 public:
  explicit Locator(const std::vector<NamedParameter>& parameters) {
    for (const NamedParameter& parameter : parameters) names_[parameter.cell->leaf.get()] = parameter.name;
  }

  std::string name_of(const NodeHandle& leaf) const {
    const auto found = names_.find(leaf.get());
    return found == names_.end() ? "" : found->second;
  }

  Place place_of(const Anomaly& anomaly) const {
    // The operation's own parameters: in a pullback those of its operation, else its operands.
    std::vector<NodeHandle> operands = anomaly.nodes;
    if (anomaly.backward && !operands.empty()) {
      if (const std::string name = name_of(operands[0]); !name.empty())
        return {layer_of(name), true, "of the parameter " + name};
      operands = std::vector<NodeHandle>(operands[0]->parents);
    }
    if (const std::vector<std::string> own = names_among(operands); !own.empty())
      return in_words(own[0], true);
    // Otherwise the latest operations before it that have some, on every way back.
    const std::vector<std::string> latest = latest_before(operands);
    if (latest.empty()) return {};
    const std::string common = layer_of(layer_of(latest[0]));
    for (std::size_t i = 1; i < latest.size(); ++i)
      if (!common.empty() && latest[i].starts_with(common + ".")) return {common, false, "in " + common};
    return in_words(latest[0], false);
  }

 private:
  static Place in_words(const std::string& parameter, bool inside) {
    const std::string layer = layer_of(parameter);
    const std::string named = layer.empty() ? "the model's own " + parameter : layer;
    return {layer, inside, (inside ? "in " : "right after ") + named};
  }

  std::vector<std::string> names_among(const std::vector<NodeHandle>& nodes) const {
    std::vector<std::string> found;
    for (const NodeHandle& node : nodes)
      if (node)
        if (const std::string name = name_of(node); !name.empty()) found.push_back(name);
    return found;
  }

  // One parameter of each of the operations met first on every way back, newest operation first.
  std::vector<std::string> latest_before(const std::vector<NodeHandle>& starts) const {
    const auto older = [](const NodeHandle& a, const NodeHandle& b) { return a->order < b->order; };
    std::priority_queue<NodeHandle, std::vector<NodeHandle>, decltype(older)> open(older);
    std::unordered_set<const Node*> seen;
    const auto meet = [&](const std::vector<NodeHandle>& nodes) {
      for (const NodeHandle& node : nodes)
        if (node && seen.insert(node.get()).second) open.push(node);
    };
    meet(starts);
    std::vector<std::string> latest;
    while (!open.empty()) {
      const NodeHandle node = open.top();
      open.pop();
      const std::vector<std::string> own = names_among(node->parents);
      if (own.empty()) {
        meet(node->parents);
      } else {
        latest.push_back(own[0]);
      }
    }
    return latest;
  }

  std::unordered_map<const Node*, std::string> names_;
};

// Whose weights have grown, if some have.
std::string largest_weight(const std::vector<NamedParameter>& parameters) {
  double largest = 1000;
  std::string name;
  for (const NamedParameter& parameter : parameters)
    for (const Scalar number : parameter.cell->value.values())
      if (std::abs(static_cast<double>(number)) > largest) {
        largest = std::abs(static_cast<double>(number));
        name = parameter.name;
      }
  if (name.empty()) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", largest);
  return std::string("; the largest weight is ") + text + ", in " + name;
}

bool finite(const Tensor& x) {
  return !x.defined() || !any_non_finite(x);
}

}  // namespace

std::optional<AnomalyReport> detail::find_anomaly(const std::vector<NamedParameter>& parameters,
                                                  const std::function<Variable()>& loss) {
  DetectAnomaly guard({.throws = false});
  const Variable value = loss();
  value.value().checked("find_anomaly");
  bool all_finite = finite(value.value());
  if (all_finite || !guard.first()) {
    std::vector<Variable> trained;
    for (const NamedParameter& parameter : parameters)
      if (!parameter.cell->frozen) trained.emplace_back(parameter.cell->value, parameter.cell->leaf);
    for (const Variable& gradient : gradients(value, trained)) all_finite &= finite(gradient.value());
  }
  if (all_finite) return {};
  const std::optional<Anomaly> anomaly = guard.first() ? guard.first() : guard.first_infinity(value);
  if (!anomaly) return {};

  AnomalyReport report;
  report.anomaly = *anomaly;
  const Locator locator(parameters);
  Place place = locator.place_of(*anomaly);
  std::string operand;
  if (anomaly->operand >= 0) {
    const Variable& held = anomaly->operand_value;
    for (const NamedParameter& parameter : parameters)
      if (held.node().get() == parameter.cell->leaf.get() ||
          (!held.requires_gradient() && held.defined() &&
           held.value().shares_memory_with(parameter.cell->value)))
        report.parameter = parameter.name;
    if (!report.parameter.empty()) {
      operand = "the parameter " + report.parameter;
    } else if (held.defined() && !held.requires_gradient() && !anomaly->backward) {
      operand = "an input or a constant";
    }
  }
  report.layer = place.layer;
  report.inside = place.inside;
  report.sentence = anomaly->sentence(place.in_words, operand,
                                      anomaly->origin ? locator.place_of(*anomaly->origin).in_words : "");
  if (report.parameter.empty()) report.sentence += largest_weight(parameters);
  return report;
}

// ---- what a model is made of

namespace {

// "std::vector<attune::nn::(anonymous namespace)::Block>" to "vector<Block>".
std::string without_namespaces(const std::string& type) {
  std::string text;
  const auto drop_group = [&](char open, char close) {
    int depth = 0;
    do {
      if (text.back() == close) ++depth;
      if (text.back() == open) --depth;
      text.pop_back();
    } while (depth > 0 && !text.empty());
  };
  for (std::size_t i = 0; i < type.size(); ++i) {
    if (type.compare(i, 2, "::") != 0) {
      // "> >" is how GCC writes ">>".
      if (type[i] != ' ' || i + 1 == type.size() || type[i + 1] != '>') text += type[i];
      continue;
    }
    ++i;
    if (text.ends_with(" const")) text.resize(text.size() - 6);
    while (!text.empty()) {
      const char last = text.back();
      if (last == ')') {
        drop_group('(', ')');
      } else if (last == '>') {
        drop_group('<', '>');
      } else if (last == ']') {  // Clang marks what returns a std::string: f[abi:cxx11]()
        drop_group('[', ']');
      } else if (std::isalnum(static_cast<unsigned char>(last)) || last == '_') {
        text.pop_back();
      } else {
        break;
      }
    }
  }
  return text;
}

std::string type_name(const std::type_info& type) {
#ifdef ATTUNE_CAN_DEMANGLE
  int status = 0;
  char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  const std::string name = status == 0 && readable ? readable : type.name();
  std::free(readable);
  return without_namespaces(name);
#else
  return without_namespaces(type.name());
#endif
}

std::string with_thousands(Index number) {
  const std::string plain = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (i > 0 && (plain.size() - i) % 3 == 0) text += ',';
    text += plain[i];
  }
  return text;
}

// How many columns a text takes: its characters, not its bytes.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, columns(text)), ' ');
}

// What visit said about a layer: its members, and the layers in it.
struct LayerLines {
  std::string path, name, type;
  std::vector<std::string> members;  // "weight (4, 3)"
  Index own = 0, total = 0, frozen = 0, buffers = 0;
  std::vector<LayerLines> children;

  bool alike(const LayerLines& other) const {
    return type == other.type && members == other.members &&
           std::equal(
               children.begin(), children.end(), other.children.begin(), other.children.end(),
               [](const LayerLines& a, const LayerLines& b) { return a.name == b.name && a.alike(b); });
  }
};

std::string relative(const std::string& path, const std::string& name) {
  return path.empty() ? name : name.substr(std::min(name.size(), path.size() + 1));
}

bool within(const std::string& path, const std::string& name) {
  return path.empty() || name == path || name.starts_with(path + ".");
}

std::string described(const std::string& name, const Shape& shape, const char* mark) {
  std::ostringstream text;
  text << name << " " << shape << mark;
  return text.str();
}

// Visit meets a layer before what is in it, so the layers that are open form a stack.
LayerLines tree_of(const std::function<void(Visitor&)>& visit) {
  LayerLines root;
  std::vector<LayerLines> open;
  const auto close_until = [&](const std::string& name) {
    while (open.size() > 1 && !within(open.back().path, name)) {
      LayerLines done = std::move(open.back());
      open.pop_back();
      open.back().total += done.total;
      open.back().frozen += done.frozen;
      open.back().buffers += done.buffers;
      open.back().children.push_back(std::move(done));
    }
  };
  Visitor visitor(
      [&](const std::string& name, Parameter& parameter) {
        close_until(name);
        LayerLines& layer = open.back();
        layer.members.push_back(
            described(relative(layer.path, name), parameter.shape(), parameter.frozen() ? " frozen" : ""));
        layer.own += parameter.elements();
        layer.total += parameter.elements();
        if (parameter.frozen()) layer.frozen += parameter.elements();
      },
      [&](const std::string& name, Buffer& buffer) {
        close_until(name);
        LayerLines& layer = open.back();
        layer.members.push_back(described(relative(layer.path, name), buffer.value().shape(), " buffer"));
        layer.buffers += buffer.value().elements();
      },
      [&](const std::string& name, const std::type_info& type, const void*) {
        if (!open.empty()) close_until(name);
        LayerLines layer;
        layer.path = name;
        layer.name = open.empty() ? "" : relative(open.back().path, name);
        layer.type = type_name(type);
        open.push_back(std::move(layer));
      });
  visit(visitor);
  while (open.size() > 1) close_until("\n");  // a name that is in no layer
  return std::move(open.front());
}

struct SummaryLine {
  std::string name, type, count;
  std::vector<std::string> members;
};

// "layers" and 3 from "layers.3".
bool numbered(const std::string& name, std::string& list, Index& number) {
  const std::size_t dot = name.rfind('.');
  const std::string last = dot == std::string::npos ? name : name.substr(dot + 1);
  if (last.empty() || last.find_first_not_of("0123456789") != std::string::npos || last.size() > 9)
    return false;
  list = dot == std::string::npos ? "" : name.substr(0, dot);
  number = std::stoll(last);
  return true;
}

void add_lines(const LayerLines& layer, const std::string& name, Index alike, std::size_t depth, bool fold,
               std::vector<SummaryLine>& lines) {
  lines.push_back({std::string(2 * depth, ' ') + name, layer.type,
                   (alike > 1 ? std::to_string(alike) + " x " : "") + with_thousands(layer.total),
                   layer.members});
  for (std::size_t i = 0; i < layer.children.size();) {
    const LayerLines& child = layer.children[i];
    std::size_t end = i + 1;
    std::string list, other_list;
    Index number = 0, other = 0;
    if (fold && numbered(child.name, list, number))
      while (end < layer.children.size() && numbered(layer.children[end].name, other_list, other) &&
             other_list == list && other == number + static_cast<Index>(end - i) &&
             layer.children[end].alike(child))
        ++end;
    const std::string shown =
        end - i > 1 ? child.name + " … " + std::to_string(number + static_cast<Index>(end - i) - 1)
                    : child.name;
    add_lines(child, shown, static_cast<Index>(end - i), depth + 1, fold, lines);
    i = end;
  }
}

std::string in_bytes(Index bytes) {
  const double b = static_cast<double>(bytes);
  if (b < 1e3) return std::to_string(bytes) + " bytes";
  if (b < 1e6) return digits(b / 1e3, 1) + " kB";
  if (b < 1e9) return digits(b / 1e6, 1) + " MB";
  return digits(b / 1e9, 1) + " GB";
}

}  // namespace

std::string detail::summary(const std::function<void(Visitor&)>& visit, const SummaryOptions& options) {
  constexpr std::size_t line_width = 100;
  const LayerLines root = tree_of(visit);
  std::vector<SummaryLine> lines{{"layer", "type", "numbers", {"parameters"}}};
  add_lines(root, "(model)", 1, 0, options.fold, lines);

  std::size_t name_width = 0, type_width = 0, count_width = 0;
  for (const SummaryLine& line : lines) {
    name_width = std::max(name_width, columns(line.name));
    type_width = std::max(type_width, columns(line.type));
    count_width = std::max(count_width, columns(line.count));
  }
  std::ostringstream out;
  for (const SummaryLine& line : lines) {
    std::string text = padded(line.name, name_width) + "  " + padded(line.type, type_width) + "  " +
                       std::string(count_width - columns(line.count), ' ') + line.count;
    const std::size_t indent = columns(text) + 2;
    std::size_t at = indent - 2;
    for (std::size_t i = 0; i < line.members.size(); ++i) {
      const std::string member = line.members[i] + (i + 1 < line.members.size() ? "," : "");
      if (i > 0 && at + 1 + columns(member) > line_width) {
        text += "\n" + std::string(indent, ' ') + member;
        at = indent + columns(member);
      } else {
        text += (i == 0 ? "  " : " ") + member;
        at += (i == 0 ? 2 : 1) + columns(member);
      }
    }
    out << text << "\n";
  }
  out << "total: " << with_thousands(root.total) << " numbers, "
      << in_bytes(root.total * static_cast<Index>(sizeof(Scalar)));
  if (root.frozen > 0) out << "; " << with_thousands(root.frozen) << " of them frozen";
  if (root.buffers > 0)
    out << "; and " << with_thousands(root.buffers) << " in buffers, "
        << in_bytes(root.buffers * static_cast<Index>(sizeof(Scalar)));
  out << "\n";
  return out.str();
}

}  // namespace attune::nn
