// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/epoll.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// From now on epoll_pwait2 gives `error`, as where a container's filter does not know it. False if that cannot be had.
bool RefuseEpollPwait2(int error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {.len = 4, .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
         syscall(SYS_epoll_pwait2, -1, nullptr, 0, nullptr, nullptr, 0) == -1 && errno == error;
}

// In a child process: the filter stays for good.
void SleepWithoutEpollPwait2(int error) {
  if (!RefuseEpollPwait2(error)) _exit(2);
  try {
    detent::Run([]() -> Coro<> { co_await Sleep(absl::Milliseconds(1)); });
  } catch (const std::exception&) {
    _exit(1);
  }
  _exit(0);
}

TEST(EpollTest, DoesWithoutTheNewerCallWhereItIsUnknownOrForbidden) {
  for (const int error : {ENOSYS, EPERM}) {
    EXPECT_EXIT(SleepWithoutEpollPwait2(error), ::testing::ExitedWithCode(0), "");
  }
}

// Each time that it is told of its descriptor, there is something new.
class Endless final : public internal::DescriptorObserver {
 public:
  explicit Endless(int& told) : told_(told), fd_(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Endless(const Endless&) = delete;
  ~Endless() { close(fd_); }

  int fd() const { return fd_; }
  void OnEvents(uint32_t) override {
    const uint64_t one = 1;
    // Not quite endless, so that the test fails where it would hang.
    if (++told_ >= kEnough) return;
    EXPECT_EQ(write(fd_, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }

  static constexpr int kEnough = 1'000'000;

 private:
  int& told_;
  const int fd_;
};

TEST(EpollTest, DescriptorsThatAlwaysHaveMoreLeaveThePollAnEnd) {
  internal::Epoll epoll;
  int told = 0;
  std::vector<std::unique_ptr<Endless>> observers;
  for (int i = 0; i < 300; ++i) {
    observers.push_back(std::make_unique<Endless>(told));
    epoll.Add(observers.back()->fd(), observers.back().get());
  }
  epoll.Poll();
  EXPECT_GE(told, 300);
  EXPECT_LT(told, 10'000);
  const int before = told;
  epoll.Wait(absl::ZeroDuration());  // What was left is found.
  EXPECT_GT(told, before);
  for (const auto& observer : observers) epoll.Remove(observer->fd(), observer.get());
}

}  // namespace
}  // namespace detent
