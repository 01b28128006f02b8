// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/errors.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "absl/strings/str_cat.h"

namespace detent {
namespace {

std::string Summary(const std::vector<std::exception_ptr>& errors) {
  std::string text = absl::StrCat(errors.size(), errors.size() == 1 ? " task" : " tasks", " of a group failed");
  const char* separator = ": ";
  for (const std::exception_ptr& error : errors) {
    absl::StrAppend(&text, separator, internal::DescribeException(error));
    separator = "; ";
  }
  return text;
}

std::string TypeName(const std::type_info* type) {
  if (type == nullptr) return "an exception of unknown type";
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free);
  return absl::StrCat("an exception of type ", name ? name.get() : type->name());
}

}  // namespace

ExceptionGroup::ExceptionGroup(std::vector<std::exception_ptr> exceptions)
    : std::runtime_error(Summary(exceptions)), exceptions_(std::move(exceptions)) {}

namespace internal {

const ExceptionGroup* GroupIn(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    return &group;
  } catch (...) {
    return nullptr;
  }
}

std::string DescribeException(const std::exception_ptr& error) {
  if (error == nullptr) return "no exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text;
  } catch (...) {
    return TypeName(abi::__cxa_current_exception_type());
  }
}

}  // namespace internal
}  // namespace detent
