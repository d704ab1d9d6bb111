// The plugin that the network isolator calls: one JSON object in, one out. The caller looks at what is printed and not
// at the exit status.

#include <iostream>
#include <map>

#include "commands.hpp"
#include "environment.hpp"

using nlohmann::json;
using namespace standin;

namespace {

// No call may be longer.
constexpr std::size_t longest_call = 40 * 1024;

const std::map<std::string, json (*)(const json&)> commands = {
    {"allocate", allocate}, {"reserve", reserve}, {"isolate", isolate}, {"release", release}, {"cleanup", cleanup},
};

json handle(const std::string& text) {
  if (text.size() > longest_call) throw Failed("the call is longer than 40 KB");
  json call = json::parse(text, nullptr, false);
  if (!call.is_object()) throw Failed("standard input does not hold a JSON object");
  auto name = call.find("command");
  if (name == call.end() || !name->is_string()) throw Failed("Missing command");
  auto args = call.find("args");
  if (args == call.end() || !args->is_object()) throw Failed("Missing args");
  auto command = commands.find(*name);
  if (command == commands.end()) throw Failed("Unknown command: '" + name->get<std::string>() + "'");
  json answer = command->second(*args);
  answer["error"] = nullptr;
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--version") {
    std::cout << "calico_mesos " VERSION " (stand-in: IPv4 only)" << std::endl;
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
