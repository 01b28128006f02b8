// SPDX-License-Identifier: Apache-2.0
//
// ExitStatus: how a program ended: with a code, by a signal, or in a way that nobody could find out.
#ifndef DETENT_RUNTIME_IO_INTERNAL_EXIT_STATUS_H_
#define DETENT_RUNTIME_IO_INTERNAL_EXIT_STATUS_H_

#include <string>

namespace detent {

class ExitStatus {
 public:
  // Unknown.
  ExitStatus() {}
  static ExitStatus Code(int code) { return ExitStatus(code, 0); }
  static ExitStatus Signal(int signal) { return ExitStatus(128 + signal, signal); }

  // Whether it returned 0.
  bool ok() const { return code_ == 0; }
  // What it returned. Never 0 if it did not: 128 and the signal's number, as a shell says it, or 255 if it is unknown.
  int code() const { return code_; }
  // The signal that ended it; 0 for none.
  int signal() const { return signal_; }
  // False if somebody else had asked the system first: a wait() for any child elsewhere in the process, or a SIGCHLD
  // that is ignored.
  bool known() const { return known_; }

  // `exit code 3`, `ended by SIGTERM`, `unknown`.
  std::string ToString() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;

 private:
  ExitStatus(int code, int signal) : code_(code), signal_(signal), known_(true) {}

  int code_ = 255;
  int signal_ = 0;
  bool known_ = false;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_INTERNAL_EXIT_STATUS_H_
