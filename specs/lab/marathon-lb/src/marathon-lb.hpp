#pragma once

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace standin {

// What the command line says.
struct Options {
  std::vector<std::string> marathons;  // host:port
  std::set<std::string> groups;
  int first_port = 10050;
  int last_port = 10100;
};

// Reads `sse --marathon URL… --group NAME …`; throws a Mistake that says what is wrong.
Options read_options(const std::vector<std::string>& words);

// HAProxy's configuration for the apps that Marathon lists: those of the groups whose tasks have addresses.
std::string configuration(const nlohmann::json& apps, const Options& options);

}  // namespace standin
