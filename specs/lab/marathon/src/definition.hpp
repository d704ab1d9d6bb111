#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "master.hpp"

namespace standin {

// How many ports of its host a task of the app has.
std::size_t count_ports(const nlohmann::json& app);

// /a/b as a_b.<uuid>.
std::string new_task_id(const std::string& app);

// What an agent is asked for to launch a task of an app, by Mesos' names.
nlohmann::json task_definition(const nlohmann::json& app, const std::string& id, const Offer& agent,
                               const std::vector<int>& ports);

}  // namespace standin
