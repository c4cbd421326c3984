// Turns the code that README.md and the chapters show into sources, so that it is compiled and run as it
// stands there.
//
//   code_blocks extract FILE.md FOLDER PROGRAMS   writes FOLDER/snippets.cpp, program_1.cpp, program_1.txt, …
//   code_blocks links ROOT FILE.md…               checks that what the files link to or name exists;
//                                                 [`name`](source.cpp) that the source holds the name
//   code_blocks same FILE.md TRANSLATION.md       checks that a translation shows the same code, pictures and
//                                                 sections (comments in the code may be translated)
//
// What a fence is marked with says what becomes of its block:
//   ```cpp                the body of a function, after `#include "attune.h"` and `using namespace attune;`
//   ```cpp declarations   types and functions, which later blocks of the same file may use
//   ```cpp program        a whole program; a ```text block that comes next is exactly what it prints
//   ```cpp sketch         not compiled: for an idea that is no code yet
// A comment `<!-- cpp … -->` right above a block is put before its code and not shown to readers. A ```cpp
// block with an `int main` is a program, whatever it is marked with.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Block {
  std::string info;  // what stands behind the three backticks
  std::string code;
  std::string setup;  // from a comment right above
  int line = 0;       // of the block's first line in its file
};

std::vector<std::string> read_lines(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error(path.string() + ": cannot be written");
}

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

bool is_fence(const std::string& line) {
  return trim(line).starts_with("```");
}

std::vector<Block> blocks_of(const fs::path& path) {
  const std::vector<std::string> lines = read_lines(path);
  std::vector<Block> blocks;
  std::string setup;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]) == "<!-- cpp") {
      setup.clear();
      while (++i < lines.size() && trim(lines[i]) != "-->") setup += lines[i] + "\n";
    } else if (is_fence(lines[i])) {
      const std::size_t indent = lines[i].find('`');
      Block block{.info = trim(lines[i].substr(indent + 3)),
                  .code = "",
                  .setup = setup,
                  .line = static_cast<int>(i) + 2};
      while (++i < lines.size() && !is_fence(lines[i])) {
        // A block inside a list is indented as its fence is.
        const bool indented = lines[i].find_first_not_of(' ') >= indent && lines[i].size() >= indent;
        block.code += (indented ? lines[i].substr(indent) : lines[i]) + "\n";
      }
      if (i == lines.size()) throw std::runtime_error(path.string() + ": a code block does not end");
      blocks.push_back(std::move(block));
      setup.clear();
    } else if (!trim(lines[i]).empty()) {
      setup.clear();
    }
  }
  return blocks;
}

/// Takes the #include lines out of `code`: they cannot stay inside a function. An empty line keeps the
/// numbers right.
std::string without_includes(const std::string& code, std::set<std::string>& includes) {
  std::istringstream lines(code);
  std::string rest;
  for (std::string line; std::getline(lines, line);) {
    const bool include = trim(line).starts_with("#include");
    if (include) includes.insert(trim(line));
    rest += (include ? "" : line) + "\n";
  }
  return rest;
}

void extract(const fs::path& path, const fs::path& folder, int expected_programs) {
  fs::create_directories(folder);
  const std::vector<Block> blocks = blocks_of(path);
  std::set<std::string> includes{"#include \"attune.h\""};
  std::string snippets;
  int programs = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& [info, code, setup, line] = blocks[i];
    if (info != "cpp" && !info.starts_with("cpp ")) continue;
    const std::string place = "#line " + std::to_string(line) + " \"" + path.string() + "\"\n";
    if (info == "cpp sketch") continue;
    if (info == "cpp program" || code.find("int main(") != std::string::npos) {
      const std::string name = "program_" + std::to_string(++programs);
      write(folder / (name + ".cpp"), place + code);
      const bool shown = i + 1 < blocks.size() && blocks[i + 1].info == "text";
      if (shown) write(folder / (name + ".txt"), blocks[i + 1].code);
      if (!shown) fs::remove(folder / (name + ".txt"));
    } else if (info == "cpp declarations") {
      snippets += without_includes(setup, includes) + place + without_includes(code, includes);
    } else if (info == "cpp") {
      snippets += "void block_" + std::to_string(line) + "() {\n" + without_includes(setup, includes) +
                  place + without_includes(code, includes) + "}\n";
    } else {
      throw std::runtime_error(path.string() + ":" + std::to_string(line - 1) + ": a block marked '" + info +
                               "': use cpp, cpp declarations, cpp program or cpp sketch");
    }
  }
  if (programs != expected_programs) {
    throw std::runtime_error(path.string() + ": " + std::to_string(programs) + " programs, but " +
                             std::to_string(expected_programs) + " lines that begin with 'int main('");
  }
  std::string text;
  for (const std::string& include : includes) text += include + "\n";
  const std::string name = fs::absolute(folder).filename().string();
  write(folder / "snippets.cpp",
        text + "namespace docs_" + name + " {\nusing namespace attune;\n" + snippets + "}\n");
}

/// The name GitHub gives a heading: lower case, spaces to hyphens, no punctuation.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') anchor += '-';
    if (byte >= 0x80 || std::isalnum(byte) || c == '-' || c == '_')
      anchor += static_cast<char>(std::tolower(byte));
  }
  return anchor;
}

std::set<std::string> anchors_of(const fs::path& path) {
  std::set<std::string> anchors;
  bool code = false;
  for (const std::string& line : read_lines(path)) {
    if (is_fence(line)) code = !code;
    if (!code && line.starts_with("#"))
      anchors.insert(anchor_of(trim(line.substr(line.find_first_not_of('#')))));
  }
  return anchors;
}

int check_links(const fs::path& root, const std::vector<fs::path>& files) {
  int wrong = 0;
  int checked = 0;
  for (const fs::path& path : files) {
    int number = 0;
    bool code = false;
    const auto report = [&](const std::string& problem) {
      std::cerr << fs::relative(path, root).string() << ":" << number << ": " << problem << "\n";
      ++wrong;
    };
    for (const std::string& line : read_lines(path)) {
      ++number;
      if (is_fence(line)) code = !code;
      if (code) continue;
      // Between backticks: what looks like a file of the project must be one.
      std::string prose;
      bool quoted = false;
      std::istringstream parts(line);
      for (std::string part; std::getline(parts, part, '`'); quoted = !quoted) {
        if (!quoted) {
          prose += part;
          continue;
        }
        const std::string folder = part.substr(0, part.find('/'));
        const bool is_path = part.find('/') != std::string::npos &&
                             part.find_first_of(" *<>(){}…:=,") == std::string::npos && !folder.empty() &&
                             fs::is_directory(root / folder) && folder != "build" && folder != "out" &&
                             folder != "." && part.find("NAME") == std::string::npos;  // a placeholder
        checked += is_path;
        if (is_path && !fs::exists(root / part)) report("there is no " + part);
      }
      // What the text of a link names in backticks must stand in the source that it leads to.
      for (auto at = line.find("]("); at != std::string::npos; at = line.find("](", at + 2)) {
        const std::string target = line.substr(at + 2, line.find(')', at) - at - 2);
        const fs::path file = path.parent_path() / target;
        const auto begin = line.rfind('[', at);
        if ((file.extension() != ".h" && file.extension() != ".cpp") || begin == std::string::npos ||
            !fs::exists(file))
          continue;
        std::istringstream words(line.substr(begin, at - begin));
        std::string word;
        for (bool name = false; std::getline(words, word, '`'); name = !name) {
          if (!name || word.find('/') != std::string::npos) continue;
          ++checked;
          const std::vector<std::string> source = read_lines(file);
          if (std::none_of(source.begin(), source.end(),
                           [&](const std::string& text) { return text.find(word) != std::string::npos; }))
            report("there is no " + word + " in " + target);
        }
      }
      for (auto at = prose.find("]("); at != std::string::npos; at = prose.find("](", at + 2)) {
        std::string target = prose.substr(at + 2, prose.find(')', at) - at - 2);
        target = target.substr(0, target.find(' '));
        if (target.find("://") != std::string::npos || target.starts_with("mailto:")) continue;
        ++checked;
        const auto hash = target.find('#');
        const fs::path file = hash == 0 ? path : path.parent_path() / target.substr(0, hash);
        if (!fs::exists(file)) {
          report("the link to " + target + " leads nowhere");
        } else if (hash != std::string::npos && file.extension() == ".md" &&
                   !anchors_of(file).contains(target.substr(hash + 1))) {
          report("no heading for the link to " + target);
        }
      }
    }
  }
  std::cout << checked << " links and names of files, " << wrong << " wrong\n";
  return wrong == 0 ? 0 : 1;
}

/// The code without what stands behind // and without space at the ends of lines.
std::string without_comments(const std::string& code) {
  std::istringstream lines(code);
  std::string rest;
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find("//"));
    const auto end = line.find_last_not_of(' ');
    line.resize(end == std::string::npos ? 0 : end + 1);
    if (!line.empty()) rest += line + "\n";
  }
  return rest;
}

/// What a translation must have as well, in order: headings (their level), pictures, blocks of code.
std::vector<std::pair<std::string, int>> bones_of(const fs::path& path) {
  std::vector<std::pair<std::string, int>> bones;  // and the line of each
  const std::vector<Block> blocks = blocks_of(path);
  std::size_t next = 0;
  bool code = false;
  int number = 0;
  for (const std::string& line : read_lines(path)) {
    ++number;
    if (is_fence(line)) {
      code = !code;
      if (code && next < blocks.size()) {
        const Block& block = blocks[next++];
        bones.emplace_back("```" + block.info + "\n" + without_comments(block.code), number);
      }
    }
    if (code) continue;
    if (line.starts_with("#")) bones.emplace_back(line.substr(0, line.find(' ')) + " a heading", number);
    for (auto at = line.find("!["); at != std::string::npos; at = line.find("![", at + 2)) {
      const auto begin = line.find("](", at);
      if (begin != std::string::npos)
        bones.emplace_back(line.substr(begin, line.find(')', begin) - begin), number);
    }
  }
  return bones;
}

int check_translation(const fs::path& original, const fs::path& translation) {
  const auto wanted = bones_of(original), found = bones_of(translation);
  for (std::size_t i = 0; i < std::max(wanted.size(), found.size()); ++i) {
    if (i < wanted.size() && i < found.size() && wanted[i].first == found[i].first) continue;
    const auto show = [&](const fs::path& path, const auto& bones) {
      std::cerr << path.filename().string();
      if (i < bones.size()) std::cerr << ":" << bones[i].second << ": " << bones[i].first << "\n";
      if (i >= bones.size()) std::cerr << ": has ended\n";
    };
    std::cerr << "the translation is out of step:\n";
    show(original, wanted);
    show(translation, found);
    return 1;
  }
  std::cout << wanted.size() << " headings, pictures and blocks of code in step\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 4 && arguments[0] == "extract") {
    extract(arguments[1], arguments[2], std::stoi(arguments[3]));
    return 0;
  }
  if (arguments.size() >= 2 && arguments[0] == "links") {
    return check_links(arguments[1], std::vector<fs::path>(arguments.begin() + 2, arguments.end()));
  }
  if (arguments.size() == 3 && arguments[0] == "same") return check_translation(arguments[1], arguments[2]);
  std::cerr << "usage: code_blocks extract FILE.md FOLDER PROGRAMS, code_blocks links ROOT FILE.md…, or "
               "code_blocks same FILE.md TRANSLATION.md\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << "code_blocks: " << error.what() << "\n";
  return 1;
}
