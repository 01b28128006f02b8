// SPDX-License-Identifier: Apache-2.0
//
// Invariants.
//   1. A child that has not been reaped is in its loop's list, and has an exit descriptor that is registered: a pidfd,
//      or an eventfd that a thread writes to.
//   2. A signal goes to a child only before it is reaped, when its number is nobody else's; to one with a pidfd by
//      that, which also holds if somebody else has reaped it.
//   3. Who is dropped while it runs is killed, and stays in the list until it is reaped; the end of the loop waits for
//      that. In another process than the loop's, a child of fork(), nobody is signalled and nobody reaped.
#include "detent/runtime/epoll/processes.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/epoll/pipes.h"
#include "detent/runtime/epoll/socket_descriptor.h"

namespace detent::internal {
namespace {

class EpollPrograms;

// A descriptor until somebody takes it.
class Descriptor {
 public:
  Descriptor() {}
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Take()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Close();
    fd_ = other.Take();
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  int Take() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

int Check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// Off the numbers of the standard streams, where it would be in the way while the child's are put in place.
Descriptor OffTheStandardStreams(int fd) {
  Descriptor descriptor(fd);
  if (fd > STDERR_FILENO) return descriptor;
  return Descriptor(Check(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), "fcntl"));
}

// The two ends of the pipes to a child.
class ChildPipes {
 public:
  Descriptor ours[3];
  Descriptor theirs[3];

  void Make(int stream) {
    int ends[2];
    Check(pipe2(ends, O_CLOEXEC), "pipe2");
    Descriptor reads(ends[0]);
    Descriptor writes(ends[1]);
    const bool child_reads = stream == STDIN_FILENO;
    ours[stream] = child_reads ? std::move(writes) : std::move(reads);
    theirs[stream] = OffTheStandardStreams((child_reads ? reads : writes).Take());
  }
};

class Record final : public DescriptorObserver {
 public:
  Record(EpollPrograms& programs, pid_t pid, bool has_session)
      : programs_(&programs), pid_(pid), has_session_(has_session) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  // Opens the exit descriptor. Throws std::system_error.
  void Watch(Epoll& epoll);
  void SendSignal(int signal, bool to_group);
  // As waitid(): whether it has been reaped, or nobody can do that any more.
  bool Reap(int options);
  // No more events.
  void Unwatch(Epoll& epoll);
  void OnEvents(uint32_t) override;

  bool is_reaped() const { return programs_ == nullptr; }
  pid_t pid() const { return pid_; }
  bool has_session() const { return has_session_; }
  ExitStatus status() const { return status_; }
  void SetObserver(ChildObserver* observer) { child_observer_ = observer; }
  ChildObserver* child_observer() const { return child_observer_; }
  EpollPrograms* programs() const { return programs_; }

 private:
  friend class EpollPrograms;

  EpollPrograms* programs_;  // Null once it is reaped.
  const pid_t pid_;
  const bool has_session_;
  Descriptor exit_;
  bool has_pidfd_ = false;
  std::thread waiter_;  // Without a pidfd.
  ExitStatus status_;
  ChildObserver* child_observer_ = nullptr;
};

using RecordPtr = std::shared_ptr<Record>;

class EpollPrograms final : public Programs {
 public:
  EpollPrograms(Epoll& epoll, const LoopCore& core) : epoll_(epoll), core_(core), pipes_(epoll) {}
  ~EpollPrograms() override;

  StartedChild Start(const ProgramSpec& spec) override;

  // Whether this is the process whose children these are.
  bool IsOwner() const { return !core_.IsDisowned(); }
  void OnExit(Record& record);

 private:
  pid_t Spawn(const ProgramSpec& spec, const ChildPipes& pipes) const;

  Epoll& epoll_;
  const LoopCore& core_;
  SocketDescriptors pipes_;
  std::list<RecordPtr> records_;
};

void Record::Watch(Epoll& epoll) {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (fd >= 0) {
    has_pidfd_ = true;
    exit_ = Descriptor(fd);
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
    Check(fd, "pidfd_open");
  } else {  // There are none here; or somebody has reaped it, which the thread finds out.
    exit_ = Descriptor(Check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    waiter_ = std::thread([pid = pid_, event_fd = exit_.get()] {
      siginfo_t info;
      while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
      }
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = write(event_fd, &one, sizeof(one));
    });
  }
  epoll.Add(exit_.get(), this);
}

void Record::Unwatch(Epoll& epoll) {
  if (exit_.get() < 0) return;
  epoll.Remove(exit_.get(), this);
  if (waiter_.joinable()) {
    programs_->IsOwner() ? waiter_.join() : waiter_.detach();  // fork() leaves the thread to the parent.
  }
  exit_.Close();
}

void Record::SendSignal(int signal, bool to_group) {
  if (is_reaped() || !programs_->IsOwner()) return;
  if (to_group) {
    kill(-pid_, signal);
  } else if (has_pidfd_) {
    syscall(SYS_pidfd_send_signal, exit_.get(), signal, nullptr, 0);
  } else {
    kill(pid_, signal);
  }
}

bool Record::Reap(int options) {
  siginfo_t info = {};
  int result;
  do {
    result = has_pidfd_ ? waitid(P_PIDFD, static_cast<id_t>(exit_.get()), &info, WEXITED | options)
                        : waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | options);
  } while (result != 0 && errno == EINTR);
  if (result == 0 && info.si_pid == 0) return false;
  if (result == 0)
    status_ = info.si_code == CLD_EXITED ? ExitStatus::Code(info.si_status) : ExitStatus::Signal(info.si_status);
  return true;
}

void Record::OnEvents(uint32_t) {
  if (Reap(WNOHANG)) programs_->OnExit(*this);
}

// What a Process has of its child.
class EpollChild final : public Child, private ChildObserver {
 public:
  explicit EpollChild(RecordPtr record) : record_(std::move(record)) { record_->SetObserver(this); }
  ~EpollChild() override {
    record_->SetObserver(nullptr);
    record_->SendSignal(SIGKILL, record_->has_session());
  }

  int pid() const override { return record_->pid(); }
  void SendSignal(int signal, bool to_group) override { record_->SendSignal(signal, to_group); }

 private:
  void OnExit(ExitStatus status) override {
    if (observer_ != nullptr) observer_->OnExit(status);
  }

  const RecordPtr record_;
};

EpollPrograms::~EpollPrograms() {
  for (const RecordPtr& record : records_) {
    record->SetObserver(nullptr);
    record->SendSignal(SIGKILL, record->has_session());
    if (IsOwner()) record->Reap(0);
    record->Unwatch(epoll_);
    record->programs_ = nullptr;
  }
}

void EpollPrograms::OnExit(Record& record) {
  record.Unwatch(epoll_);
  record.programs_ = nullptr;
  RecordPtr keep;
  for (auto each = records_.begin(); each != records_.end(); ++each) {
    if (each->get() != &record) continue;
    keep = std::move(*each);
    records_.erase(each);
    break;
  }
  if (record.child_observer() != nullptr) record.child_observer()->OnExit(record.status());
}

// The environment of a child: `name=value`s.
std::vector<std::string> EnvironmentOf(const ProgramSpec& spec) {
  std::vector<std::string> all;
  if (spec.keeps_environment) {
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) all.emplace_back(*each);
  }
  for (const auto& [name, value] : spec.environment) {
    const std::string begin = name + "=";
    std::erase_if(all, [&](const std::string& each) { return each.starts_with(begin); });
    if (value.has_value()) all.push_back(begin + *value);
  }
  return all;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What posix_spawn() is to do in the child, which shares our memory until it has exec'd.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  void SetStream(int number, ProcessStream stream, int pipe_end) {
    if (stream == ProcessStream::kPipe) {
      Need(posix_spawn_file_actions_adddup2(&actions_, pipe_end, number));
    } else if (stream == ProcessStream::kNull) {
      Need(posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0));
    } else if (stream == ProcessStream::kOutput) {
      Need(posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, number));
    }
  }
  void Finish(const ProgramSpec& spec) {
    Need(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    if (!spec.directory.empty()) Need(posix_spawn_file_actions_addchdir_np(&actions_, spec.directory.c_str()));
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    // Not sigfillset(): that leaves out the two of the C library, and posix_spawn() has the child ignore those then.
    std::memset(&all, 0xff, sizeof(all));
    Need(posix_spawnattr_setsigmask(&attributes_, &none));
    Need(posix_spawnattr_setsigdefault(&attributes_, &all));
    const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (spec.new_session ? POSIX_SPAWN_SETSID : 0);
    Need(posix_spawnattr_setflags(&attributes_, static_cast<int16_t>(flags)));
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  static void Need(int error) {
    if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

pid_t EpollPrograms::Spawn(const ProgramSpec& spec, const ChildPipes& pipes) const {
  const std::vector<std::string> environment = EnvironmentOf(spec);
  SpawnPlan plan;
  plan.SetStream(STDIN_FILENO, spec.in, pipes.theirs[STDIN_FILENO].get());
  plan.SetStream(STDOUT_FILENO, spec.out, pipes.theirs[STDOUT_FILENO].get());
  plan.SetStream(STDERR_FILENO, spec.err, pipes.theirs[STDERR_FILENO].get());
  plan.Finish(spec);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, spec.arguments[0].c_str(), plan.actions(), plan.attributes(),
                                 Pointers(spec.arguments).data(), Pointers(environment).data());
  if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
  return pid;
}

// 0, or the errno with which one cannot go there.
int ErrorOfDirectory(const std::string& directory) {
  struct stat info = {};
  if (directory.empty()) return 0;
  if (stat(directory.c_str(), &info) != 0) return errno;
  if (!S_ISDIR(info.st_mode)) return ENOTDIR;
  return access(directory.c_str(), X_OK) != 0 ? errno : 0;
}

StartedChild EpollPrograms::Start(const ProgramSpec& spec) {
  StartedChild started;
  try {
    ChildPipes pipes;
    const ProcessStream streams[] = {spec.in, spec.out, spec.err};
    for (int i = 0; i < 3; ++i) {
      if (streams[i] == ProcessStream::kPipe) pipes.Make(i);
    }
    const std::string& program = spec.arguments[0];
    std::unique_ptr<StreamSocket>* const ends[] = {&started.in, &started.out, &started.err};
    const char* const names[] = {"the input of ", "the output of ", "the errors of "};
    for (int i = 0; i < 3; ++i) {
      if (pipes.ours[i].get() < 0) continue;
      const auto ways = i == STDIN_FILENO ? StreamSocket::Ways::kOut : StreamSocket::Ways::kIn;
      *ends[i] = MakePipeEnd(pipes_, pipes.ours[i].Take(), ways, names[i] + program);
    }
    const pid_t pid = Spawn(spec, pipes);
    auto record = std::make_shared<Record>(*this, pid, spec.new_session);
    try {
      records_.push_back(record);
      record->Watch(epoll_);
    } catch (...) {
      kill(pid, SIGKILL);
      record->Reap(0);
      record->Unwatch(epoll_);
      records_.remove(record);
      record->programs_ = nullptr;
      throw;
    }
    started.child = std::make_unique<EpollChild>(std::move(record));
  } catch (const std::system_error& e) {
    started = StartedChild();
    const int in_directory = ErrorOfDirectory(spec.directory);
    started.failed = in_directory != 0 ? StartedChild::Failed::kDirectory : StartedChild::Failed::kProgram;
    started.error = in_directory != 0 ? in_directory : e.code().value();
  }
  return started;
}

}  // namespace

std::unique_ptr<Programs> MakeEpollPrograms(Epoll& epoll, const LoopCore& core) {
  return std::make_unique<EpollPrograms>(epoll, core);
}

}  // namespace detent::internal
