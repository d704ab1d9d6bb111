// A rule of a profile in the words of nftables.
#pragma once

#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace standin {

// The addresses of those that have a tag, by the tag.
using Tags = std::map<std::string, std::set<std::string>>;

// Empty where the rule fits nothing: nobody has its tag, or it is not understood.
std::string rule_text(const nlohmann::json& rule, const Tags& tags);

// "{ a, b }".
std::string set_text(const std::set<std::string>& members);

}  // namespace standin
