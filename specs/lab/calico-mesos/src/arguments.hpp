// What a call gives: read by name, each with a refusal of what is missing or is not what it must be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace standin {

std::string text_at(const nlohmann::json& args, const char* key);
// Texts; none where the key is missing.
std::vector<std::string> texts_at(const nlohmann::json& args, const char* key);
long count_at(const nlohmann::json& args, const char* key);
// The addresses that a call must give, of which one at least.
std::vector<std::string> addresses_at(const nlohmann::json& args);
void check_labels(const nlohmann::json& args);

}  // namespace standin
