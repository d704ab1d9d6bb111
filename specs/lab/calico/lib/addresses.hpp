// Which addresses of the pools are given out, and to whom: one key an address, so that no two hosts give the same.
#pragma once

#include <string>
#include <vector>

#include "pool.hpp"

namespace standin {

class Addresses {
 public:
  // `host` is who gives them out.
  Addresses(const Etcd& etcd, std::string host) : etcd_(etcd), host_(std::move(host)) {}

  // Free addresses of these pools, now `handle`'s; all or none.
  std::vector<std::string> take(const std::vector<Pool>& pools, std::size_t count, const std::string& handle) const;
  // These very addresses; all or none.
  void reserve(const std::vector<std::string>& addresses, const std::string& handle) const;
  // Gives back addresses; those that belong to nobody are no mistake.
  void release(const std::vector<std::string>& addresses) const;
  // Gives back all of a handle.
  void release_handle(const std::string& handle) const;
  // Whether it is given out.
  bool taken(const std::string& address) const;

 private:
  bool claim(const std::string& address, const std::string& handle) const;

  const Etcd& etcd_;
  std::string host_;
};

// Fails where one of the texts is no IPv4 address.
void check_addresses(const std::vector<std::string>& addresses);

}  // namespace standin
