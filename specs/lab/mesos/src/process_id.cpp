#include "process_id.hpp"

#include <signal.h>

#include <fstream>
#include <sstream>
#include <string>

namespace standin {

ProcessId ProcessId::of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name, in parentheses, may hold anything.
  auto end = line.rfind(')');
  if (pid <= 0 || end == std::string::npos) return {pid, 0};
  std::istringstream fields(line.substr(end + 1));
  std::string field, state;
  fields >> state;
  // What has ended and was not waited for yet runs no longer.
  if (state == "Z" || state == "X") return {pid, 0};
  constexpr int start_time = 22, first = 4;
  for (int number = first; number < start_time; ++number) fields >> field;
  ProcessId id{pid, 0};
  fields >> id.start;
  return id;
}

ProcessId ProcessId::from(const nlohmann::json& json) {
  if (!json.is_object()) return {};
  return {json.value("pid", 0), json.value("start", 0ULL)};
}

bool ProcessId::alive() const { return start != 0 && of(pid).start == start; }

void ProcessId::signal(int number, bool group) const {
  if (alive()) ::kill(group ? -pid : pid, number);
}

}  // namespace standin
