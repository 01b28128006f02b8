// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/primes.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detent/runtime/gather.h"

namespace detent_examples {
namespace {

using detent::Coro;
using detent::ProcessPool;

constexpr int64_t kNumbersAJob = 5'000;

bool IsPrime(int64_t number) {
  for (int64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return number > 1;
}

Coro<int64_t> CountOnePart(ProcessPool& pool, int64_t from, int64_t to) {
  int64_t count = 0;
  const std::string result = co_await pool.Run(absl::StrCat(from, " ", to));
  if (!absl::SimpleAtoi(result, &count)) throw std::runtime_error("a worker has counted \"" + result + "\"");
  co_return count;
}

}  // namespace

std::string CountPrimes(std::string_view job) {
  const std::vector<std::string> bounds = absl::StrSplit(std::string(job), ' ');
  int64_t from = 0;
  int64_t to = 0;
  if (bounds.size() != 2 || !absl::SimpleAtoi(bounds[0], &from) || !absl::SimpleAtoi(bounds[1], &to)) {
    throw std::invalid_argument("\"" + std::string(job) + "\" is not two numbers");
  }
  int64_t count = 0;
  for (int64_t number = from; number < to; ++number) count += IsPrime(number) ? 1 : 0;
  return absl::StrCat(count);
}

Coro<int64_t> CountPrimesBelow(int64_t end, ProcessPool& pool) {
  std::vector<Coro<int64_t>> parts;
  for (int64_t from = 0; from < end; from += kNumbersAJob) {
    parts.push_back(CountOnePart(pool, from, std::min(from + kNumbersAJob, end)));
  }
  int64_t sum = 0;
  for (const int64_t count : co_await detent::Gather(std::move(parts))) sum += count;
  co_return sum;
}

}  // namespace detent_examples
