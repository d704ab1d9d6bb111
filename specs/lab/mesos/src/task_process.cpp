#include "task_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

#include "text.hpp"

extern char** environ;

namespace standin {

using nlohmann::json;

namespace {

// The agent's own environment without its flags, and what is the task's.
std::map<std::string, std::string> task_environment(const json& record, bool in_docker) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string variable = *entry;
    auto equals = variable.find('=');
    if (!starts_with(variable, "MESOS_") && !starts_with(variable, "SSL_") && equals != std::string::npos) {
      all[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
  }
  if (in_docker) return all;
  for (const auto& item : record["environment"].items()) all[item.key()] = item.value().get<std::string>();
  return all;
}

std::vector<std::string> command_line(const json& record, const DockerContainer* docker) {
  const json& task = record["task"];
  if (docker != nullptr) {
    json environment = record["environment"];
    environment["MESOS_SANDBOX"] = mounted_sandbox;
    return docker->run(task, environment, record["sandbox"]);
  }
  json command = task.value("command", json::object());
  std::string shell = command.value("value", "");
  if (!shell.empty()) return {"/bin/sh", "-c", shell};
  std::vector<std::string> line;
  for (const json& argument : command.value("arguments", json::array())) line.push_back(argument.get<std::string>());
  if (line.empty()) throw std::runtime_error("the task has no command");
  return line;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

[[noreturn]] void fail(const std::string& what) {
  std::string text = what + ": " + std::strerror(errno) + "\n";
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) ::_exit(126);
  ::_exit(127);
}

void become(const std::string& user) {
  const passwd* known = ::getpwnam(user.c_str());
  if (known == nullptr) fail("no user " + user);
  if (::initgroups(user.c_str(), known->pw_gid) != 0 || ::setgid(known->pw_gid) != 0 || ::setuid(known->pw_uid) != 0) {
    fail("cannot become " + user);
  }
}

}  // namespace

pid_t start_task(const json& record, const DockerContainer* docker) {
  std::vector<std::string> line = command_line(record, docker), variables;
  for (const auto& [name, value] : task_environment(record, docker != nullptr)) variables.push_back(name + "=" + value);
  auto arguments = pointers(line), environment = pointers(variables);
  const std::string sandbox = record["sandbox"], user = docker == nullptr ? record["task"].value("user", "") : "";
  pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child > 0) return child;
  ::setsid();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  if (nothing != STDIN_FILENO) ::close(nothing);
  if (::chdir(sandbox.c_str()) != 0) fail(sandbox);
  if (!user.empty()) become(user);
  ::execvpe(arguments[0], arguments.data(), environment.data());
  fail(line[0]);
}

std::string last_words(const std::string& sandbox) {
  constexpr std::size_t enough = 1000;
  std::string text;
  try {
    text = trim(read_file(sandbox + "/stderr"));
  } catch (const Mistake&) {
    return "it has said nothing";
  }
  if (text.size() <= enough) return text.empty() ? "it has said nothing" : text;
  return text.substr(text.size() - enough);
}

}  // namespace standin
