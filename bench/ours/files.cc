// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "detent/bench/harness/cached_file.h"
#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/io/file.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {
namespace {

using detent::Coro;
using detent::File;

Coro<> ReadSome(File& file, uint64_t seed, uint64_t count, uint64_t& right) {
  Numbers numbers(seed);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t block = numbers.Below(CachedFile::kBlocks);
    const std::string bytes =
        co_await file.ReadAt(static_cast<int64_t>(block * CachedFile::kBlock), CachedFile::kBlock);
    right += CachedFile::IsBlock(block, bytes) ? 1 : 0;
  }
}

Coro<> ReadInTasks(uint64_t count, uint64_t& right) {
  File file = co_await detent::OpenFile(CachedFile::Get().path());
  std::vector<detent::Task<>> readers;
  for (uint64_t i = 0; i < CachedFile::kInFlight; ++i) {
    readers.push_back(detent::Spawn([&, i] { return ReadSome(file, i, count, right); }));
  }
  for (const detent::Task<>& reader : readers) co_await reader;
}

}  // namespace

void ReadBlocks(uint64_t ops) {
  const uint64_t each = ops / CachedFile::kInFlight;
  uint64_t right = 0;
  detent::Run(ReadInTasks(each, right));
  Require(right == each * CachedFile::kInFlight, "the blocks that were read");
}

}  // namespace detent_bench::ours
