#include "constraints.hpp"

#include <algorithm>
#include <optional>
#include <regex>
#include <set>

#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

// The value of a field on an agent: its name, or one of its attributes.
std::optional<std::string> field_of(const Offer& agent, const std::string& field) {
  if (field == "hostname") return agent.hostname;
  auto attribute = agent.attributes.find(field);
  if (attribute == agent.attributes.end()) return std::nullopt;
  if (attribute->is_string()) return attribute->get<std::string>();
  // 1 is `1`, however the number was kept.
  double number = attribute->is_number() ? attribute->get<double>() : 0;
  return number == static_cast<long>(number) ? std::to_string(static_cast<long>(number)) : attribute->dump();
}

// Whether the agents with this value have no more tasks than those with any other.
bool is_least_used(const std::string& field, const std::string& value, const std::vector<Offer>& of_tasks,
                   const std::map<std::string, Offer>& agents) {
  std::map<std::string, int> counts;
  for (const auto& [id, agent] : agents) {
    if (auto there = field_of(agent, field); there && agent.active) counts[*there];
  }
  for (const Offer& agent : of_tasks) {
    if (auto there = field_of(agent, field)) ++counts[*there];
  }
  return std::all_of(counts.begin(), counts.end(), [&](const auto& count) { return counts[value] <= count.second; });
}

bool meets(const json& constraint, const Offer& agent, const std::vector<Offer>& of_tasks,
           const std::map<std::string, Offer>& agents) {
  std::string field = constraint[0], rule = constraint[1];
  std::string wanted = constraint.size() > 2 ? constraint[2].get<std::string>() : "";
  auto value = field_of(agent, field);
  // What an agent has no value of is unlike everything.
  if (!value) return rule == "UNLIKE";
  auto is_same = [&](const Offer& other) { return field_of(other, field) == value; };
  if (rule == "UNIQUE") return std::none_of(of_tasks.begin(), of_tasks.end(), is_same);
  if (rule == "GROUP_BY") return is_least_used(field, *value, of_tasks, agents);
  if (rule == "LIKE") return std::regex_match(*value, std::regex(wanted));
  if (rule == "UNLIKE") return !std::regex_match(*value, std::regex(wanted));
  // CLUSTER: on the value that is named, or where the first one is.
  if (!wanted.empty()) return *value == wanted;
  return std::all_of(of_tasks.begin(), of_tasks.end(), is_same);
}

}  // namespace

std::string constraint_mistake(const json& constraint) {
  static const std::set<std::string> rules = {"UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE"};
  bool texts = constraint.is_array() && (constraint.size() == 2 || constraint.size() == 3);
  for (const json& part : texts ? constraint : json::array()) texts = texts && part.is_string();
  if (!texts) return "every one is a list of field, operator and value";
  std::string rule = constraint[1], value = constraint.size() > 2 ? constraint[2].get<std::string>() : "";
  if (rules.count(rule) == 0) return "Invalid operator: " + rule;
  if (rule == "UNIQUE" && !value.empty()) return "Value specified but not used";
  if (rule == "GROUP_BY" && !value.empty() && !parse_integer(value)) return "Value was specified but is not a number";
  if (rule == "LIKE" || rule == "UNLIKE") {
    if (value.empty()) return "A regular expression value must be provided";
    try {
      std::regex expression(value);
    } catch (const std::regex_error&) {
      return "Invalid regular expression: " + value;
    }
  }
  return "";
}

bool meets_constraints(const json& constraints, const Offer& agent, const std::vector<Offer>& of_tasks,
                       const std::map<std::string, Offer>& agents) {
  return std::all_of(constraints.begin(), constraints.end(),
                     [&](const json& constraint) { return meets(constraint, agent, of_tasks, agents); });
}

}  // namespace standin
