#include "flags.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace standin {

Flags::Flags(std::string program, std::vector<Flag> table) : program_(std::move(program)), table_(std::move(table)) {
  for (const Flag& flag : table_) {
    if (flag.standard[0] != '\0') values_[flag.name] = flag.standard;
  }
}

const Flag* Flags::find(const std::string& name) const {
  auto found = std::find_if(table_.begin(), table_.end(), [&](const Flag& flag) { return name == flag.name; });
  return found == table_.end() ? nullptr : &*found;
}

void Flags::load(int argc, char** argv, char** environment) {
  std::map<std::string, std::string> given;
  for (char** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    std::string name(*entry, equals == nullptr ? std::strlen(*entry) : equals - *entry);
    if (equals == nullptr || !starts_with(name, "MESOS_")) continue;
    name = name.substr(6);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    // Variables of others begin with MESOS_ as well, so what is no flag is nothing.
    if (find(name) != nullptr) given[name] = equals + 1;
  }
  std::map<std::string, std::string> line;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--") break;
    if (!starts_with(argument, "--")) throw Mistake("Unexpected argument '" + argument + "': flags are --name=value");
    auto equals = argument.find('=');
    std::string name = argument.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = argument.substr(equals + 1);
    const Flag* flag = find(name);
    if (flag == nullptr && starts_with(name, "no-")) {
      name = name.substr(3);
      flag = find(name);
      if (flag != nullptr && flag->kind != Kind::Bool) {
        throw Mistake("Flag '" + name + "' is not boolean, so it cannot be switched off by '--no-" + name + "'");
      }
      if (flag != nullptr && value) throw Mistake("Flag '--no-" + name + "' takes no value, but was given one");
      value = "false";
    }
    if (flag == nullptr) throw Mistake("Failed to load unknown flag '" + name + "'");
    if (!value && flag->kind != Kind::Bool) throw Mistake("Flag '" + name + "' needs a value: --" + name + "=VALUE");
    if (!line.emplace(name, value.value_or("true")).second) {
      throw Mistake("Flag '" + name + "' is given more than once on the command line");
    }
  }
  for (const auto& [name, value] : line) given[name] = value;
  for (const auto& [name, value] : given) values_[name] = checked(*find(name), value);
}

std::string Flags::checked(const Flag& flag, const std::string& raw) const {
  std::string value = raw;
  if (flag.kind != Kind::Path && starts_with(value, "file://")) value = trim(read_file(value.substr(7)));
  auto refuse = [&](const std::string& expected) {
    return Mistake("Failed to load flag '" + std::string(flag.name) + "': '" + value + "' is not " + expected);
  };
  switch (flag.kind) {
    case Kind::Text:
    case Kind::Path:
    case Kind::Names:
      return value;
    case Kind::Bool:
      if (value == "true" || value == "1") return "true";
      if (value == "false" || value == "0") return "false";
      throw refuse("true or false");
    case Kind::Integer:
      if (!parse_integer(value)) throw refuse("a whole number");
      return value;
    case Kind::Number:
      if (!parse_number(value)) throw refuse("a number");
      return value;
    case Kind::Duration:
      if (!parse_duration(value)) throw refuse("a duration such as 10secs or 5mins");
      return value;
    case Kind::Port: {
      auto port = parse_integer(value);
      if (!port || *port < 1 || *port > 65535) throw refuse("a port from 1 to 65535");
      return value;
    }
    case Kind::Address: {
      in_addr address{};
      if (::inet_pton(AF_INET, value.c_str(), &address) != 1) throw refuse("an IPv4 address");
      return value;
    }
    case Kind::Key:
    case Kind::Keys: {
      auto parts = flag.kind == Kind::Key ? std::vector<std::string>{value} : split(value, ',');
      std::string choices;
      for (const auto& choice : flag.choices) choices += (choices.empty() ? "" : ", ") + choice;
      if (parts.empty()) throw refuse("one of " + choices);
      for (const auto& part : parts) {
        if (std::find(flag.choices.begin(), flag.choices.end(), part) == flag.choices.end()) {
          throw refuse(flag.kind == Kind::Key ? "one of " + choices : "a list of " + choices);
        }
      }
      return value;
    }
  }
  return value;
}

std::optional<std::string> Flags::get(const std::string& name) const {
  auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::chrono::milliseconds Flags::duration(const std::string& name) const {
  return parse_duration(text(name)).value_or(std::chrono::milliseconds(0));
}

nlohmann::json Flags::values() const {
  auto shown = values_;
  for (auto& [name, value] : shown) {
    auto at = value.rfind('@');
    if (starts_with(value, "zk://") && at != std::string::npos) value = "zk://***" + value.substr(at);
  }
  return shown;
}

std::string Flags::usage() const {
  std::string usage = "Usage: " + program_ + " [--flag=value...]   (a stand-in)\n";
  for (const Flag& flag : table_) {
    usage += "  --" + std::string(flag.kind == Kind::Bool ? "[no-]" : "") + flag.name;
    if (flag.kind != Kind::Bool) usage += "=VALUE";
    if (flag.standard[0] != '\0') usage += "  (default: " + std::string(flag.standard) + ")";
    usage += "\n";
  }
  return usage;
}

}  // namespace standin
