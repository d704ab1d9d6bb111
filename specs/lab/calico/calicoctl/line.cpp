#include "line.hpp"

#include <algorithm>
#include <iostream>

namespace standin {

Line split(int argc, char** argv) {
  Line line;
  for (const std::string& word : Words(argv + 1, argv + argc)) {
    std::size_t equals = word.find('=');
    if (word.compare(0, 2, "--") != 0) {
      line.words.push_back(word);
    } else {
      line.options[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
  }
  return line;
}

void table(const Words& heads, const std::vector<Words>& rows) {
  std::vector<std::size_t> widths(heads.size());
  for (std::size_t i = 0; i < heads.size(); ++i) {
    widths[i] = heads[i].size();
    for (const Words& row : rows) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string rule = "+";
  for (std::size_t width : widths) rule += std::string(width + 2, '-') + "+";
  auto show = [&](const Words& row) {
    std::cout << "|";
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::size_t space = widths[i] - row[i].size();
      std::cout << ' ' << std::string(space / 2, ' ') << row[i] << std::string(space - space / 2, ' ') << " |";
    }
    std::cout << "\n";
  };
  std::cout << rule << "\n";
  show(heads);
  std::cout << rule << "\n";
  for (const Words& row : rows) show(row);
  std::cout << rule << std::endl;
}

}  // namespace standin
