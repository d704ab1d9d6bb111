#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace standin {

// A Docker container of a task: the command lines of docker, and what docker says of it.
class DockerContainer {
 public:
  DockerContainer(std::string docker, std::string name) : docker_(std::move(docker)), name_(std::move(name)) {}

  // What `docker run` is given for a task: its definition, the values of its environment, the sandbox on this host.
  std::vector<std::string> run(const nlohmann::json& task, const nlohmann::json& environment,
                               const std::string& sandbox) const;
  // Its addresses once it runs; none where it has the host's.
  std::optional<std::vector<std::string>> running() const;
  void stop(int grace_seconds) const;
  void remove() const;

 private:
  std::string docker_, name_;
};

// Where a container finds its sandbox.
constexpr const char* mounted_sandbox = "/mnt/mesos/sandbox";

// Runs a program to its end, and returns its status and what it has printed on standard output.
std::pair<int, std::string> run_to_end(const std::vector<std::string>& command);

}  // namespace standin
