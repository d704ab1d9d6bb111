#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace standin {

// Something that the operator must put right; the text says what.
struct Mistake : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string trim(const std::string& text);
// The parts between separators, trimmed, empty ones left out.
std::vector<std::string> split(const std::string& text, char separator);
bool starts_with(const std::string& text, const std::string& prefix);
bool ends_with(const std::string& text, const std::string& suffix);

// The whole file; throws a Mistake that names it.
std::string read_file(const std::string& path);
// Replaces the file in one step; throws std::runtime_error.
void write_file(const std::string& path, const std::string& content);
// Makes the folder and those above it; throws a Mistake.
void make_folders(const std::string& path);

// "10secs", "1.5mins": what Mesos calls a duration.
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);
std::optional<long> parse_integer(const std::string& text);
std::optional<double> parse_number(const std::string& text);

// A random identity like 1c5e6f70-….
std::string random_id();
double seconds_since_epoch();

// The name of this host, and an address that it resolves to, or 127.0.0.1.
std::string host_name();
std::string address_of(const std::string& host);

}  // namespace standin
