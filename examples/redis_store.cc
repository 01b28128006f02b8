// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_store.h"

namespace detent_examples {

bool RedisSet::Add(std::string_view member) {
  const auto [at, added] = index_.try_emplace(member, members_.size());
  if (added) members_.emplace_back(member);
  return added;
}

std::string RedisSet::Take(size_t index) {
  std::swap(members_[index], members_.back());
  index_[members_[index]] = index;
  std::string taken = std::move(members_.back());
  members_.pop_back();
  index_.erase(taken);
  return taken;
}

bool RedisRanking::Set(std::string_view member, double score) {
  const auto [at, added] = scores_.try_emplace(member, score);
  if (!added) {
    if (at->second == score) return false;
    order_.erase({at->second, at->first});
    at->second = score;
  }
  order_.emplace(score, member);
  return added;
}

std::pair<double, std::string> RedisRanking::TakeLowest() {
  std::pair<double, std::string> lowest = std::move(order_.extract(order_.begin()).value());
  scores_.erase(lowest.second);
  return lowest;
}

void RedisStore::SetText(std::string_view key, std::string_view text) {
  const auto found = values_.find(key);
  if (found == values_.end()) {
    values_.try_emplace(key, std::in_place_type<RedisText>, text);
  } else if (RedisText* const old = std::get_if<RedisText>(&found->second)) {
    old->assign(text);
  } else {
    found->second.emplace<RedisText>(text);
  }
}

std::string RedisStore::Text(std::string_view key) {
  const RedisText* const text = Find<RedisText>(key).value;
  return text == nullptr ? "" : *text;
}

}  // namespace detent_examples
