#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "text.hpp"

namespace standin {

enum class Kind {
  Text,
  Path,      // never read here, so that no secret gets into /state
  Bool,      // --name, --no-name or --name=true
  Integer,
  Number,
  Duration,  // 10secs
  Port,
  Address,   // IPv4
  Names,     // a,b,c
  Key,       // one of `choices`
  Keys,      // several of `choices`
};

// One flag of a program: its name, what its value is, the value that it has when it is not given ("" for none), and
// for Key and Keys what may be given.
struct Flag {
  const char* name;
  Kind kind;
  const char* standard = "";
  std::vector<std::string> choices = {};
};

// The flags of a program: from the command line, else from MESOS_<NAME> in the environment, else their standard
// values. A value file:///path is the content of that file, except where a path is what is asked for.
class Flags {
 public:
  Flags(std::string program, std::vector<Flag> table);

  // Throws a Mistake for an unknown flag, one given twice, and a value that its kind does not allow.
  void load(int argc, char** argv, char** environment);

  std::optional<std::string> get(const std::string& name) const;
  std::string text(const std::string& name) const { return get(name).value_or(""); }
  bool on(const std::string& name) const { return text(name) == "true"; }
  long integer(const std::string& name) const { return parse_integer(text(name)).value_or(0); }
  std::chrono::milliseconds duration(const std::string& name) const;
  std::vector<std::string> names(const std::string& name) const { return split(text(name), ','); }

  // All values, for /state; passwords in zk:// addresses are left out.
  nlohmann::json values() const;
  std::string usage() const;

 private:
  const Flag* find(const std::string& name) const;
  std::string checked(const Flag& flag, const std::string& value) const;

  std::string program_;
  std::vector<Flag> table_;
  std::map<std::string, std::string> values_;
};

// The tables of both programs.
std::vector<Flag> master_flags();
std::vector<Flag> slave_flags();

}  // namespace standin
