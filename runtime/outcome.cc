// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/outcome.h"

#include <system_error>

namespace detent::internal {

absl::Status StatusOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return absl::CancelledError("cancelled");
  } catch (const TimeoutError& e) {
    return absl::DeadlineExceededError(e.what());
  } catch (const StatusError& e) {
    return e.status();
  } catch (const std::system_error& e) {
    if (e.code().category() == std::generic_category() || e.code().category() == std::system_category()) {
      return absl::Status(absl::ErrnoToStatusCode(e.code().value()), e.what());
    }
    return absl::UnknownError(e.what());
  } catch (...) {
    return absl::UnknownError(DescribeException(error));
  }
}

}  // namespace detent::internal
