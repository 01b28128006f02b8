// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/transactions.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace detent_testing {
namespace internal {

void TransactionLog::Read(size_t entry, std::string_view key, std::vector<int64_t> items) {
  entries_[entry].operations.emplace_back(std::string(key), /*its_reads=*/true, std::move(items));
}

void TransactionLog::Append(size_t entry, std::string_view key, int64_t item) {
  if (!writers_.emplace(std::pair(std::string(key), item), entry).second) {
    throw std::invalid_argument(
        absl::StrCat("Transactions: ", item, " was appended to ", std::string(key), " before; append each item once"));
  }
  entries_[entry].operations.emplace_back(std::string(key), /*its_reads=*/false, std::vector<int64_t>{item});
}

const size_t* TransactionLog::WriterOf(const std::string& key, int64_t item) const {
  const auto it = writers_.find(std::pair(key, item));
  return it == writers_.end() ? nullptr : &it->second;
}

namespace {

using Entry = TransactionLog::Entry;
using Operation = TransactionLog::Operation;
using Fate = TransactionLog::Fate;

std::string Describe(const Operation& operation) {
  return operation.reads ? absl::StrCat("read ", operation.key, " = [", absl::StrJoin(operation.items, ", "), "]")
                         : absl::StrCat("append ", operation.key, " ", operation.items[0]);
}

enum class Dependency { kWrites, kReads, kReadsBefore };

// `to` cannot come before `from`.
class Edge {
 public:
  Edge(size_t its_to, Dependency its_kind, std::string its_key, int64_t its_item)
      : to(its_to), kind(its_kind), key(std::move(its_key)), item(its_item) {}

  size_t to;
  Dependency kind;
  std::string key;
  int64_t item;  // What `to` wrote after, or read, or wrote later.
};

class TransactionCheck {
 public:
  explicit TransactionCheck(const TransactionLog& log) : log_(log), edges_(log.entries().size()) {}

  Verdict Run() {
    for (size_t i = 0; i < Count(); ++i) {
      for (const Operation& operation : entry(i).operations) {
        if (!operation.reads || entry(i).fate != Fate::kCommitted) continue;
        if (std::string wrong = CheckItems(i, operation); !wrong.empty()) return Wrong(i, operation, wrong);
        if (std::string wrong = TakeOrder(i, operation); !wrong.empty()) return Wrong(i, operation, wrong);
      }
    }
    for (size_t i = 0; i < Count(); ++i) {
      if (std::string wrong = CheckItself(i); !wrong.empty()) return Verdict::Impossible(wrong);
    }
    FindEdges();
    return FindCycle();
  }

 private:
  // A list as it was read, and who read it.
  class Version {
   public:
    std::vector<int64_t> items;
    size_t reader = 0;
  };

  size_t Count() const { return log_.entries().size(); }
  const Entry& entry(size_t i) const { return log_.entries()[i]; }
  std::string Name(size_t i) const { return absl::StrCat("#", i + 1); }
  std::string Whole(size_t i) const {
    std::vector<std::string> operations;
    for (const Operation& operation : entry(i).operations) operations.push_back(Describe(operation));
    return absl::StrCat(Name(i), "  client ", entry(i).client, "  ", absl::StrJoin(operations, ", "));
  }
  Verdict Wrong(size_t i, const Operation& operation, const std::string& why) const {
    return Verdict::Impossible(absl::StrCat(why, ": ", Name(i), " of client ", entry(i).client, " has ",
                                            Describe(operation), "\n  ", Whole(i), "\n"));
  }

  // Whether somebody wrote what was read, and once.
  std::string CheckItems(size_t reader, const Operation& read) const {
    std::set<int64_t> seen;
    for (const int64_t item : read.items) {
      const size_t* const writer = log_.WriterOf(read.key, item);
      if (writer == nullptr) return absl::StrCat("nobody has appended ", item, " to ", read.key);
      if (!seen.insert(item).second) return absl::StrCat(item, " is there twice");
      if (entry(*writer).fate == Fate::kAborted)
        return absl::StrCat("G1a: ", Name(*writer), ", which appended ", item, ", was aborted");
    }
    if (read.items.empty()) return "";
    const size_t writer = *log_.WriterOf(read.key, read.items.back());
    if (writer == reader) return "";
    for (const Operation& each : entry(writer).operations) {
      if (!each.reads && each.key == read.key && seen.count(each.items[0]) == 0)
        return absl::StrCat("G1b: ", Name(writer), " appended ", each.items[0], " to ", read.key, " as well");
    }
    return "";
  }

  // The longest list of each key is its order; every other is the beginning of it. (But what a transaction appended
  // itself it may read before others have written.)
  std::string TakeOrder(size_t reader, const Operation& read) {
    std::vector<int64_t> items = read.items;
    Version& version = versions_[read.key];
    for (size_t i = 0; i < std::min(items.size(), version.items.size()); ++i) {
      if (items[i] != version.items[i])
        return absl::StrCat("item ", i, " is ", items[i], ", and ", Name(version.reader), " read ", version.items[i],
                            " there");
    }
    if (items.size() > version.items.size()) version = Version{std::move(items), reader};
    return "";
  }

  // Whether a transaction saw its own appends.
  std::string CheckItself(size_t i) const {
    if (entry(i).fate != Fate::kCommitted) return "";
    std::map<std::string, std::vector<int64_t>> own;
    for (const Operation& operation : entry(i).operations) {
      std::vector<int64_t>& appended = own[operation.key];
      if (!operation.reads) {
        appended.push_back(operation.items[0]);
        continue;
      }
      const std::vector<int64_t>& items = operation.items;
      if (items.size() < appended.size() || !std::equal(appended.rbegin(), appended.rend(), items.rbegin()))
        return absl::StrCat(Name(i), " did not see what it had appended itself: it has ", Describe(operation), "\n  ",
                            Whole(i), "\n");
    }
    return "";
  }

  void AddEdge(size_t from, size_t to, Dependency kind, const std::string& key, int64_t item) {
    if (from == to) return;
    edges_[from].emplace_back(to, kind, key, item);
  }

  void FindEdges() {
    for (const auto& [key, version] : versions_) {
      for (size_t i = 0; i + 1 < version.items.size(); ++i) {
        AddEdge(*log_.WriterOf(key, version.items[i]), *log_.WriterOf(key, version.items[i + 1]), Dependency::kWrites,
                key, version.items[i]);
      }
    }
    for (size_t i = 0; i < Count(); ++i) {
      if (entry(i).fate != Fate::kCommitted) continue;
      for (const Operation& read : entry(i).operations) {
        if (read.reads) AddEdgesOfRead(i, read);
      }
    }
  }

  void AddEdgesOfRead(size_t reader, const Operation& read) {
    if (!read.items.empty()) {
      const int64_t last = read.items.back();
      AddEdge(*log_.WriterOf(read.key, last), reader, Dependency::kReads, read.key, last);
    }
    // Who wrote next; its own appends are no news to it.
    const std::vector<int64_t>& items = versions_.at(read.key).items;
    for (size_t i = read.items.size(); i < items.size(); ++i) {
      const size_t writer = *log_.WriterOf(read.key, items[i]);
      if (writer == reader) continue;
      AddEdge(reader, writer, Dependency::kReadsBefore, read.key, items[i]);
      break;
    }
  }

  // The strongest kind of circle first, and of that the smallest.
  Verdict FindCycle() const {
    if (auto cycle = SmallestCycle(Dependency::kWrites, 0)) return Tell("G0", *cycle);
    if (auto cycle = SmallestCycle(Dependency::kReads, 0)) return Tell("G1c", *cycle);
    if (auto cycle = SmallestCycle(Dependency::kReads, 1)) return Tell("G-single, a G2", *cycle);
    if (auto cycle = SmallestCycle(Dependency::kReadsBefore, 0)) return Tell("G2", *cycle);
    return Verdict::Explained();
  }

  class Cycle {
   public:
    std::vector<size_t> transactions;
    std::vector<Edge> edges;  // From each to the next.
  };

  // By edges up to `weakest`; with `once`, and one more that reads before.
  std::optional<Cycle> SmallestCycle(Dependency weakest, int once) const {
    std::optional<Cycle> smallest;
    for (size_t start = 0; start < Count(); ++start) {
      for (const Edge& first : edges_[start]) {
        if (once != 0 ? first.kind != Dependency::kReadsBefore : first.kind > weakest) continue;
        std::optional<Cycle> cycle = PathBack(start, first, weakest, smallest ? smallest->edges.size() : Count() + 1);
        if (cycle) smallest = std::move(cycle);
      }
      if (smallest && smallest->edges.size() == 2) break;
    }
    return smallest;
  }

  // The shortest way from the end of `first` to `start`, if that makes fewer than `size_max` edges with it.
  std::optional<Cycle> PathBack(size_t start, const Edge& first, Dependency weakest, size_t size_max) const {
    class From {
     public:
      size_t transaction = 0;
      const Edge* edge = nullptr;
      size_t edges = 0;
    };
    std::map<size_t, From> from = {{first.to, From{start, &first, 1}}};
    std::deque<size_t> queue = {first.to};
    while (!queue.empty() && from.count(start) == 0) {
      const size_t at = queue.front();
      queue.pop_front();
      const size_t edges = from.at(at).edges + 1;
      if (edges >= size_max) continue;
      for (const Edge& edge : edges_[at]) {
        if (edge.kind <= weakest && from.emplace(edge.to, From{at, &edge, edges}).second) queue.push_back(edge.to);
      }
    }
    if (from.count(start) == 0) return std::nullopt;
    Cycle cycle;
    size_t at = start;
    do {
      const From& step = from.at(at);
      cycle.transactions.push_back(step.transaction);
      cycle.edges.push_back(*step.edge);
      at = step.transaction;
    } while (at != start);
    std::reverse(cycle.transactions.begin(), cycle.transactions.end());
    std::reverse(cycle.edges.begin(), cycle.edges.end());
    return cycle;
  }

  Verdict Tell(const std::string& name, const Cycle& cycle) const {
    std::string text = absl::StrCat(name, ": no order explains these ", cycle.edges.size(),
                                    " transactions, each of which comes before the next, and the last before the "
                                    "first:\n");
    for (size_t i = 0; i < cycle.edges.size(); ++i) {
      const Edge& edge = cycle.edges[i];
      absl::StrAppend(&text, "  ", Whole(cycle.transactions[i]), "\n      ", Name(cycle.transactions[i]), " ");
      switch (edge.kind) {
        case Dependency::kWrites:
          absl::StrAppend(&text, "appended ", edge.item, " to ", edge.key, " just before ", Name(edge.to), " did\n");
          break;
        case Dependency::kReads:
          absl::StrAppend(&text, "appended ", edge.item, " to ", edge.key, ", which ", Name(edge.to), " read\n");
          break;
        case Dependency::kReadsBefore:
          absl::StrAppend(&text, "read ", edge.key, " before ", Name(edge.to), " appended ", edge.item, "\n");
          break;
      }
    }
    return Verdict::Impossible(std::move(text));
  }

  const TransactionLog& log_;
  std::map<std::string, Version> versions_;
  std::vector<std::vector<Edge>> edges_;  // From each transaction.
};

}  // namespace
}  // namespace internal

void Transactions::Transaction::Read(std::string_view key, std::vector<int64_t> items) {
  log().Read(entry_, key, std::move(items));
}

void Transactions::Transaction::Append(std::string_view key, int64_t item) { log().Append(entry_, key, item); }

internal::TransactionLog& Transactions::Transaction::log() const {
  if (log_ == nullptr) throw std::logic_error("Transactions::Transaction: it has ended; begin another");
  return *log_;
}

void Transactions::Transaction::End(internal::TransactionLog::Fate fate) {
  log().End(entry_, fate);
  log_ = nullptr;
}

Verdict Transactions::Check() const { return internal::TransactionCheck(*log_).Run(); }

}  // namespace detent_testing
