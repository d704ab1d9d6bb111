// The five commands of the protocol: each takes the arguments of its call and returns what it answers beside "error".
#pragma once

#include <nlohmann/json.hpp>

namespace standin {

// Gives out addresses of the pools.
nlohmann::json allocate(const nlohmann::json& args);
// Gives out these very addresses.
nlohmann::json reserve(const nlohmann::json& args);
// Connects a container, with addresses that were given out.
nlohmann::json isolate(const nlohmann::json& args);
// Takes addresses back: those that are named, or all of a uid.
nlohmann::json release(const nlohmann::json& args);
// Takes away what `isolate` made, and the addresses.
nlohmann::json cleanup(const nlohmann::json& args);

}  // namespace standin
