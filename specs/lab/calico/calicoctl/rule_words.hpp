// A rule in the words of the command line.
#pragma once

#include <nlohmann/json.hpp>

#include "line.hpp"

namespace standin {

// "allow tcp from tag web to ports 80,443" as it is kept in etcd.
nlohmann::json rule_of(const Words& words);

}  // namespace standin
