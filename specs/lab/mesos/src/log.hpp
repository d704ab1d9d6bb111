#pragma once

#include <sstream>
#include <string>

namespace standin {

enum class Level { Info, Warning, Error };

// Log lines go to standard error, and to <folder>/<program>.INFO once a folder is set; lines below the level (INFO,
// WARNING or ERROR) go nowhere.
void log_to(const std::string& folder, const std::string& program, const std::string& lowest, bool quiet);
void log_line(Level level, const std::string& text);

// One log line, written when it goes out of scope.
class Line {
 public:
  explicit Line(Level level) : level_(level) {}
  ~Line() { log_line(level_, text_.str()); }
  template <typename T>
  Line& operator<<(const T& value) {
    text_ << value;
    return *this;
  }

 private:
  Level level_;
  std::ostringstream text_;
};

inline Line info() { return Line(Level::Info); }
inline Line warning() { return Line(Level::Warning); }
inline Line error() { return Line(Level::Error); }

}  // namespace standin
