#include "text.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

namespace standin {

std::string trim(const std::string& text) {
  const char* blank = " \t\r\n";
  auto begin = text.find_first_not_of(blank);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    part = trim(part);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  struct stat info {};
  if (file && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) throw Mistake(path + " is a folder");
  if (!file) throw Mistake("cannot read " + path + ": " + std::strerror(errno));
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& content) {
  std::string scratch = path + ".new";
  std::ofstream file(scratch, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file || std::rename(scratch.c_str(), path.c_str()) != 0) {
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  }
}

void make_folders(const std::string& path) {
  for (std::size_t end = 1; end != std::string::npos;) {
    end = path.find('/', end + 1);
    std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
      throw Mistake("cannot make the folder " + part + ": " + std::strerror(errno));
    }
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) throw Mistake(path + " is not a folder");
}

std::optional<double> parse_number(const std::string& text) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text[0]))) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<long> parse_integer(const std::string& text) {
  if (text.empty() || text.find_first_not_of("-0123456789") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  long value = std::strtol(text.c_str(), &end, 10);
  if (*end != '\0' || errno != 0) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  static const std::map<std::string, double> units = {
      {"ns", 1e-6},     {"us", 1e-3},       {"ms", 1.0},           {"secs", 1e3},
      {"mins", 60e3},   {"hrs", 3600e3},    {"days", 86400e3},     {"weeks", 604800e3},
  };
  auto unit = text.find_first_not_of("0123456789.");
  if (unit == std::string::npos || unit == 0) return std::nullopt;
  auto factor = units.find(text.substr(unit));
  auto number = parse_number(text.substr(0, unit));
  if (factor == units.end() || !number) return std::nullopt;
  return std::chrono::milliseconds(static_cast<long long>(*number * factor->second));
}

std::string random_id() {
  std::random_device random;
  std::string id;
  for (int digits : {8, 4, 4, 4, 12}) {
    if (!id.empty()) id += '-';
    for (int i = 0; i < digits; ++i) id += "0123456789abcdef"[random() % 16];
  }
  return id;
}

double seconds_since_epoch() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

std::string address_of(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) return "127.0.0.1";
  char address[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(found->ai_addr)->sin_addr, address, sizeof address);
  ::freeaddrinfo(found);
  return address;
}

}  // namespace standin
