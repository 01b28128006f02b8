// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_commands.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/charconv.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "detent/runtime/event_loop.h"

namespace detent_examples {
namespace {

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || last != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseScore(std::string_view text) {
  double value = 0;
  const auto [last, error] = absl::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || last != text.data() + text.size() || std::isnan(value)) return std::nullopt;
  return value;
}

// As absl::EqualsIgnoreCase(), for std::string_view.
bool IsName(std::string_view name, std::string_view word) {
  return absl::EqualsIgnoreCase(absl::string_view(name.data(), name.size()),
                                absl::string_view(word.data(), word.size()));
}

// One request on its way.
class Call {
 public:
  Call(std::span<const std::string_view> words, RedisStore& store, std::string& replies)
      : words_(words), store_(store), replies_(replies) {}

  size_t size() const { return words_.size(); }
  std::string_view word(size_t i) const { return words_[i]; }
  std::string_view key() const { return words_[1]; }
  RedisStore& store() { return store_; }

  void Simple(std::string_view text) { Line('+', text); }
  void Error(std::string_view text) { Line('-', text); }
  void Integer(int64_t value) { Number(':', value); }
  void Array(size_t size) { Number('*', static_cast<int64_t>(size)); }
  void Null() { replies_.append("$-1\r\n"); }
  void Bulk(std::string_view text) {
    Number('$', static_cast<int64_t>(text.size()));
    replies_.append(text).append("\r\n");
  }
  void WrongKind() { Error("WRONGTYPE the key holds a value of another kind than this command is for"); }
  void NoInteger(const char* what) { Error(absl::StrCat("ERR ", what, " is not an integer of 64 bits")); }

  // What the key holds. Null if that is nothing, or of another kind, which is answered then.
  template <typename T>
  T* Find(std::string_view answer_if_none) {
    const RedisStore::Found<T> found = store_.Find<T>(key());
    if (found.other_kind) {
      WrongKind();
    } else if (found.value == nullptr) {
      replies_.append(answer_if_none);
    }
    return found.value;
  }
  template <typename T>
  T* FindOrAdd() {
    T* const value = store_.FindOrAdd<T>(key());
    if (value == nullptr) WrongKind();
    return value;
  }

 private:
  void Line(char kind, std::string_view text) {
    replies_.push_back(kind);
    replies_.append(text).append("\r\n");
  }
  void Number(char kind, int64_t value) {
    char line[24];
    line[0] = kind;
    char* end = std::to_chars(line + 1, line + sizeof(line) - 2, value).ptr;
    *end++ = '\r';
    *end++ = '\n';
    replies_.append(line, static_cast<size_t>(end - line));
  }

  const std::span<const std::string_view> words_;
  RedisStore& store_;
  std::string& replies_;
};

constexpr std::string_view kNull = "$-1\r\n";
constexpr std::string_view kZero = ":0\r\n";
constexpr std::string_view kEmpty = "*0\r\n";

void Ping(Call& call) {
  if (call.size() == 1) return call.Simple("PONG");
  call.Bulk(call.word(1));
}

void Echo(Call& call) { call.Bulk(call.word(1)); }

void Set(Call& call) {
  call.store().SetText(call.key(), call.word(2));
  call.Simple("OK");
}

void MSet(Call& call) {
  for (size_t i = 1; i + 1 < call.size(); i += 2) call.store().SetText(call.word(i), call.word(i + 1));
  call.Simple("OK");
}

void Get(Call& call) {
  if (const RedisText* text = call.Find<RedisText>(kNull)) call.Bulk(*text);
}

void Del(Call& call) {
  int64_t removed = 0;
  for (size_t i = 1; i < call.size(); ++i) removed += call.store().Remove(call.word(i)) ? 1 : 0;
  call.Integer(removed);
}

void Incr(Call& call) {
  const RedisStore::Found<RedisText> found = call.store().Find<RedisText>(call.key());
  if (found.other_kind) return call.WrongKind();
  const std::optional<int64_t> value = found.value == nullptr ? 0 : ParseInteger(*found.value);
  if (!value.has_value()) return call.NoInteger("the value of the key");
  if (*value == std::numeric_limits<int64_t>::max()) return call.NoInteger("the value, one more,");
  call.store().SetText(call.key(), absl::StrCat(*value + 1));
  call.Integer(*value + 1);
}

void LPush(Call& call) {
  RedisList* const list = call.FindOrAdd<RedisList>();
  if (list == nullptr) return;
  for (size_t i = 2; i < call.size(); ++i) list->emplace_front(call.word(i));
  call.Integer(static_cast<int64_t>(list->size()));
}

void RPush(Call& call) {
  RedisList* const list = call.FindOrAdd<RedisList>();
  if (list == nullptr) return;
  for (size_t i = 2; i < call.size(); ++i) list->emplace_back(call.word(i));
  call.Integer(static_cast<int64_t>(list->size()));
}

void LPop(Call& call) {
  RedisList* const list = call.Find<RedisList>(kNull);
  if (list == nullptr) return;
  call.Bulk(list->front());
  list->pop_front();
  if (list->empty()) call.store().Remove(call.key());
}

void RPop(Call& call) {
  RedisList* const list = call.Find<RedisList>(kNull);
  if (list == nullptr) return;
  call.Bulk(list->back());
  list->pop_back();
  if (list->empty()) call.store().Remove(call.key());
}

void LLen(Call& call) {
  if (const RedisList* list = call.Find<RedisList>(kZero)) call.Integer(static_cast<int64_t>(list->size()));
}

void LRange(Call& call) {
  const std::optional<int64_t> first_given = ParseInteger(call.word(2));
  const std::optional<int64_t> last_given = ParseInteger(call.word(3));
  if (!first_given.has_value() || !last_given.has_value()) return call.NoInteger("a place in the list");
  const RedisList* const list = call.Find<RedisList>(kEmpty);
  if (list == nullptr) return;
  const int64_t size = static_cast<int64_t>(list->size());
  const int64_t first = std::max<int64_t>(*first_given < 0 ? *first_given + size : *first_given, 0);
  const int64_t last = std::min<int64_t>(*last_given < 0 ? *last_given + size : *last_given, size - 1);
  if (first > last) return call.Array(0);
  call.Array(static_cast<size_t>(last - first + 1));
  for (auto each = list->begin() + first; each != list->begin() + last + 1; ++each) call.Bulk(*each);
}

void SAdd(Call& call) {
  RedisSet* const set = call.FindOrAdd<RedisSet>();
  if (set == nullptr) return;
  int64_t added = 0;
  for (size_t i = 2; i < call.size(); ++i) added += set->Add(call.word(i)) ? 1 : 0;
  call.Integer(added);
}

void SCard(Call& call) {
  if (const RedisSet* set = call.Find<RedisSet>(kZero)) call.Integer(static_cast<int64_t>(set->size()));
}

void SPop(Call& call) {
  RedisSet* const set = call.Find<RedisSet>(kNull);
  if (set == nullptr) return;
  call.Bulk(set->Take(detent::EventLoop::Current().Random().Below(set->size())));
  if (set->size() == 0) call.store().Remove(call.key());
}

void HSet(Call& call) {
  RedisTable* const table = call.FindOrAdd<RedisTable>();
  if (table == nullptr) return;
  int64_t added = 0;
  for (size_t i = 2; i + 1 < call.size(); i += 2) {
    const auto [at, is_new] = table->try_emplace(call.word(i), call.word(i + 1));
    if (!is_new) at->second.assign(call.word(i + 1));
    added += is_new ? 1 : 0;
  }
  call.Integer(added);
}

void HGet(Call& call) {
  const RedisTable* const table = call.Find<RedisTable>(kNull);
  if (table == nullptr) return;
  const auto found = table->find(call.word(2));
  if (found == table->end()) return call.Null();
  call.Bulk(found->second);
}

void ZAdd(Call& call) {
  for (size_t i = 2; i + 1 < call.size(); i += 2) {
    if (!ParseScore(call.word(i)).has_value()) return call.Error("ERR a score is not a number");
  }
  RedisRanking* const ranking = call.FindOrAdd<RedisRanking>();
  if (ranking == nullptr) return;
  int64_t added = 0;
  for (size_t i = 2; i + 1 < call.size(); i += 2) {
    added += ranking->Set(call.word(i + 1), *ParseScore(call.word(i))) ? 1 : 0;
  }
  call.Integer(added);
}

void ZCard(Call& call) {
  if (const RedisRanking* ranking = call.Find<RedisRanking>(kZero)) call.Integer(static_cast<int64_t>(ranking->size()));
}

void ZPopMin(Call& call) {
  RedisRanking* const ranking = call.Find<RedisRanking>(kEmpty);
  if (ranking == nullptr) return;
  const auto [score, member] = ranking->TakeLowest();
  call.Array(2);
  call.Bulk(member);
  call.Bulk(absl::StrCat(score));
  if (ranking->size() == 0) call.store().Remove(call.key());
}

// redis-benchmark asks for two settings, and takes that there are none.
void Config(Call& call) {
  if (!IsName("GET", call.word(1))) return call.Error("ERR of CONFIG only GET is there");
  call.Array(0);
}

void Command(Call& call) { call.Array(0); }

void Quit(Call& call) { call.Simple("OK"); }

class Entry {
 public:
  std::string_view name;
  void (*execute)(Call& call);
  size_t words_min;
  size_t words_max;
  size_t in_pairs_from = 0;  // From this word on they come in pairs; 0: they do not.
};

constexpr size_t kAny = std::numeric_limits<size_t>::max();
constexpr size_t kNameMax = 8;

constexpr Entry kEntries[] = {
    {"PING", Ping, 1, 2},       {"ECHO", Echo, 2, 2},          {"SET", Set, 3, 3},
    {"GET", Get, 2, 2},         {"DEL", Del, 2, kAny},         {"INCR", Incr, 2, 2},
    {"MSET", MSet, 3, kAny, 1}, {"LPUSH", LPush, 3, kAny},     {"RPUSH", RPush, 3, kAny},
    {"LPOP", LPop, 2, 2},       {"RPOP", RPop, 2, 2},          {"LLEN", LLen, 2, 2},
    {"LRANGE", LRange, 4, 4},   {"SADD", SAdd, 3, kAny},       {"SCARD", SCard, 2, 2},
    {"SPOP", SPop, 2, 2},       {"HSET", HSet, 4, kAny, 2},    {"HGET", HGet, 3, 3},
    {"ZADD", ZAdd, 4, kAny, 2}, {"ZCARD", ZCard, 2, 2},        {"ZPOPMIN", ZPopMin, 2, 2},
    {"CONFIG", Config, 3, 3},   {"COMMAND", Command, 1, kAny}, {"QUIT", Quit, 1, 1},
};

// The letters of a short name as a number, capital or not.
uint64_t Packed(std::string_view name) {
  uint64_t packed = 0;
  for (const char letter : name) packed = packed << 8 | (static_cast<unsigned char>(letter) & 0xdf);
  return packed;
}

const Entry* FindEntry(std::string_view name) {
  static const auto& kTable = *new absl::flat_hash_map<uint64_t, const Entry*>([] {
    absl::flat_hash_map<uint64_t, const Entry*> table;
    for (const Entry& entry : kEntries) table[Packed(entry.name)] = &entry;
    return table;
  }());
  if (name.size() > kNameMax) return nullptr;
  const auto found = kTable.find(Packed(name));
  // Two names may have the same number: "GET" and "\7ET".
  return found != kTable.end() && IsName(found->second->name, name) ? found->second : nullptr;
}

}  // namespace

bool ExecuteRedis(std::span<const std::string_view> words, RedisStore& store, std::string& replies) {
  Call call(words, store, replies);
  const Entry* const entry = FindEntry(words[0]);
  if (entry == nullptr) {
    call.Error(absl::StrCat("ERR unknown command \"", absl::CHexEscape(std::string(words[0].substr(0, 40))), "\""));
    return true;
  }
  const bool has_pairs = entry->in_pairs_from == 0 || (words.size() - entry->in_pairs_from) % 2 == 0;
  if (words.size() < entry->words_min || words.size() > entry->words_max || !has_pairs) {
    call.Error(absl::StrCat("ERR wrong number of arguments for ", entry->name.data()));
    return true;
  }
  entry->execute(call);
  return entry->execute != Quit;
}

}  // namespace detent_examples
