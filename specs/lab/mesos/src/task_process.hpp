#pragma once

#include <sys/types.h>

#include <string>

#include <nlohmann/json.hpp>

#include "docker.hpp"

namespace standin {

// Starts what a task runs, by what the agent has noted of it: its command, or `docker run`, in a session of its own,
// with the sandbox as its folder. Throws std::runtime_error.
pid_t start_task(const nlohmann::json& record, const DockerContainer* docker);

// The end of what was written to standard error in a sandbox.
std::string last_words(const std::string& sandbox);

}  // namespace standin
