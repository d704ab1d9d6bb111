#include "launcher.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "docker.hpp"
#include "executor.hpp"
#include "log.hpp"
#include "text.hpp"

extern char** environ;

namespace standin {

using nlohmann::json;

namespace {

// A descriptor that is closed at the end of its scope.
struct Socket {
  int descriptor = -1;
  ~Socket() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

std::string read_line(int socket) {
  std::string line;
  char c = 0;
  while (line.size() < 4096 && ::read(socket, &c, 1) == 1) {
    line += c;
    if (c == '\n') break;
  }
  return line;
}

std::string container_type(const json& task) {
  json container = task.value("container", json());
  return container.is_object() ? container.value("type", "") : "";
}

}  // namespace

Launcher::Launcher(const Flags& flags, const Modules& modules)
    : flags_(flags),
      network_(flags, modules),
      work_dir_(flags.text("work_dir")),
      executor_(flags.text("launcher_dir") + "/mesos-executor") {}

std::string Launcher::refusal(const json& task) const {
  std::string type = container_type(task);
  auto enabled = flags_.names("containerizers");
  std::string needed = type == "DOCKER" ? "docker" : "mesos";
  if (std::find(enabled.begin(), enabled.end(), needed) == enabled.end()) {
    return "None of the enabled containerizers (" + flags_.text("containerizers") +
           ") could create a container for the task: it needs the containerizer " + needed;
  }
  if (type == "MESOS" && (task["container"].contains("docker") || task["container"].contains("mesos"))) {
    return "This stand-in has no image store: the containerizer mesos runs commands only";
  }
  return "";
}

void Launcher::place(Task& task) const {
  const json& asked = task.record["task"];
  bool docker = container_type(asked) == "DOCKER";
  task.record["docker"] = docker ? flags_.text("docker") : "";
  task.record["own_network"] = !docker && !asked.value("network_infos", json::array()).empty() && network_.active();
  task.place.make(work_dir_);
  task.checkpoint(work_dir_);
}

bool Launcher::launch(const Task& placed, const Note& note, const std::function<bool()>& wanted) const {
  const bool own = placed.record.value("own_network", false);
  const json infos = placed.record["task"].value("network_infos", json::array());
  const std::string container = placed.place.container;
  std::vector<std::string> addresses;
  if (own) {
    addresses = network_.allocate(infos, container);
    // Noted before anything can go wrong, so that they are given back whatever happens.
    note([&](Task& task) { task.record["addresses"] = addresses; });
  }
  if (!wanted()) return false;
  Socket agent;
  ProcessId executor = spawn(placed, agent.descriptor);
  note([&](Task& task) { task.executor = executor; });
  std::string said = read_line(agent.descriptor);
  if (said != executor_ready) {
    throw std::runtime_error("Failed to launch the executor: " + (trim(said).empty() ? "it has ended" : trim(said)));
  }
  if (own) network_.isolate(infos, container, executor.pid, addresses);
  if (!wanted()) return false;
  std::string go = executor_go;
  note([](Task& task) { task.started = true; });
  // One that has ended meanwhile is found out by whoever watches tasks.
  [[maybe_unused]] ssize_t sent = ::send(agent.descriptor, go.data(), go.size(), MSG_NOSIGNAL);
  return true;
}

ProcessId Launcher::spawn(const Task& task, int& socket) const {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
  }
  socket = ends[0];
  Socket executors{ends[1]};
  std::string sandbox = task.place.sandbox(work_dir_), out = sandbox + "/stdout", err = sandbox + "/stderr";
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  sigset_t none, standard;
  sigemptyset(&none);
  sigemptyset(&standard);
  sigaddset(&standard, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &standard);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::string program = executor_, folder = task.place.meta(work_dir_);
  char* arguments[] = {program.data(), folder.data(), nullptr};
  pid_t child = 0;
  int error = ::posix_spawn(&child, program.c_str(), &files, &attributes, arguments, environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error("cannot run " + program + ": " + std::strerror(error));
  return ProcessId::of(child);
}

void Launcher::clear(const Task& task) const {
  // It was killed. One that was this agent's own is waited for; one of an earlier agent's has another parent.
  if (task.executor.pid > 0) ::waitpid(task.executor.pid, nullptr, 0);
  auto tried = [&](const std::function<void()>& step) {
    try {
      step();
    } catch (const std::exception& failure) {
      warning() << "Clearing up after " << task.id() << ": " << failure.what();
    }
  };
  if (task.record.value("own_network", false) && network_.active()) {
    if (task.executor.pid > 0) tried([&] { network_.cleanup(task.place.container); });
    // Also what was given for a launch that came to nothing.
    tried([&] { network_.release(task.place.container); });
  }
  forget_run(work_dir_, task.place);
}

void Launcher::kill_all(const Task& task) const {
  task.executor.signal(SIGKILL);
  if (task.status.is_object()) ProcessId::from(task.status.value("process", json())).signal(SIGKILL, true);
  if (task.in_docker()) DockerContainer(task.record["docker"], task.record["container_name"]).remove();
}

}  // namespace standin
