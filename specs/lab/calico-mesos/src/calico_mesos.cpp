// The plugin that the network isolator calls: one JSON object in, one out. The caller looks at what is printed and not
// at the exit status.

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "addresses.hpp"

using nlohmann::json;

namespace {

// No call may be longer.
constexpr std::size_t longest_call = 40 * 1024;

std::string variable(const char* name, const char* standard) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? standard : value;
}

std::string text_at(const json& args, const char* key) {
  auto found = args.find(key);
  if (found == args.end() || !found->is_string() || found->get<std::string>().empty()) {
    throw Refused(std::string("Missing ") + key);
  }
  return found->get<std::string>();
}

std::vector<std::string> texts_at(const json& args, const char* key) {
  auto found = args.find(key);
  if (found == args.end()) throw Refused(std::string("Missing ") + key);
  if (!found->is_array()) throw Refused(std::string(key) + " must be a list");
  std::vector<std::string> texts;
  for (const json& item : *found) {
    if (!item.is_string()) throw Refused(std::string(key) + " must hold texts only");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

long count_at(const json& args, const char* key) {
  auto found = args.find(key);
  if (found == args.end()) return 0;
  if (!found->is_number_integer() || found->get<long>() < 0 || found->get<long>() > 256) {
    throw Refused(std::string(key) + " must be a number from 0 to 256");
  }
  return found->get<long>();
}

void check_labels(const json& args) {
  auto found = args.find("labels");
  if (found == args.end()) return;
  bool good = found->is_array();
  for (const json& label : good ? *found : json::array()) {
    good = good && label.is_object() && label.contains("key") && label["key"].is_string();
  }
  if (!good) throw Refused("labels must be a list of objects with key and value");
}

json answer(const std::string& command, const json& args) {
  static const std::set<std::string> commands = {"allocate", "reserve", "isolate", "release", "cleanup"};
  if (commands.count(command) == 0) throw Refused("Unknown command: '" + command + "'");
  Addresses addresses(variable("CALICO_STAND_IN_STATE", "/var/lib/calico-mesos-stand-in"),
                      variable("CALICO_STAND_IN_POOL", "192.168.0.0/16"));
  json answer = {{"error", nullptr}};
  if (command == "allocate") {
    text_at(args, "hostname");
    check_labels(args);
    if (count_at(args, "num_ipv6") > 0) throw Refused("the stand-in has no IPv6 addresses");
    answer["ipv4"] = addresses.allocate(count_at(args, "num_ipv4"), text_at(args, "uid"));
    answer["ipv6"] = json::array();
  } else if (command == "reserve") {
    text_at(args, "hostname");
    addresses.reserve(texts_at(args, "ipv4_addrs"), text_at(args, "uid"));
  } else if (command == "isolate") {
    text_at(args, "hostname");
    check_labels(args);
    if (!args.contains("pid") || !args["pid"].is_number_integer()) {
      throw Refused("Missing pid");
    }
    addresses.assign(texts_at(args, "ipv4_addrs"), text_at(args, "container_id"));
  } else if (command == "cleanup") {
    text_at(args, "hostname");
    addresses.forget(text_at(args, "container_id"));
  } else {
    addresses.release(texts_at(args, "ips"));
  }
  addresses.save();
  return answer;
}

json handle(const std::string& text) {
  if (text.size() > longest_call) throw Refused("the call is longer than 40 KB");
  json call = json::parse(text, nullptr, false);
  if (!call.is_object()) throw Refused("standard input does not hold a JSON object");
  auto command = call.find("command");
  if (command == call.end() || !command->is_string()) throw Refused("Missing command");
  auto args = call.find("args");
  if (args == call.end() || !args->is_object()) throw Refused("Missing args");
  return answer(command->get<std::string>(), *args);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--version") {
    std::cout << "calico_mesos " VERSION " (stand-in: it makes no network)" << std::endl;
    return 0;
  }
  std::string text;
  char buffer[4096];
  while (text.size() <= longest_call && std::cin.read(buffer, sizeof buffer).gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
  }
  json answer;
  try {
    answer = handle(text);
  } catch (const std::exception& failure) {
    answer = {{"error", failure.what()}};
  }
  std::cout << answer.dump() << std::endl;
  return 0;
}
