#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "master.hpp"

namespace standin {

// What is wrong with a constraint; empty where nothing is.
std::string constraint_mistake(const nlohmann::json& constraint);

// Whether a further task of an app may be on an agent, by the constraints of the app and the agents that its tasks are
// on (each as often as it has one).
bool meets_constraints(const nlohmann::json& constraints, const Offer& agent, const std::vector<Offer>& of_tasks,
                       const std::map<std::string, Offer>& agents);

}  // namespace standin
