// SPDX-License-Identifier: Apache-2.0
//
// History: what clients asked and what they were answered, and whether any order of their operations explains it.
//
//   class KvModel {                          // the server's code, without bugs, copies, and clients at the same time
//    public:
//     class Input { ... };
//     using Output = int;
//     using State = int;                     // it begins as State()
//     static Output Apply(State& state, const Input& input);      // what the answer must be
//     static std::string Key(const Input& input);                 // optional: each key is a history of its own
//     static std::string Describe(const Input& input);            // optional: "put x 7"
//   };
//
//   History<KvModel> history;
//   ...
//   auto operation = history.Call(client, KvModel::Input("x", 7));
//   operation.Return(co_await PutOrGet(...));
//
// A history is explained if its operations can be put in an order in which the model gives every answer, each of them
// at a moment between its call and its return: it is linearizable (Herlihy and Wing, 1990). With kSequential real time
// does not count, only the order of each client's own operations (Lamport, 1979): for servers whose reads may be old.
//
// Outcomes.      Return(answer). Failed(): it certainly did not happen. Dropped, as by an exception: nobody knows; it
//                may have happened at any moment after its call, or never. Its client may go on.
// Verdict.       Asked at each answer: a run ends at the first that no order explains, and fails with it, with what was
//                possible instead, and with the operations around it. (Without real time that is known only at the end
//                of the history.) It fails as well if to decide takes more than HistoryOptions::configurations_max.
// Cost.          By the operations of one key that run at the same time, and by those with unknown outcome, not by its
//                length, as long as answers come about in the order of the calls.
// Lifetime.      What is not decided when a History goes, is then. An operation may outlive it.
// Threads.       One.
#ifndef DETENT_TESTING_HISTORY_HISTORY_H_
#define DETENT_TESTING_HISTORY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/internal/loop_core.h"
#include "detent/testing/history/frontier.h"
#include "detent/testing/history/judge.h"
#include "detent/testing/history/key_history.h"
#include "detent/testing/history/verdict.h"

namespace detent_testing {

enum class Consistency { kLinearizable, kSequential };
inline constexpr Consistency kLinearizable = Consistency::kLinearizable;
inline constexpr Consistency kSequential = Consistency::kSequential;

struct HistoryOptions {
  Consistency consistency = Consistency::kLinearizable;
  // How many configurations (a set of operations, and the state after them) one search may look at.
  uint64_t configurations_max = 1'000'000;
};

namespace internal {

template <typename Model>
constexpr bool HasKeys() {
  return requires(const typename Model::Input& input) { Model::Key(input); };
}

template <typename Model>
class KeyOf {
 public:
  using Type = int;
};
template <typename Model>
  requires(HasKeys<Model>())
class KeyOf<Model> {
 public:
  using Type = std::decay_t<decltype(Model::Key(std::declval<const typename Model::Input&>()))>;
};

// All keys of a model at once.
template <typename Model>
class AllKeys {
 public:
  using Input = typename Model::Input;
  using Output = typename Model::Output;
  using State = std::map<typename KeyOf<Model>::Type, typename Model::State>;
  static Output Apply(State& state, const Input& input) { return Model::Apply(state[Model::Key(input)], input); }
  static std::string Describe(const Input& input) { return DescribeInput<Model>(input); }
};

// How a history of `Model` is checked: real time divides by key, and the order of programs does not.
template <typename Model>
class CheckerOf {
 private:
  static auto MakeRealTime() {
    if constexpr (requires { typename Model::Checker; }) {
      return static_cast<typename Model::Checker*>(nullptr);
    } else {
      return static_cast<KeyHistory<Model, RealTimeFrontier>*>(nullptr);
    }
  }

 public:
  using RealTime = std::remove_pointer_t<decltype(MakeRealTime())>;
  using Programs = KeyHistory<std::conditional_t<HasKeys<Model>(), AllKeys<Model>, Model>, ProgramFrontier>;
};

}  // namespace internal

template <typename Model>
class History {
  class Record;
  class Id {
   public:
    Id(size_t its_part, size_t its_place) : part(its_part), place(its_place) {}
    size_t part;   // Which key's.
    size_t place;  // In it.
  };

 public:
  using Input = typename Model::Input;
  using Output = typename Model::Output;

  explicit History(HistoryOptions options = HistoryOptions(),
                   std::source_location where = std::source_location::current())
      : record_(std::make_shared<Record>(options, where)), exceptions_(std::uncaught_exceptions()) {}
  explicit History(Consistency consistency, std::source_location where = std::source_location::current())
      : History(HistoryOptions{.consistency = consistency}, where) {}
  History(const History&) = delete;
  History& operator=(const History&) = delete;
  ~History() {
    if (std::uncaught_exceptions() == exceptions_ && !detent::internal::IsTearingDown()) record_->End();
  }

  class [[nodiscard("its outcome counts as unknown at once: keep it until the answer comes")]] Operation {
   public:
    Operation(Operation&& other) noexcept : record_(std::move(other.record_)), id_(other.id_) {}
    Operation& operator=(Operation&&) = delete;
    ~Operation() = default;

    // What was answered. std::logic_error if its outcome was told before.
    void Return(Output output) { Take("Return()")->Return(id_, std::move(output)); }
    // It certainly did not happen.
    void Failed() { Take("Failed()")->Fail(id_); }

   private:
    friend class History;
    Operation(std::shared_ptr<Record> record, Id id) : record_(std::move(record)), id_(id) {}
    std::shared_ptr<Record> Take(const char* what) {
      if (record_ == nullptr) {
        throw std::logic_error(std::string("History::Operation::") + what +
                               ": the outcome of this operation was told before; it has one");
      }
      return std::exchange(record_, nullptr);
    }

    std::shared_ptr<Record> record_;
    Id id_;
  };

  // `client` calls; each client has one operation at a time, but for those whose outcome nobody knows.
  Operation Call(int client, Input input) { return Operation(record_, record_->Call(client, std::move(input))); }

  // Decides, and fails nothing: the caller does that. Without an answer since, ~History() does not fail either.
  Verdict Check() { return record_->Check(); }

 private:
  class Record {
   public:
    Record(HistoryOptions options, std::source_location where) : options_(options), where_(where) {}

    Id Call(int client, Input input) {
      was_checked_ = false;
      const size_t number = ++operations_;
      if (options_.consistency == Consistency::kSequential) {
        return Id(0, programs_.Call(number, client, std::move(input), ++event_));
      }
      const size_t part = PartOf(input);
      return Id(part, parts_[part]->Call(number, client, std::move(input), ++event_));
    }
    void Return(Id id, Output output) {
      was_checked_ = false;
      ++event_;
      Hear(options_.consistency == Consistency::kSequential
               ? programs_.Return(id.place, std::move(output), event_)
               : parts_[id.part]->Return(id.place, std::move(output), event_));
    }
    void Fail(Id id) {
      was_checked_ = false;
      ++event_;
      Hear(options_.consistency == Consistency::kSequential ? programs_.Fail(id.place, event_)
                                                            : parts_[id.part]->Fail(id.place, event_));
    }
    Verdict Check() {
      was_checked_ = true;
      return Decide();
    }
    void End() {
      if (!was_checked_ && heard_.ok()) Tell(Decide());
    }

   private:
    using RealTime = typename internal::CheckerOf<Model>::RealTime;

    Verdict Decide() {
      if (!heard_.ok()) return heard_;
      if (options_.consistency == Consistency::kSequential) return heard_ = programs_.Decide(event_);
      for (const auto& part : parts_) {
        heard_ = part->Decide(event_);
        if (!heard_.ok()) break;
      }
      return heard_;
    }

    size_t PartOf(const Input& input) {
      if constexpr (internal::HasKeys<Model>()) {
        const auto [it, is_new] = part_of_key_.emplace(Model::Key(input), parts_.size());
        if (is_new) parts_.push_back(std::make_unique<RealTime>(options_.configurations_max));
        return it->second;
      } else {
        if (parts_.empty()) parts_.push_back(std::make_unique<RealTime>(options_.configurations_max));
        return 0;
      }
    }
    void Hear(Verdict verdict) {
      if (!heard_.ok() || verdict.ok()) return;
      heard_ = std::move(verdict);
      Tell(heard_);
    }
    void Tell(const Verdict& verdict) {
      if (verdict.ok()) return;
      internal::FailRunOrTest(verdict.IsImpossible() ? "history: impossible" : "history: undecided", verdict.text(),
                              where_);
    }
    const HistoryOptions options_;
    const std::source_location where_;
    std::vector<std::unique_ptr<RealTime>> parts_;
    std::map<typename internal::KeyOf<Model>::Type, size_t> part_of_key_;
    typename internal::CheckerOf<Model>::Programs programs_{options_.configurations_max};
    size_t operations_ = 0;
    size_t event_ = 0;
    bool was_checked_ = false;
    Verdict heard_ = Verdict::Explained();
  };

  const std::shared_ptr<Record> record_;
  const int exceptions_;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_HISTORY_HISTORY_H_
