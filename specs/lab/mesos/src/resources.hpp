#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace standin {

// "rack:a;zone:1" as {"rack": "a", "zone": 1}. Throws a Mistake.
nlohmann::json parse_attributes(const std::string& text);

// "cpus:4;mem:1024;ports:[31000-32000]" (or the JSON form) as {"cpus": 4, …}; what is not named is found out from
// this machine. Throws a Mistake.
nlohmann::json parse_resources(const std::string& text, const std::string& work_dir);

}  // namespace standin
