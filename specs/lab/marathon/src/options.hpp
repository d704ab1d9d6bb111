#pragma once

#include <map>
#include <string>

namespace standin {

// The options of Marathon 1.1, given as `--name value` or `--name=value`; each at most once.
class Options {
 public:
  // Throws a Mistake for what Marathon would refuse.
  static Options parse(int argc, char** argv);

  bool has(const std::string& name) const { return values_.count(name) != 0; }
  std::string get(const std::string& name, const std::string& standard = "") const;
  // Throws a Mistake unless it is a port.
  int port(const std::string& name, int standard) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace standin
