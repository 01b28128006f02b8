// SPDX-License-Identifier: Apache-2.0
//
// For the tests of what a loop does in a child that fork() made.
#ifndef DETENT_RUNTIME_EPOLL_FORK_TEST_H_
#define DETENT_RUNTIME_EPOLL_FORK_TEST_H_

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "gtest/gtest.h"

namespace detent {

inline int WaitForChild(pid_t child) {
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What `body` gives in a child of this process.
inline std::string InChild(const std::function<std::string()>& body) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int out = fcntl(pipe_ends[1], F_DUPFD, 200);  // Out of the way of what `body` does to descriptors.
    const std::string text = body();
    _exit(write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(pipe_ends[1]);
  std::string text;
  char bytes[1000];
  for (ssize_t n; (n = read(pipe_ends[0], bytes, sizeof(bytes))) > 0;) text.append(bytes, static_cast<size_t>(n));
  close(pipe_ends[0]);
  EXPECT_EQ(WaitForChild(child), 0);
  return text;
}

inline std::string TextOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const InvalidStateError& e) {
    return e.what();
  }
  return "nothing was thrown";
}

inline std::string Refusal(std::string_view call) {
  return absl::StrCat(std::string(call), ": this event loop belongs to process ", getpid(),
                      ", of which this one is a fork(); call _exit() or exec() here, or make a new loop");
}

// What `fn()`, a Coro, ends with in a child, in which the loop goes on as far as it can.
template <typename F>
Coro<std::string> AwaitedInChild(F fn) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::string text = "nothing was thrown";
    try {
      co_await fn();
    } catch (const InvalidStateError& e) {
      text = e.what();
    }
    _exit(write(pipe_ends[1], text.data(), text.size()) > 0 ? 0 : 1);
  }
  close(pipe_ends[1]);
  char bytes[1000];
  const ssize_t size = read(pipe_ends[0], bytes, sizeof(bytes));
  close(pipe_ends[0]);
  EXPECT_EQ(WaitForChild(child), 0);
  co_return std::string(bytes, static_cast<size_t>(std::max<ssize_t>(size, 0)));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_EPOLL_FORK_TEST_H_
