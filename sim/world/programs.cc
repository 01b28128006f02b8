// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/programs.h"

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/io/internal/signal_numbers.h"
#include "detent/runtime/outcome.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/home_loop.h"
#include "detent/sim/world/memory_pipe.h"

namespace detent::sim {
namespace {

constexpr int kFirstPid = 1000;
constexpr int kStreams = 3;

}  // namespace

// A process: kept by its own task, by the handle, and while its end is under way.
class SimChild final : public std::enable_shared_from_this<SimChild>, private Arrival {
 public:
  SimChild(EventLoop& loop, Arrivals& arrivals, const internal::ProgramSpec& spec, int pid)
      : context(spec),
        loop_(loop),
        arrivals_(arrivals),
        name_(spec.arguments[0]),
        pid_(pid),
        stream_(loop.NewStream("process")),
        home_(loop.core().home()) {}

  void SetStream(int number, std::unique_ptr<internal::StreamSocket> socket) {
    Connection connection(internal::Ref<internal::ConnectionState>(
        new internal::ConnectionState(loop_.core(), std::move(socket), std::source_location())));
    Connection* const streams[kStreams] = {&context.in_, &context.out_, &context.err_};
    *streams[number] = std::move(connection);
  }
  void Begin(Program program) {
    task_ = Spawn(Main(shared_from_this(), std::move(program)), {.name = name_, .unwind = Unwind::kDestroy});
  }
  void SendSignal(int signal) {
    if (has_ended_ || !internal::EndsProgram(signal)) return;
    if ((context.ignored_ & internal::BitOfSignal(signal)) != 0) return;
    End(ExitStatus::Signal(signal));
    task_.Cancel();
  }

  int pid() const { return pid_; }
  void SetObserver(internal::ChildObserver* observer) { observer_ = observer; }

  ProcessContext context;

 private:
  // Ends a process whose frame is destroyed before it has ended, as at the end of a run.
  class Killed {
   public:
    explicit Killed(SimChild& child) : child_(child) {}
    Killed(const Killed&) = delete;
    Killed& operator=(const Killed&) = delete;
    ~Killed() { child_.End(ExitStatus::Signal(internal::kKillSignal)); }

   private:
    SimChild& child_;
  };

  static Coro<> Main(std::shared_ptr<SimChild> self, Program program) {
    const Killed killed(*self);
    const Outcome<int> outcome = co_await Settle(program(self->context));
    self->End(outcome.ok() ? ExitStatus::Code(outcome.value() & 0xff) : ExitStatus::Signal(internal::kAbortSignal));
  }
  // The process is no more; its parent learns of that later.
  void End(ExitStatus status) {
    if (std::exchange(has_ended_, true)) return;
    status_ = status;
    for (Connection* const stream : {&context.in_, &context.out_, &context.err_}) {
      if (*stream) stream->Close();
    }
    internal::LoopCore& core = loop_.core();
    if (core.tearing_down) return;
    internal::NoteUnknownAccess(core);
    const uint32_t delay = ChooseDoublings(loop_, ChoiceKind::kLatency, stream_, Calm::kAtOnce,
                                           [this] { return absl::StrCat("the news of ", Describe()); });
    if (delay == 0) return Arrive();
    self_ = shared_from_this();
    arrivals_.Add(*this, core.now + kDelay * (1 << delay), Range(core.now, core.now + kDelayMax));
  }
  void Arrive() override {
    std::optional<HomeScope> its_home;
    if (home_ != nullptr) its_home.emplace(loop_.core(), *home_, /*source=*/0);
    const std::shared_ptr<SimChild> keep = std::move(self_);
    if (observer_ != nullptr) observer_->OnExit(status_);
  }
  const internal::Home* home() const override { return home_; }
  void Drop() override { self_ = nullptr; }
  std::string Describe() const override { return absl::StrCat("the end of process ", name_); }
  uint64_t Stream() const override { return stream_; }

  EventLoop& loop_;
  Arrivals& arrivals_;
  const std::string name_;
  const int pid_;
  const uint64_t stream_;
  const internal::Home* const home_;
  AnyTask task_;
  internal::ChildObserver* observer_ = nullptr;
  bool has_ended_ = false;
  ExitStatus status_;
  std::shared_ptr<SimChild> self_;  // While its end is expected.
};

namespace {

// What a Process has of its child.
class SimChildHandle final : public internal::Child, private internal::ChildObserver {
 public:
  explicit SimChildHandle(std::shared_ptr<SimChild> child) : child_(std::move(child)) { child_->SetObserver(this); }
  ~SimChildHandle() override {
    child_->SetObserver(nullptr);
    child_->SendSignal(internal::kKillSignal);
  }

  int pid() const override { return child_->pid(); }
  void SendSignal(int signal, bool) override { child_->SendSignal(signal); }

 private:
  void OnExit(ExitStatus status) override {
    if (observer_ != nullptr) observer_->OnExit(status);
  }

  const std::shared_ptr<SimChild> child_;
};

class SimPrograms final : public internal::Programs {
 public:
  SimPrograms(EventLoop& loop, Arrivals& arrivals) : loop_(loop), arrivals_(arrivals) {}

  void Add(std::string_view name, Program program) {
    programs_.insert_or_assign(std::string(name), std::move(program));
  }

  internal::StartedChild Start(const internal::ProgramSpec& spec) override {
    internal::NoteUnknownAccess(loop_.core());
    internal::StartedChild started;
    const std::string& name = spec.arguments[0];
    const auto found = programs_.find(name);
    if (found == programs_.end()) {
      started.failed = internal::StartedChild::Failed::kProgram;
      started.error = ENOENT;
      return started;
    }
    auto child = std::make_shared<SimChild>(loop_, arrivals_, spec, next_pid_++);
    const ProcessStream streams[kStreams] = {spec.in, spec.out, spec.err};
    const char* const names[kStreams] = {"the input of ", "the output of ", "the errors of "};
    std::unique_ptr<internal::StreamSocket>* const ends[kStreams] = {&started.in, &started.out, &started.err};
    for (int i = 0; i < kStreams; ++i) {
      const std::string text = names[i] + name;
      if (i != 0 && streams[i] != ProcessStream::kPipe) {
        child->SetStream(i, MakeSink(loop_, text));
        continue;
      }
      MemoryPipe pipe = MakeMemoryPipe(loop_, text);
      child->SetStream(i, std::move(i == 0 ? pipe.reads : pipe.writes));
      // An input that is no pipe has ended.
      if (streams[i] == ProcessStream::kPipe) *ends[i] = std::move(i == 0 ? pipe.writes : pipe.reads);
    }
    child->Begin(found->second);
    started.child = std::make_unique<SimChildHandle>(std::move(child));
    return started;
  }

 private:
  EventLoop& loop_;
  Arrivals& arrivals_;
  std::map<std::string, Program, std::less<>> programs_;
  int next_pid_ = kFirstPid;
};

}  // namespace

ProcessContext::ProcessContext(const internal::ProgramSpec& spec)
    : err_to_out_(spec.err == ProcessStream::kOutput),
      arguments_(spec.arguments.begin() + 1, spec.arguments.end()),
      directory_(spec.directory) {
  for (const auto& [name, value] : spec.environment) {
    if (value.has_value()) {
      environment_.insert_or_assign(name, *value);
    } else {
      environment_.erase(name);
    }
  }
}

std::string ProcessContext::Environment(std::string_view name) const {
  const auto found = environment_.find(name);
  return found == environment_.end() ? std::string() : found->second;
}

void ProcessContext::Ignore(int signal) {
  internal::RequireTakableSignal(signal);
  ignored_ |= internal::BitOfSignal(signal);
}

void AddProgram(std::string_view name, Program program) {
  if (name.empty()) throw std::invalid_argument("AddProgram(): the name is empty; give the name of a command");
  internal::Programs& programs = internal::RequireCore("AddProgram()").owner().outside().programs();
  if (auto* simulated = dynamic_cast<SimPrograms*>(&programs)) simulated->Add(name, std::move(program));
}

std::unique_ptr<internal::Programs> MakeSimPrograms(EventLoop& loop, Arrivals& arrivals) {
  return std::make_unique<SimPrograms>(loop, arrivals);
}

}  // namespace detent::sim
