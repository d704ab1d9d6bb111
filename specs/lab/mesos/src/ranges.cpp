#include "ranges.hpp"

#include "text.hpp"

namespace standin {

std::set<int> parse_ranges(const std::string& text) {
  std::set<int> numbers;
  std::string inside = trim(text);
  if (inside.size() < 2 || inside.front() != '[' || inside.back() != ']') return numbers;
  for (const std::string& range : split(inside.substr(1, inside.size() - 2), ',')) {
    auto dash = range.find('-');
    auto first = parse_integer(range.substr(0, dash));
    auto last = dash == std::string::npos ? first : parse_integer(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last > 65535) return {};
    for (long number = *first; number <= *last; ++number) numbers.insert(static_cast<int>(number));
  }
  return numbers;
}

std::string format_ranges(const std::set<int>& numbers) {
  std::string text;
  for (auto number = numbers.begin(); number != numbers.end();) {
    int first = *number, last = first;
    while (++number != numbers.end() && *number == last + 1) last = *number;
    text += (text.empty() ? "" : ", ") + std::to_string(first) + "-" + std::to_string(last);
  }
  return "[" + text + "]";
}

}  // namespace standin
