#include "networks.hpp"

#include <cstdio>
#include <sstream>

namespace standin {

std::map<std::string, std::string> network_names() {
  std::map<std::string, std::string> names;
  const char* command = "timeout 10 docker network ls --no-trunc --format '{{.ID}} {{.Name}}' 2>/dev/null";
  FILE* answer = popen(command, "r");
  if (answer == nullptr) return names;
  std::string text;
  char buffer[4096];
  for (std::size_t count; (count = fread(buffer, 1, sizeof buffer, answer)) > 0;) text.append(buffer, count);
  pclose(answer);
  std::istringstream lines(text);
  for (std::string id, name; lines >> id >> name;) names[id] = name;
  return names;
}

std::optional<Profile> profile_called(const Etcd& etcd, const std::string& name) {
  if (auto profile = profile_at(etcd, name)) return profile;
  for (const auto& [id, called] : network_names()) {
    if (called == name) return profile_at(etcd, id);
  }
  return std::nullopt;
}

}  // namespace standin
