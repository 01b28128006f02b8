// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/exception_context.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent {

std::string ExceptionContext::ToString() const {
  return exception == nullptr ? message : absl::StrCat(message, ": ", internal::DescribeException(exception));
}

}  // namespace detent
