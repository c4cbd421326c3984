#include "examples/translator/report_data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/markup.h"
#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::examples {
namespace {

using Json = nlohmann::ordered_json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// ---- records

std::string to_json(const EpochRecord& record) {
  Json json{{"epoch", record.epoch}, {"facts", record.facts}, {"sentences", Json::array()}};
  for (const io::WatchedSentence& sentence : record.sentences) {
    Json kinds = Json::array();
    for (const io::AttentionKind& kind : sentence.kinds)
      kinds.push_back({{"name", kind.name},
                       {"note", kind.note},
                       {"row_axis", kind.row_axis},
                       {"column_axis", kind.column_axis},
                       {"rows", kind.rows},
                       {"columns", kind.columns},
                       {"layers", kind.layers},
                       {"heads", kind.heads},
                       {"weights", io::to_base64(kind.weights.at(0))}});
    json["sentences"].push_back({{"source", sentence.source},
                                 {"reference", sentence.reference},
                                 {"translation", sentence.translations.at(0)},
                                 {"kinds", kinds}});
  }
  // Tokens may be pieces of characters, and text that was split by others may be anything.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// A whole number from 0 to a million, more than there ever were. Json::get would cut 1e300 to anything.
template <class Count>
Count count_from(const Json& json, const std::string& name) {
  constexpr std::uint64_t most = 1'000'000;
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most)
    fail<FileError>(name, ": ", json.dump().substr(0, 40),
                    " is no whole number from 0 to 1,000,000: delete this file");
  return static_cast<Count>(json.get<std::uint64_t>());
}

EpochRecord from_json(std::string_view text, const std::string& name) {
  EpochRecord record;
  try {
    const Json json = Json::parse(text);
    record.epoch = count_from<int>(json.at("epoch"), name);
    record.facts = json.at("facts").get<decltype(record.facts)>();
    for (const Json& each : json.at("sentences")) {
      io::WatchedSentence sentence{.source = each.at("source"),
                                   .reference = each.at("reference"),
                                   .translations = {each.at("translation").get<std::string>()}};
      for (const Json& one : each.at("kinds")) {
        io::AttentionKind kind{.name = one.at("name"),
                               .note = one.at("note"),
                               .row_axis = one.at("row_axis"),
                               .column_axis = one.at("column_axis"),
                               .rows = one.at("rows").get<std::vector<std::string>>(),
                               .columns = one.at("columns").get<std::vector<std::string>>(),
                               .layers = count_from<std::size_t>(one.at("layers"), name),
                               .heads = count_from<std::size_t>(one.at("heads"), name),
                               .weights = {""}};
        if (!io::from_base64(one.at("weights").get<std::string>(), kind.weights[0]) ||
            kind.weights[0].empty() ||
            static_cast<double>(kind.weights[0].size()) !=
                static_cast<double>(kind.layers) * static_cast<double>(kind.heads) *
                    static_cast<double>(kind.rows.size()) * static_cast<double>(kind.columns.size()))
          fail<FileError>(name, ": the weights of ", io::show_name(kind.name),
                          " do not fit their layers, heads and words: delete this file");
        sentence.kinds.push_back(std::move(kind));
      }
      record.sentences.push_back(std::move(sentence));
    }
  } catch (const Json::exception&) {
    fail<FileError>(name, ": this is no record of an epoch, or it has been damaged: delete it");
  }
  return record;
}

// ---- time

std::vector<int> thinned(const std::vector<int>& epochs, std::size_t most) {
  if (epochs.size() <= most) return epochs;
  const auto choose = [&](double ratio) {
    std::vector<int> chosen;
    double next = 0;
    for (const int epoch : epochs) {
      const double since = epoch - epochs.front() + 1;
      if (since < next && epoch != epochs.back()) continue;
      chosen.push_back(epoch);
      next = since * ratio;
    }
    return chosen;
  };
  double low = 1, high = epochs.back() - epochs.front() + 2;  // too many, few enough
  for (int i = 0; i < 60; ++i) (choose((low + high) / 2).size() > most ? low : high) = (low + high) / 2;
  return choose(high);
}

// ---- tables

std::vector<double> NumberTable::column(const std::string& name) const {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::vector<double>(rows(), nan);
  return columns[static_cast<std::size_t>(at - names.begin())];
}

NumberTable read_csv(std::string_view text, const std::string& name) {
  const auto lines_of = [](std::string_view whole, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
      const std::size_t end = whole.find(separator);
      parts.push_back(whole.substr(0, end));
      if (end == std::string_view::npos) return parts;
      whole.remove_prefix(end + 1);
    }
  };
  const std::vector<std::string_view> lines = lines_of(text, '\n');
  NumberTable table;
  for (const std::string_view column : lines_of(lines.front(), ',')) table.names.emplace_back(column);
  if (table.names.front().empty())
    fail<FileError>(name, ": the first line should name the columns, with commas between: restore the file");
  table.columns.resize(table.names.size());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const std::vector<std::string_view> fields = lines_of(lines[i], ',');
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      double value = nan;
      if (c < fields.size()) {
        const char* end = fields[c].data() + fields[c].size();
        const auto [stop, error] = std::from_chars(fields[c].data(), end, value);
        if (error != std::errc() || stop != end) value = nan;
      }
      table.columns[c].push_back(value);
    }
  }
  return table;
}

}  // namespace attune::examples
