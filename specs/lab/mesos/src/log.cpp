#include "log.hpp"

#include <sys/time.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <mutex>

#include "text.hpp"

namespace standin {

namespace {
std::mutex mutex;
std::ofstream file;
bool silent = false;
Level lowest_level = Level::Info;
}  // namespace

void log_to(const std::string& folder, const std::string& program, const std::string& lowest, bool quiet) {
  std::lock_guard<std::mutex> lock(mutex);
  silent = quiet;
  lowest_level = lowest == "ERROR" ? Level::Error : lowest == "WARNING" ? Level::Warning : Level::Info;
  if (folder.empty()) return;
  make_folders(folder);
  std::string path = folder + "/" + program + ".INFO";
  file.open(path, std::ios::app);
  if (!file) throw Mistake("cannot write the log " + path + ": " + std::strerror(errno));
}

void log_line(Level level, const std::string& text) {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  std::tm local{};
  ::localtime_r(&now.tv_sec, &local);
  char stamp[64];
  std::snprintf(stamp, sizeof stamp, "%c%02d%02d %02d:%02d:%02d.%06ld ", "IWE"[static_cast<int>(level)],
                local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                static_cast<long>(now.tv_usec));
  std::lock_guard<std::mutex> lock(mutex);
  if (level < lowest_level) return;
  if (!silent || level == Level::Error) std::cerr << stamp << text << std::endl;
  if (file.is_open()) file << stamp << text << std::endl;
}

}  // namespace standin
