#pragma once

#include <map>
#include <optional>
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

// The app as Marathon keeps it: with the values that it has where none are given, and with the version, unless it is
// what it was before. Where nothing but the number of its tasks is another, its tasks are not old.
nlohmann::json with_defaults(nlohmann::json app, const std::string& version,
                             const std::optional<nlohmann::json>& before = std::nullopt);

}  // namespace standin
