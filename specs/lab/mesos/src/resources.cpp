#include "resources.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

// Calls `take(key, value)` for each part of "key:value;key:value".
template <typename Take>
void each_pair(const std::string& flag, const std::string& text, Take take) {
  for (const std::string& pair : split(text, ';')) {
    auto colon = pair.find(':');
    std::string key = trim(pair.substr(0, colon));
    std::string value = colon == std::string::npos ? "" : trim(pair.substr(colon + 1));
    if (key.empty() || value.empty()) {
      throw Mistake("Failed to load flag '" + flag + "': '" + pair + "' is not key:value");
    }
    take(key, value);
  }
}

bool is_range_or_set(const std::string& value) {
  return (value.front() == '[' && value.back() == ']') || (value.front() == '{' && value.back() == '}');
}

void take_json_resources(const std::string& text, json& resources) {
  json list = json::parse(text, nullptr, false);
  if (!list.is_array()) throw Mistake("Failed to load flag 'resources': it is not a JSON list of resources");
  for (const json& item : list) {
    if (!item.is_object() || !item.contains("name") || !item["name"].is_string()) {
      throw Mistake("Failed to load flag 'resources': a resource has no name");
    }
    std::string name = item["name"];
    bool scalar = item.contains("scalar") && item["scalar"].is_object() && item["scalar"].contains("value");
    resources[name] = scalar ? item["scalar"]["value"] : item.value("ranges", item.value("set", json::object()));
  }
}

}  // namespace

json parse_attributes(const std::string& text) {
  json attributes = json::object();
  each_pair("attributes", text, [&](const std::string& key, const std::string& value) {
    auto number = parse_number(value);
    if (number) {
      attributes[key] = *number;
    } else {
      attributes[key] = value;
    }
  });
  return attributes;
}

json parse_resources(const std::string& raw, const std::string& work_dir) {
  json resources = json::object();
  std::string text = trim(raw);
  if (starts_with(text, "/")) text = trim(read_file(text));
  if (starts_with(text, "[")) {
    take_json_resources(text, resources);
  } else {
    each_pair("resources", text, [&](const std::string& role_key, const std::string& value) {
      std::string key = trim(role_key.substr(0, role_key.find('(')));
      auto number = parse_number(value);
      if (number) {
        if (*number < 0) throw Mistake("Failed to load flag 'resources': " + key + " is negative");
        resources[key] = resources.value(key, 0.0) + *number;
      } else if (is_range_or_set(value)) {
        resources[key] = value;
      } else {
        throw Mistake("Failed to load flag 'resources': '" + value + "' of " + key +
                      " is not a number, [range] or {set}");
      }
    });
  }
  // As the real agent does: a part is left to the system.
  if (!resources.contains("cpus")) resources["cpus"] = std::max(1u, std::thread::hardware_concurrency());
  if (!resources.contains("mem")) {
    long megabytes = ::sysconf(_SC_PHYS_PAGES) / (1024 * 1024 / ::sysconf(_SC_PAGESIZE));
    resources["mem"] = megabytes > 2048 ? megabytes - 1024 : megabytes / 2;
  }
  if (!resources.contains("disk")) {
    struct statvfs disk {};
    long megabytes = 0;
    if (::statvfs(work_dir.c_str(), &disk) == 0) megabytes = disk.f_blocks / (1024 * 1024 / disk.f_frsize);
    resources["disk"] = megabytes > 10240 ? megabytes - 5120 : megabytes / 2;
  }
  if (!resources.contains("ports")) resources["ports"] = "[31000-32000]";
  return resources;
}

}  // namespace standin
