// The command line, and what commands print.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace standin {

using Words = std::vector<std::string>;

// The words of a command line that are no options, and the options among them.
struct Line {
  Words words;
  std::map<std::string, std::string> options;

  bool has(const std::string& option) const { return options.count(option) > 0; }
};

Line split(int argc, char** argv);

// Prints a table with a frame around it.
void table(const Words& heads, const std::vector<Words>& rows);

}  // namespace standin
