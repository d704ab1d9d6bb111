#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

// What is wrong with a call; the text is the answer's "error".
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Which address belongs to whom, in a file that one process at a time holds.
class Addresses {
 public:
  // Waits for the file. Throws a Refused when it cannot be had.
  Addresses(const std::string& folder, const std::string& pool);
  ~Addresses();
  Addresses(const Addresses&) = delete;

  // The next `count` free addresses of the pool, now `owner`'s.
  std::vector<std::string> allocate(long count, const std::string& owner);
  // These very addresses; all or none.
  void reserve(const std::vector<std::string>& addresses, const std::string& owner);
  // Gives back addresses; those that belong to nobody are no mistake.
  void release(const std::vector<std::string>& addresses);
  // Notes that addresses, which must have been given out, are a container's.
  void assign(const std::vector<std::string>& addresses, const std::string& container);
  // Forgets a container; its addresses stay given out until they are released.
  void forget(const std::string& container);
  // Writes what was changed.
  void save();

 private:
  std::string file_;
  int lock_;
  unsigned first_, count_;
  nlohmann::json owners_;  // address → {"owner", "container"}
};

// "10.0.0.1" as a number; throws a Refused.
unsigned parse_address(const std::string& text);
