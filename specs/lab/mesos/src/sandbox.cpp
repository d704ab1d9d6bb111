#include "sandbox.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "text.hpp"

namespace standin {

namespace {

std::string below(const std::string& folder, const RunPlace& place) {
  return folder + "/slaves/" + place.agent + "/frameworks/" + place.framework + "/executors/" + place.task + "/runs/" +
         place.container;
}

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (!entry.is_symlink(error) && entry.is_directory(error)) names.push_back(entry.path().filename().string());
  }
  return names;
}

}  // namespace

std::string RunPlace::sandbox(const std::string& work_dir) const { return below(work_dir, *this); }

std::string RunPlace::meta(const std::string& work_dir) const { return below(work_dir + "/meta", *this); }

void RunPlace::make(const std::string& work_dir) const {
  make_folders(sandbox(work_dir));
  make_folders(meta(work_dir));
  std::string runs = sandbox(work_dir).substr(0, sandbox(work_dir).rfind('/'));
  std::string link = runs + "/latest.new";
  ::unlink(link.c_str());
  if (::symlink(container.c_str(), link.c_str()) != 0 || std::rename(link.c_str(), (runs + "/latest").c_str()) != 0) {
    throw std::runtime_error("cannot write " + runs + "/latest: " + std::strerror(errno));
  }
}

std::vector<RunPlace> find_runs(const std::string& work_dir) {
  std::vector<RunPlace> found;
  const std::string slaves = work_dir + "/meta/slaves";
  for (const auto& agent : folders_in(slaves)) {
    const std::string frameworks = slaves + "/" + agent + "/frameworks";
    for (const auto& framework : folders_in(frameworks)) {
      const std::string executors = frameworks + "/" + framework + "/executors";
      for (const auto& task : folders_in(executors)) {
        for (const auto& container : folders_in(executors + "/" + task + "/runs")) {
          found.push_back({agent, framework, task, container});
        }
      }
    }
  }
  return found;
}

void forget_run(const std::string& work_dir, const RunPlace& place) {
  std::error_code error;
  std::filesystem::path run = place.meta(work_dir);
  std::filesystem::remove_all(run, error);
  // runs and the executor's folder go with the last run in them.
  std::filesystem::remove(run.parent_path(), error);
  std::filesystem::remove(run.parent_path().parent_path(), error);
}

}  // namespace standin
