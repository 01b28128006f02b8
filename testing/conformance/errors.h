// SPDX-License-Identifier: Apache-2.0
//
// The errors of programs, and the names that errors have in traces.
#ifndef DETENT_TESTING_CONFORMANCE_ERRORS_H_
#define DETENT_TESTING_CONFORMANCE_ERRORS_H_

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace detent_testing::conformance {

// E1 to E5: what programs raise.
class ProgramError : public std::exception {
 public:
  explicit ProgramError(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }
  const char* what() const noexcept override { return name_.c_str(); }

 private:
  std::string name_;
};

// Bytes of a stream: without ends of lines.
std::string Quoted(const std::string& bytes);

// "E1", "Cancelled", "Group(E1,Timeout)". CPython raises RuntimeError or ValueError for much of what is an
// InvalidStateError here: `invalid_state` is what the call in question raises there.
std::string NameOfError(const std::exception_ptr& error, std::string_view invalid_state = "InvalidState");

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_ERRORS_H_
