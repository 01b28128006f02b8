// SPDX-License-Identifier: Apache-2.0
//
// WaitText: what a task waits for, as data. A wait fills it in (WaitNode::Describe), and whoever shows it takes the
// words from one place: a sentence for a report, a few words for a table, the fields for a machine.
//
//   Lock::Acquire on "ledger", held by task "alice"        type Lock, verb Acquire, object ledger, holder alice
//   Queue::Put on "orders" (full, 16 of 16)                type Queue, verb Put, object orders, progress full, 16 of 16
//   the end of task "bob" (spawned at bank.cc:41)          verb the end of, noun task, object bob, place bank.cc:41
//   Wait for the first of 3, 2 pending                     verb Wait for, object the first of 3, pending 2
#ifndef DETENT_RUNTIME_INTERNAL_WAIT_TEXT_H_
#define DETENT_RUNTIME_INTERNAL_WAIT_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detent::internal {

class NamedObject;

// How much of it is told.
enum class WaitDetail : uint8_t {
  kAll,      // For a table: who holds it, how far it is; but neither where a task was spawned nor what is obvious.
  kNoClass,  // Without the class whose operation it is: `Acquire "ledger", held by alice`.
  kNoHolder,
  kNoProgress,
  kVerb,  // Not even on what.
};

class WaitText {
 public:
  WaitText() {}

  // An operation of a class on an object: `Lock::Acquire on "ledger"`, `Lock::Acquire on a Lock`.
  void SetCall(std::string_view type, std::string_view verb, const NamedObject& object);
  // SetCall() where the object, called so, was destroyed meanwhile: `Lock::Acquire on "ledger", which is gone`.
  void SetCallOnGone(std::string_view type, std::string_view verb, std::string_view name);

  // For a report.
  std::string Sentence() const;
  // For a cell of a table.
  std::string Words(WaitDetail detail = WaitDetail::kAll) const;

  std::string_view type;         // The class of the operation: `Lock`. Empty for a function.
  std::string_view verb;         // `Acquire`, `Sleep`, `the end of`.
  std::string_view preposition;  // Between verb and object: `on`, `to`, `until`.
  std::string noun;              // What the object is, where the verb does not say so: `task`, `Shared`, `Gather of 3`.
  std::string object;            // Its name, address, time, or other words.
  bool is_named = false;         // Whether `object` is a name, and so stands in quotes.
  bool name_is_enough = false;   // Whether few words leave out the noun.
  std::string place;             // Where the awaited task was spawned, or the future made: `bank.cc:41`.
  bool awaits_task = false;      // Whether it is the end of one task.
  bool is_over = false;          // Whether what is awaited has ended.
  std::optional<std::string> holder;  // The task that holds the object: `"alice"`, or `"alice", which has ended`.
  std::string progress;               // `full, 16 of 16`, `3 of 10 bytes`.
  std::optional<uint64_t> pending;    // How many of several are not done.
  std::string brief;                  // Says it all in few words.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_WAIT_TEXT_H_
