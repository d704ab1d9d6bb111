// Pools: the networks that containers get their addresses from.
#pragma once

#include <string>
#include <vector>

#include "address.hpp"
#include "etcd.hpp"

namespace standin {

struct Pool {
  std::string cidr;
  Network network;
  bool ipip = false;
  bool nat_outgoing = false;
  // Whether addresses may be taken from it.
  bool gives = true;
};

std::vector<Pool> pools(const Etcd& etcd);
// The pool of this network; nothing where there is none.
std::optional<Pool> pool_at(const Etcd& etcd, const std::string& cidr);
void put_pool(const Etcd& etcd, const Pool& pool);
// Whether there was one.
bool remove_pool(const Etcd& etcd, const std::string& cidr);

}  // namespace standin
