#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace standin {

// What is wrong with an app definition, by the path of the value.
using Violations = std::map<std::string, std::vector<std::string>>;

// An id with `/` in front and none behind.
std::string absolute_id(const std::string& id);

// What Marathon 1.1 refuses in an app definition; nothing where it accepts it.
Violations violations(const nlohmann::json& app);

// The app as Marathon shows it: with the values that it has where none are given.
nlohmann::json with_defaults(nlohmann::json app, const std::string& version);

}  // namespace standin
