// A client of etcd's API of version 2, plain or over TLS, set up from the environment as Calico's programs are.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "environment.hpp"

namespace standin {

class Etcd {
 public:
  // Reads ETCD_AUTHORITY, ETCD_SCHEME and the names of the TLS files.
  Etcd();

  // The value at a key; nothing where there is none.
  std::optional<std::string> get(const std::string& key) const;
  // All values below a folder, by what comes after the folder in their keys.
  std::map<std::string, std::string> below(const std::string& folder) const;
  void put(const std::string& key, const std::string& value) const;
  // Whether there was nothing at the key, so that the value is there now: of several who try, one succeeds.
  bool create(const std::string& key, const std::string& value) const;
  // Whether there was something to remove.
  bool remove(const std::string& key) const;

  const std::string& authority() const { return authority_; }

 private:
  // `query` begins with a question mark, where there is one.
  nlohmann::json ask(const std::string& method, const std::string& key, const std::string& query,
                     const std::string& form, int& status) const;

  std::string authority_;
  bool secure_;
};

}  // namespace standin
