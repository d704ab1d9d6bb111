#include "docker.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

std::string quoted_word(const std::string& word) {
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// A key that is not there, and one that is null, are the same.
json part(const json& of, const char* key, json otherwise) {
  auto found = of.is_object() ? of.find(key) : of.end();
  return of.is_object() && found != of.end() && !found->is_null() ? *found : otherwise;
}

// The network that the definition names, unless its parameters do: docker takes only one.
void add_network(std::vector<std::string>& line, const json& task, const json& docker) {
  for (const json& parameter : part(docker, "parameters", json::array())) {
    std::string key = parameter.value("key", "");
    if (key == "net" || key == "network") return;
  }
  std::string network = part(docker, "network", "HOST");
  std::transform(network.begin(), network.end(), network.begin(), [](unsigned char c) { return std::tolower(c); });
  if (network == "user") {
    for (const json& info : part(task, "network_infos", json::array())) network = part(info, "name", network);
  }
  line.insert(line.end(), {"--net", network});
}

// Docker has a port of the host for each port that a bridged container shows.
void add_ports(std::vector<std::string>& line, const json& task, const json& docker) {
  if (part(docker, "network", "") != "BRIDGE") return;
  json ports = part(task, "ports", json::array());
  std::size_t index = 0;
  for (const json& mapping : part(docker, "portMappings", json::array())) {
    int host = index < ports.size() ? ports[index].get<int>() : mapping.value("hostPort", 0);
    int inside = mapping.value("containerPort", 0);
    line.insert(line.end(), {"-p", std::to_string(host) + ":" + std::to_string(inside == 0 ? host : inside) + "/" +
                                       mapping.value("protocol", "tcp")});
    ++index;
  }
}

}  // namespace

std::vector<std::string> DockerContainer::run(const json& task, const json& environment,
                                              const std::string& sandbox) const {
  json container = part(task, "container", json::object());
  json docker = part(container, "docker", json::object());
  json resources = part(task, "resources", json::object());
  auto shares = std::max(2L, std::lround(1024 * resources.value("cpus", 0.0)));
  auto megabytes = std::max(4L, std::lround(resources.value("mem", 0.0)));
  std::vector<std::string> line = {docker_, "run", "--cpu-shares", std::to_string(shares), "--memory",
                                   std::to_string(megabytes) + "m"};
  for (const auto& variable : environment.items()) {
    line.insert(line.end(), {"-e", variable.key() + "=" + variable.value().get<std::string>()});
  }
  for (const json& volume : part(container, "volumes", json::array())) {
    std::string mode = part(volume, "mode", "RW");
    line.insert(line.end(), {"-v", volume.value("hostPath", "") + ":" + volume.value("containerPath", "") +
                                       (mode == "RO" ? ":ro" : ":rw")});
  }
  line.insert(line.end(), {"-v", sandbox + ":" + mounted_sandbox});
  if (part(docker, "privileged", false)) line.push_back("--privileged");
  add_network(line, task, docker);
  add_ports(line, task, docker);
  for (const json& parameter : part(docker, "parameters", json::array())) {
    line.push_back("--" + parameter.value("key", "") + "=" + parameter.value("value", ""));
  }
  line.insert(line.end(), {"--name", name_});
  json command = part(task, "command", json::object());
  std::string shell = command.value("value", "");
  if (!shell.empty()) line.insert(line.end(), {"--entrypoint", "/bin/sh"});
  line.push_back(docker.value("image", ""));
  if (!shell.empty()) line.insert(line.end(), {"-c", shell});
  for (const json& argument : command.value("arguments", json::array())) line.push_back(argument.get<std::string>());
  return line;
}

std::optional<std::vector<std::string>> DockerContainer::running() const {
  auto [status, printed] = run_to_end(
      {docker_, "inspect", "-f",
       "{{.State.Running}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}", name_});
  auto words = split(printed, ' ');
  if (status != 0 || words.empty() || words[0] != "true") return std::nullopt;
  return std::vector<std::string>(words.begin() + 1, words.end());
}

void DockerContainer::stop(int grace_seconds) const {
  run_to_end({docker_, "stop", "-t", std::to_string(grace_seconds), name_});
}

void DockerContainer::remove() const { run_to_end({docker_, "rm", "-f", "-v", name_}); }

std::pair<int, std::string> run_to_end(const std::vector<std::string>& command) {
  std::string line;
  for (const auto& word : command) line += quoted_word(word) + " ";
  FILE* pipe = ::popen((line + "2>/dev/null </dev/null").c_str(), "re");
  if (pipe == nullptr) return {-1, ""};
  std::string printed;
  char buffer[1024];
  while (std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) printed.append(buffer, count);
  int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, trim(printed)};
}

}  // namespace standin
