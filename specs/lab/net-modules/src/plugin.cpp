#include "plugin.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

extern char** environ;

namespace {

struct Pipe {
  int ends[2] = {-1, -1};

  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) ends[0] = ends[1] = -1;
  }
  ~Pipe() {
    close(0);
    close(1);
  }
  void close(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

// The program gets the agent's environment, which says where etcd is, and none of the signals that the agent blocks.
int start(pid_t& child, const std::string& program, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, in.ends[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, out.ends[1], STDOUT_FILENO);
  sigset_t none, standard;
  sigemptyset(&none);
  sigemptyset(&standard);
  sigaddset(&standard, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &standard);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
  int error = ::posix_spawn(&child, program.c_str(), &files, &attributes, arguments, environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

bool run_plugin(const std::string& program, const std::string& call, char* answer, std::size_t size) {
  Pipe in, out;
  pid_t child = 0;
  int error = in.ends[0] < 0 || out.ends[0] < 0 ? errno : start(child, program, in, out);
  if (error != 0) {
    std::snprintf(answer, size, "cannot run %s: %s", program.c_str(), std::strerror(error));
    return false;
  }
  in.close(0);
  out.close(1);
  // A program that ends without having read everything is no mistake here: what it prints says what it thinks.
  for (std::size_t sent = 0; sent < call.size();) {
    ssize_t count = ::write(in.ends[1], call.data() + sent, call.size() - sent);
    if (count < 0 && errno != EINTR) break;
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  in.close(1);
  std::size_t had = 0;
  while (had + 1 < size) {
    ssize_t count = ::read(out.ends[0], answer + had, size - 1 - had);
    if (count == 0 || (count < 0 && errno != EINTR)) break;
    if (count > 0) had += static_cast<std::size_t>(count);
  }
  answer[had] = '\0';
  out.close(0);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return true;
}
