// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/stream_ops.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "detent/testing/conformance/errors.h"

namespace detent_testing::conformance {
namespace {

using detent::Connection;
using detent::Coro;

constexpr int64_t kPeriod = 64;
constexpr size_t kLimit = 32;

// Waits for the next millisecond that is the operation's number modulo kPeriod.
Coro<std::string> Pause(Scope scope, const Op& op) {
  const int64_t left = (op.number - scope.world->Now() - 1) % kPeriod;
  co_await detent::Sleep(scope.world->After((left < 0 ? left + kPeriod : left) + 1));
  co_return "ok";
}

Coro<std::string> Read(Connection& end, const Op& op) {
  const auto size = static_cast<size_t>(op.number);
  switch (op.kind) {
    case OpKind::kStreamRead:
      co_return co_await end.Read(size);
    case OpKind::kStreamLine:
      co_return co_await end.ReadLine();
    case OpKind::kStreamExactly:
      co_return co_await end.ReadExactly(size);
    default:
      co_return co_await end.ReadUntil(op.text, kLimit);
  }
}

}  // namespace

bool IsOnStream(OpKind kind) { return kind >= OpKind::kPause; }

Coro<std::string> RunOnStream(Scope scope, const Op& op) {
  if (op.kind == OpKind::kPause) {
    scope.Log(op, absl::StrCat(op.number, " begin"));
    co_return co_await Pause(scope, op);
  }
  scope.Log(op, absl::StrCat(op.object, " begin"));
  auto& [left, right] = *scope.world->object(op.object).stream;
  Connection& end = op.flag ? right : left;
  if (op.kind == OpKind::kStreamWrite) {
    co_await end.Write(op.text);
    co_return "ok";
  }
  if (op.kind == OpKind::kStreamEof) {
    end.CloseWrite();
    co_return "ok";
  }
  const std::string bytes = co_await Read(end, op);
  co_return absl::StrCat("ok ", Quoted(bytes));
}

}  // namespace detent_testing::conformance
