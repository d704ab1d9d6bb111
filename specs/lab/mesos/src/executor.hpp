#pragma once

#include <string>

namespace standin {

// What the agent and the executor of a task say to each other, on the executor's standard input, which is a socket: the
// executor is there, in a network of its own where the task has one; the agent has given it addresses.
constexpr const char* executor_ready = "ready\n";
constexpr const char* executor_go = "go\n";

// The files in a run's folder below meta/: the task as it was asked for, and what became of it.
constexpr const char* task_file = "/task.json";
constexpr const char* status_file = "/status.json";

// The program of one task: waits until its network is made, runs the task, and writes what becomes of it into the run's
// folder. So the task is looked after while there is no agent. Returns the exit status.
int run_executor(const std::string& folder);

}  // namespace standin
