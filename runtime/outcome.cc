// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/outcome.h"

#include <system_error>
#include <utility>

namespace detent::internal {

namespace {

// `status`, unless it is ok: an error that carries no code is an error all the same.
absl::Status NeverOk(absl::Status status, const char* what) {
  return status.ok() ? absl::UnknownError(what) : std::move(status);
}

}  // namespace

absl::Status StatusOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return absl::CancelledError("cancelled");
  } catch (const TimeoutError& e) {
    return absl::DeadlineExceededError(e.what());
  } catch (const StatusError& e) {
    return NeverOk(e.status(), e.what());
  } catch (const std::system_error& e) {
    if (e.code().category() == std::generic_category() || e.code().category() == std::system_category()) {
      return NeverOk(absl::Status(absl::ErrnoToStatusCode(e.code().value()), e.what()), e.what());
    }
    return absl::UnknownError(e.what());
  } catch (...) {
    return absl::UnknownError(DescribeException(error));
  }
}

}  // namespace detent::internal
