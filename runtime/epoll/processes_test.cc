// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/processes.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/process.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

int CountDescriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Whether there is neither a child nor a zombie.
bool HasNoChildren() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

Coro<int> ErrorOf(Command command) {
  try {
    (void)co_await StartProcess(std::move(command));
  } catch (const std::system_error& e) {
    co_return e.code().value();
  }
  co_return 0;
}

Coro<std::string> TextOf(Command command) {
  try {
    (void)co_await StartProcess(std::move(command));
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "no error";
}

// sp-14
TEST(EpollProcessesTest, WhoCannotBeStartedLeavesNothing) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    (void)co_await RunProcess(Command("true"));
    const int descriptors = CountDescriptors();
    EXPECT_EQ(co_await ErrorOf(Command("/no/such/program")), ENOENT);
    EXPECT_EQ(co_await ErrorOf(Command("/etc/passwd")), EACCES);
    EXPECT_EQ(co_await TextOf(Command("true").Directory("/no/such/directory")),
              "start true (the directory /no/such/directory): No such file or directory");
    EXPECT_EQ(co_await TextOf(Command("true").Directory("/etc/passwd")),
              "start true (the directory /etc/passwd): Not a directory");
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_TRUE(HasNoChildren());
  });
}

// At each number of descriptors that are left: it starts, or says that there are too few and leaves nothing.
TEST(EpollProcessesTest, TooFewDescriptorsLeaveNothing) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    (void)co_await RunProcess(Command("true"));
    const int descriptors = CountDescriptors() - 1;  // Without the folder's own.
    rlimit before = {};
    getrlimit(RLIMIT_NOFILE, &before);
    int failed = 0;
    for (int left = 0; left <= 8; ++left) {
      rlimit few = before;
      few.rlim_cur = static_cast<rlim_t>(descriptors + left);
      setrlimit(RLIMIT_NOFILE, &few);
      const int error = co_await ErrorOf(Command("sleep", "1000"));
      setrlimit(RLIMIT_NOFILE, &before);
      EXPECT_TRUE(error == 0 || error == EMFILE) << error;
      failed += error != 0 ? 1 : 0;
      while (!HasNoChildren()) co_await Sleep(absl::Milliseconds(1));
      EXPECT_EQ(CountDescriptors() - 1, descriptors);
    }
    EXPECT_GE(failed, 6);
    EXPECT_LT(failed, 9);
  });
}

TEST(EpollProcessesTest, AChildHasDefaultActionsNoMaskAndNoDescriptors) {
  const int leaked = dup(STDERR_FILENO);  // Not closed on exec.
  std::signal(SIGUSR1, SIG_IGN);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    ProcessOutput status = co_await RunProcess(Command("grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"));
    for (const std::string line : {"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"})
      EXPECT_NE(status.out.find(line), std::string::npos) << status.out;
    // Asks for each by name: who lists the folder has opened it.
    Command ask("sh", "-c", "i=3; while [ $i -le $1 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i + 1)); done", "sh");
    ProcessOutput open = co_await RunProcess(ask.Argument(std::to_string(leaked + 20)));
    EXPECT_EQ(open.out, "");
    EXPECT_EQ(open.err, "");
  });
  pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
  std::signal(SIGUSR1, SIG_DFL);
  close(leaked);
}

// In a child that fork() made, a Process goes without its program, which is the parent's.
TEST(EpollProcessesTest, AForkedChildLeavesTheProgramAlone) {
  const pid_t parent = getpid();
  {
    EpollLoop loop;
    loop.Run([]() -> Coro<> {
      Process cat = co_await StartProcess(Command("cat"), {.new_session = true});
      const pid_t forked = fork();
      if (forked == 0) {
        std::string refusal;
        try {
          cat.Kill();
        } catch (const InvalidStateError& e) {
          refusal = e.what();
        }
        const Outcome<ExitStatus> waited = co_await Settle(cat.Wait());
        if (waited.ok() || !refusal.starts_with("Process::SendSignal(): this event loop belongs to process ")) _exit(1);
        co_return;  // Drops it, and then the loop.
      }
      int status = -1;
      waitpid(forked, &status, 0);
      EXPECT_EQ(status, 0);
      co_await cat.In().Write("still here\n");
      EXPECT_EQ(co_await cat.Out().ReadLine(), "still here\n");
      cat.In().Close();
      EXPECT_EQ(co_await cat.Wait(), ExitStatus::Code(0));
    });
  }
  if (getpid() != parent) _exit(0);
}

TEST(EpollProcessesTest, AForkedChildEndsTheLoopAndLeavesTheProgramAlone) {
  Process cat;
  auto loop = std::make_unique<EpollLoop>();
  loop->Run([&]() -> Coro<> { cat = co_await StartProcess(Command("cat")); });
  const pid_t forked = fork();
  if (forked == 0) {
    loop = nullptr;
    cat = Process();
    _exit(0);
  }
  int status = -1;
  waitpid(forked, &status, 0);
  EXPECT_EQ(status, 0);
  loop->Run([&]() -> Coro<> {
    cat.In().Close();
    EXPECT_EQ(co_await cat.Wait(), ExitStatus::Code(0));
  });
}

// sp-08
TEST(EpollProcessesTest, WhoIsDroppedIsKilledAndReaped) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    const int descriptors = CountDescriptors();
    int pid = 0;
    {
      Process sleep = co_await StartProcess(Command("sleep", "1000"));
      pid = sleep.Pid();
    }
    while (kill(pid, 0) == 0) co_await Sleep(absl::Milliseconds(1));
    EXPECT_TRUE(HasNoChildren());
    EXPECT_EQ(CountDescriptors(), descriptors);
  });
}

TEST(EpollProcessesTest, TheEndOfTheLoopKillsAndReaps) {
  Process process;
  {
    EpollLoop loop;
    loop.Run([&]() -> Coro<> { process = co_await StartProcess(Command("sleep", "1000")); });
  }
  EXPECT_TRUE(HasNoChildren());
}

TEST(EpollProcessesTest, AGrandchildThatHoldsThePipesDoesNotHoldWait) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    Process shell = co_await StartProcess(Command("sh", "-c", "sleep 1000 & echo $!"));
    const std::string grandchild = co_await shell.Out().ReadLine();
    EXPECT_TRUE((co_await shell.Wait()).ok());
    Task<std::string> end = Spawn([&]() -> Coro<std::string> { co_return co_await shell.Out().Read(10); });
    co_await Sleep(absl::Milliseconds(2));
    EXPECT_FALSE(end.Done());
    kill(std::stoi(grandchild), SIGKILL);
    EXPECT_EQ(co_await end, "");
  });
}

TEST(EpollProcessesTest, AGroupIsKilledTogether) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    Process shell = co_await StartProcess(Command("sh", "-c", "sleep 1000 & echo; sleep 1000"), {.new_session = true});
    (void)co_await shell.Out().ReadLine();
    shell.KillGroup();
    EXPECT_EQ((co_await shell.Wait()).signal(), SIGKILL);
    EXPECT_EQ(co_await shell.Out().Read(10), "");  // The grandchild has it no more.
  });
}

// sp-16
TEST(EpollProcessesTest, AStatusThatSomebodyElseTookIsUnknown) {
  EpollLoop loop;
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& report) { reports.push_back(report.ToString()); });
  loop.Run([]() -> Coro<> {
    Process cat = co_await StartProcess(Command("cat"));
    cat.In().Close();
    waitpid(cat.Pid(), nullptr, 0);
    const ExitStatus status = co_await cat.Wait();
    EXPECT_FALSE(status.known());
    EXPECT_EQ(status.code(), 255);
    EXPECT_EQ(status.ToString(), "unknown");
  });
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports[0].find("is unknown: somebody else has asked the system for it"), std::string::npos) << reports[0];
}

TEST(EpollProcessesTest, AnIgnoredSigchldHangsNobody) {
  std::signal(SIGCHLD, SIG_IGN);
  EpollLoop loop;
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  loop.Run([]() -> Coro<> {
    ProcessOutput output = co_await RunProcess(Command("echo", "hello"));
    EXPECT_EQ(output.out, "hello\n");
    EXPECT_FALSE(output.status.known());
  });
  std::signal(SIGCHLD, SIG_DFL);
}

// sp-07: each step of a run is cancelled at, and nothing is left.
TEST(EpollProcessesTest, ARunThatIsCancelledAnywhereLeavesNothing) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    (void)co_await RunProcess(Command("cat"), "x");
    const int descriptors = CountDescriptors();
    for (int steps = 0; steps < 60; ++steps) {
      Task<ProcessOutput> run = Spawn(RunProcess(Command("cat"), std::string(200'000, 'x')));
      for (int i = 0; i < steps && !run.Done(); ++i) co_await Sleep(absl::Microseconds(i < 10 ? 0 : 20));
      run.Cancel();
      (void)co_await Settle(run);
      EXPECT_TRUE(HasNoChildren()) << steps;
      EXPECT_EQ(CountDescriptors(), descriptors) << steps;
    }
  });
}

// A write to a program that is gone raises no SIGPIPE, whose default would end us.
TEST(EpollProcessesTest, SigpipeIsNotRaised) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    Process gone = co_await StartProcess(Command("true"));
    (void)co_await gone.Wait();
    EXPECT_EQ((co_await Settle(gone.In().Write("x"))).ok(), false);
    // Nor is it left behind where it is blocked meanwhile.
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  });
}

// From now on this process gets ENOSYS for pidfd_open().
void ForbidPidfds() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {.len = 4, .filter = program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(77);
}

TEST(EpollProcessesDeathTest, AKernelWithoutPidfdsWillDo) {
  EXPECT_EXIT(
      {
        ForbidPidfds();
        bool ok = syscall(SYS_pidfd_open, getpid(), 0) == -1 && errno == ENOSYS;
        {
          EpollLoop loop;
          loop.Run([&]() -> Coro<> {
            ProcessOutput output = co_await RunProcess(Command("sh", "-c", "cat; exit 3"), "hello");
            ok = ok && output.out == "hello" && output.status == ExitStatus::Code(3);
            Process sleep = co_await StartProcess(Command("sleep", "1000"));
            sleep.Terminate();
            ok = ok && (co_await sleep.Wait()).signal() == SIGTERM;
            Process dropped = co_await StartProcess(Command("sleep", "1000"));
          });
        }
        _exit(ok && HasNoChildren() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace detent
