#include "marathon-lb.hpp"
#include "text.hpp"

namespace standin {

namespace {

// Options of marathon-lb 1.3 that the stand-in accepts and does nothing for: those with a value, and those without.
const std::set<std::string> with_value = {"--ssl-certs", "--lru-cache-capacity", "--syslog-socket", "--log-format",
                                          "--log-level", "--marathon-auth-credential-file", "--auth-credentials"};
const std::set<std::string> without_value = {"--health-check", "-H", "--haproxy-map", "--dont-bind-http-https",
                                             "--skip-validation"};

int port(const std::string& option, const std::string& text) {
  auto number = parse_integer(text);
  if (!number || *number < 1 || *number > 65535) throw Mistake(option + ": " + text + " is not a port");
  return static_cast<int>(*number);
}

}  // namespace

Options read_options(const std::vector<std::string>& words) {
  if (words.empty() || (words[0] != "sse" && words[0] != "poll")) {
    throw Mistake("Unknown mode. Synopsis: run poll|sse [marathon_lb.py args]");
  }
  Options options;
  std::size_t at = 1;
  auto value = [&](const std::string& option) {
    if (at >= words.size()) throw Mistake("argument " + option + ": expected one argument");
    return words[at++];
  };
  while (at < words.size()) {
    const std::string option = words[at++];
    if (option == "--marathon" || option == "-m") {
      // As with the real one, the last list counts and those before it are forgotten.
      options.marathons.clear();
      while (at < words.size() && !starts_with(words[at], "-")) {
        std::string url = words[at++];
        if (!starts_with(url, "http://")) throw Mistake(url + ": the stand-in speaks http:// only");
        options.marathons.push_back(url.substr(7, url.find('/', 7) - 7));
      }
      if (options.marathons.empty()) throw Mistake("argument --marathon/-m: expected at least one argument");
    } else if (option == "--group") {
      options.groups.insert(value(option));
    } else if (option == "--min-serv-port-ip-per-task") {
      options.first_port = port(option, value(option));
    } else if (option == "--max-serv-port-ip-per-task") {
      options.last_port = port(option, value(option));
    } else if (with_value.count(option) != 0) {
      value(option);
    } else if (without_value.count(option) == 0) {
      throw Mistake("unrecognized arguments: " + option);
    }
  }
  if (options.marathons.empty()) throw Mistake("argument --marathon/-m is required");
  if (options.groups.empty()) throw Mistake("argument --group is required: at least one group must be specified");
  if (options.last_port < options.first_port) throw Mistake("cannot set the maximum port below the minimum port");
  return options;
}

}  // namespace standin
