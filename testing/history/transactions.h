// SPDX-License-Identifier: Apache-2.0
//
// Transactions: what the transactions of a database saw of each other, and whether any order of them explains it.
//
//   Transactions history;
//   auto transaction = history.Begin(client);
//   transaction.Read("x", {1, 2});            // the whole list at x, as it was answered
//   transaction.Append("y", 3);               // at the end of the list at y
//   transaction.Committed();                  // or Aborted(); dropped: nobody knows
//   ...
//   EXPECT_TRUE(history.Check().ok()) << history.Check().text();
//
// The keys of the database hold lists; a transaction reads whole ones and appends to them, each item once at a key.
// Then a read tells in which order the transactions before it wrote, and from that follows who depended on whom: by
// writing after, by reading what it wrote, by reading before it wrote. Transactions that depend on each other in a
// circle have no order. The smallest such circle is told, under its name of Adya, "Weak Consistency: A Generalized
// Theory and Optimistic Implementations for Distributed Transactions" (1999):
//
//   G0    all wrote after each other
//   G1a   one read what was aborted
//   G1b   one read the middle of what another wrote
//   G1c   each wrote after the one before, or read what it wrote
//   G2    one or more read before another wrote; with one alone, G-single, not even a snapshot explains it
//
// After Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations" (2020). Linear in
// the history, but for the circle itself. What is told did happen; what no read has seen remains untold.
//
// Errors.        std::invalid_argument for an item that was appended to its key before. std::logic_error for a
//                transaction that has ended.
#ifndef DETENT_TESTING_HISTORY_TRANSACTIONS_H_
#define DETENT_TESTING_HISTORY_TRANSACTIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/testing/history/verdict.h"

namespace detent_testing {
namespace internal {

class TransactionLog {
 public:
  class Operation {
   public:
    Operation(std::string its_key, bool its_reads, std::vector<int64_t> its_items)
        : key(std::move(its_key)), reads(its_reads), items(std::move(its_items)) {}
    std::string key;
    bool reads;
    std::vector<int64_t> items;  // What was read, or the one that was appended.
  };
  enum class Fate { kUnknown, kCommitted, kAborted };
  class Entry {
   public:
    explicit Entry(int its_client) : client(its_client) {}
    int client;
    Fate fate = Fate::kUnknown;
    std::vector<Operation> operations;
  };

  TransactionLog() {}

  size_t Begin(int client) {
    entries_.emplace_back(client);
    return entries_.size() - 1;
  }
  void Read(size_t entry, std::string_view key, std::vector<int64_t> items);
  void Append(size_t entry, std::string_view key, int64_t item);
  void End(size_t entry, Fate fate) { entries_[entry].fate = fate; }

  const std::vector<Entry>& entries() const { return entries_; }
  // Whose an item is; null if nobody has appended it.
  const size_t* WriterOf(const std::string& key, int64_t item) const;

 private:
  std::vector<Entry> entries_;
  std::map<std::pair<std::string, int64_t>, size_t> writers_;
};

}  // namespace internal

class Transactions {
 public:
  Transactions() : log_(std::make_shared<internal::TransactionLog>()) {}
  Transactions(const Transactions&) = delete;
  Transactions& operator=(const Transactions&) = delete;

  class [[nodiscard("its outcome counts as unknown at once: keep it until it ends")]] Transaction {
   public:
    Transaction(Transaction&& other) noexcept : log_(std::move(other.log_)), entry_(other.entry_) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction() = default;

    // What was answered.
    void Read(std::string_view key, std::vector<int64_t> items);
    // Before it is asked for: nobody knows then whether it happened.
    void Append(std::string_view key, int64_t item);
    void Committed() { End(internal::TransactionLog::Fate::kCommitted); }
    void Aborted() { End(internal::TransactionLog::Fate::kAborted); }

   private:
    friend class Transactions;
    Transaction(std::shared_ptr<internal::TransactionLog> log, size_t entry) : log_(std::move(log)), entry_(entry) {}
    internal::TransactionLog& log() const;
    void End(internal::TransactionLog::Fate fate);

    std::shared_ptr<internal::TransactionLog> log_;
    size_t entry_;
  };

  Transaction Begin(int client) { return Transaction(log_, log_->Begin(client)); }

  // Of all so far. Fails nothing: the caller does that.
  Verdict Check() const;

 private:
  const std::shared_ptr<internal::TransactionLog> log_;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_HISTORY_TRANSACTIONS_H_
